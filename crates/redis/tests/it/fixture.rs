//! Store with its own server, and sample data.

use std::{
    future::Future,
    time::{Duration, SystemTime},
};

use doorward_core::{Entropy, Session, SessionId, SessionKey, SessionToken};
use doorward_redis::RedisStore;
use doorward_testkit::RedisServer;
use redis::{FromRedisValue, RedisResult, aio::MultiplexedConnection};

pub(crate) async fn connect(server: &RedisServer) -> RedisStore {
    RedisStore::connect(&server.url()).await.unwrap()
}

/// Direct connection to the server, which bypasses the store.
pub(crate) struct Behind(MultiplexedConnection);

impl Behind {
    pub(crate) async fn connect(server: &RedisServer) -> Self {
        let client = redis::Client::open(server.url()).unwrap();
        Self(client.get_multiplexed_async_connection().await.unwrap())
    }

    pub(crate) async fn send<T: FromRedisValue>(&mut self, command: &redis::Cmd) -> T {
        command.query_async(&mut self.0).await.unwrap()
    }

    pub(crate) async fn ping(&mut self) -> RedisResult<()> {
        redis::cmd("PING").query_async(&mut self.0).await
    }

    pub(crate) async fn eval(&mut self, script: &str) -> RedisResult<()> {
        redis::cmd("EVAL").arg(script).arg(0).query_async(&mut self.0).await
    }

    /// Runs a command whose parts are separated by spaces.
    pub(crate) async fn run<T: FromRedisValue>(&mut self, command: &str) -> T {
        let mut parts = command.split(' ');
        let mut redis = redis::cmd(parts.next().unwrap());
        redis.arg(parts.collect::<Vec<_>>()).query_async(&mut self.0).await.unwrap()
    }
}

/// Waits for a future, and fails the test after a minute. No result depends on this time.
pub(crate) async fn guarded<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("the future completes within a minute")
}

/// Returns 2100-01-01T00:00:00Z plus `seconds`. Redis deletes keys that expire in the past at once, so
/// tests use times far ahead.
pub(crate) fn second(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800 + seconds)
}

pub(crate) fn session(id: &str, user: &str) -> Session {
    let hour = Duration::from_secs(3600);
    Session::new(SessionId::new(id), user, second(0), hour, 12 * hour)
}

/// Entropy source that repeats one number of eight bytes.
pub(crate) struct Numbered(pub(crate) u64);

impl Entropy for Numbered {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.0.to_be_bytes()[..chunk.len()]);
        }
    }
}

pub(crate) fn key(number: u64) -> SessionKey {
    SessionToken::generate(&Numbered(number)).key()
}
