//! Changes that an operator makes to a server while nodes use it. Connections that are open stay. The error of a new
//! connection says what is wrong, and the store recovers when that is put right.

use doorward_core::{
    Causes, SessionStore, StoreError,
    cluster::{Cluster as _, LEASE},
};
use doorward_redis::{RedisOptions, RedisStore};
use doorward_testkit::RedisServer;

use crate::{
    calls::wait_until_available,
    cluster::join,
    connecting::OverTls,
    fixture::{Behind, guarded, key, session},
};

/// Asks a store that cannot connect, and returns the text of the error.
async fn unavailable(store: &RedisStore) -> String {
    match guarded(store.find(&key(1))).await {
        Err(error @ StoreError::Unavailable(_)) => Causes(&error).to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_that_has_reached_its_maxclients_is_named_and_used_when_it_has_room() {
    let server = RedisServer::start(&[]).await;
    let store = RedisStore::connect(&server.url()).await.unwrap();
    store.create(&key(1), &session("s-1", "alice")).await.unwrap();
    let mut behind = Behind::connect(&server).await;
    // The store and this test have one connection each.
    behind.run::<()>("CONFIG SET maxclients 2").await;
    assert!(store.find(&key(1)).await.unwrap().is_some());
    behind.run::<u64>("CLIENT KILL TYPE normal SKIPME yes").await;
    let other = Behind::connect(&server).await;

    // The server may close the connection before or after it has read the first command.
    for _ in 0..20 {
        let text = unavailable(&store).await;
        assert!(text.contains("closes new connections: raise its maxclients,"), "{text}");
    }

    drop(other);
    wait_until_available(&store).await;
    assert!(store.find(&key(1)).await.unwrap().is_some());
}

/// A cluster goes on where it was if the password is valid again before its leases end.
#[tokio::test]
async fn a_password_that_was_changed_is_named_and_accepted_when_it_is_valid_again() {
    let server = RedisServer::start(&[]).await;
    let mut behind = Behind::connect(&server).await;
    let rule = |change: &str| format!("ACL SETUSER doorward {change}");
    behind.run::<()>(&rule("on >before-5b1d ~* &* +@all")).await;
    let url = format!("{}?user=doorward&pass=before-5b1d", server.url());
    let store = RedisStore::connect(&url).await.unwrap();
    store.create(&key(1), &session("s-1", "alice")).await.unwrap();
    let node = store.cluster("eu-1");
    let (own, joined) = join(&node, 1).await;

    behind.run::<()>(&rule("resetpass >after-93c7")).await;

    assert!(store.find(&key(1)).await.unwrap().is_some(), "an open connection stays");
    behind.run::<u64>("CLIENT KILL USER doorward").await;
    let text = unavailable(&store).await;
    assert!(text.contains("rejects the password or requires one: check the URL"), "{text}");
    assert!(!text.contains("5b1d") && !text.contains("93c7"), "{text}");
    // A user may have two passwords while nodes change from one to the other.
    behind.run::<()>(&rule(">before-5b1d")).await;
    assert!(store.find(&key(1)).await.unwrap().is_some());
    assert_eq!(node.renew(own, joined.position).await.unwrap().unwrap().lease, LEASE);
}

/// A store that trusts both authorities uses the new certificate. One that does not says so.
#[tokio::test]
async fn a_certificate_that_was_replaced_is_used_by_new_connections() {
    let tls = OverTls::start().await;
    let mut behind = Behind::connect(&tls.server).await;
    let (before, after) = (tls.ca.clone(), tls.certificate("new"));
    let both = [before.as_bytes(), after.as_bytes()].concat();
    let prepared = RedisOptions::default().ca(&both).connect(&tls.url).await.unwrap();
    let late = RedisOptions::default().ca(before.as_bytes()).connect(&tls.url).await.unwrap();
    prepared.create(&key(1), &session("s-1", "alice")).await.unwrap();

    tls.use_certificate(&mut behind, "new").await;

    for store in [&prepared, &late] {
        assert!(store.find(&key(1)).await.unwrap().is_some(), "an open connection stays");
    }
    behind.run::<u64>("CLIENT KILL TYPE normal SKIPME yes").await;
    assert!(prepared.find(&key(1)).await.unwrap().is_some());
    let text = unavailable(&late).await;
    assert!(
        text.contains("cannot be reached with TLS: name the authority of its certificate"),
        "{text}"
    );
    let told = RedisOptions::default().ca(after.as_bytes()).connect(&tls.url).await;
    assert!(told.unwrap().find(&key(1)).await.unwrap().is_some());
    tls.use_certificate(&mut behind, "server").await;
    assert!(late.find(&key(1)).await.unwrap().is_some());
}
