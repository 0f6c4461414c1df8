//! Runs the conformance tests of stores, and tests prefixes of keys.

use std::{fmt::Write as _, sync::Arc};

use doorward_core::{BoxFuture, SessionStore, UserId};
use doorward_redis::{RedisOptions, RedisStore};
use doorward_testkit::{RedisServer, conformance, conformance::Subject};

use crate::fixture::{Behind, connect, key, session};

struct OnAServer {
    store: Arc<RedisStore>,
    server: RedisServer,
}

impl Subject for OnAServer {
    type Store = RedisStore;

    fn store(&self) -> Arc<RedisStore> {
        self.store.clone()
    }

    /// Returns all keys with their values.
    fn dump(&self) -> BoxFuture<'_, String> {
        Box::pin(async {
            let mut behind = Behind::connect(&self.server).await;
            let mut dump = String::new();
            for key in behind.run::<Vec<String>>("KEYS *").await {
                let kind: String = behind.run(&format!("TYPE {key}")).await;
                let values: Vec<String> = match &*kind {
                    "hash" => behind.run(&format!("HGETALL {key}")).await,
                    "zset" => behind.run(&format!("ZRANGE {key} 0 -1")).await,
                    "string" => vec![behind.run(&format!("GET {key}")).await],
                    "stream" => {
                        let entries: redis::Value = behind.run(&format!("XRANGE {key} - +")).await;
                        vec![format!("{entries:?}")]
                    }
                    other => unreachable!("the store writes no {other}"),
                };
                writeln!(dump, "{key} {values:?}").unwrap();
            }
            dump
        })
    }
}

async fn on_a_server() -> OnAServer {
    let server = RedisServer::start(&[]).await;
    OnAServer { store: Arc::new(connect(&server).await), server }
}

conformance!(on_a_server);

#[tokio::test]
async fn stores_with_different_prefixes_share_nothing() {
    let server = RedisServer::start(&[]).await;
    let first = connect(&server).await;
    let second = RedisOptions::default().prefix("other:").connect(&server.url()).await.unwrap();

    first.create(&key(1), &session("s-1", "alice")).await.unwrap();
    second.create(&key(1), &session("s-1", "bob")).await.unwrap();

    let found = second.find(&key(1)).await.unwrap();
    assert_eq!(found, Some(session("s-1", "bob")));
    assert_eq!(second.of_user(&UserId::new("alice")).await.unwrap(), []);
    assert_eq!(first.find(&key(1)).await.unwrap(), Some(session("s-1", "alice")));
}

#[tokio::test]
async fn clones_and_stores_with_one_prefix_are_one_store() {
    let server = RedisServer::start(&[]).await;
    let first = connect(&server).await;
    let (second, third) = (connect(&server).await, first.clone());

    first.create(&key(1), &session("s-1", "alice")).await.unwrap();

    for store in [second, third] {
        assert_eq!(store.find(&key(1)).await.unwrap(), Some(session("s-1", "alice")));
    }
}
