//! Attack 92: while a server is silent, gone, a replica or full, the store does not decide anything.
//! Afterwards it works again.

use std::net::Ipv4Addr;

use doorward_core::{RevocationStore, SessionStore, StoreError, TokenId, UserId};
use doorward_redis::{ConnectError, RedisStore};
use doorward_testkit::{FaultProxy, RedisServer};

use crate::{
    calls::{all, assert_all_unavailable, wait_until_available},
    fixture::{Behind, connect, guarded, key, second, session},
};

/// The operations run twice, on the old connection and on a new connection that the server does not accept.
#[tokio::test]
async fn a_suspended_server_answers_nothing_and_resumes() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    store.create(&key(9), &session("s-9", "bob")).await.unwrap();

    server.suspend();

    assert_all_unavailable(&store).await;
    assert_all_unavailable(&store).await;
    server.resume();
    wait_until_available(&store).await;
    assert!(store.find(&key(9)).await.unwrap().is_some());
    assert!(all(&store).await.into_iter().all(|(_, answer)| is_an_answer(&answer)));
}

fn is_an_answer(answer: &Result<String, StoreError>) -> bool {
    matches!(answer, Ok(_) | Err(StoreError::Exists))
}

#[tokio::test]
async fn a_paused_server_answers_nothing_and_resumes() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    let mut behind = Behind::connect(&server).await;

    behind.run::<()>("CLIENT PAUSE 600000 WRITE").await;

    assert_all_unavailable(&store).await;
    behind.run::<()>("CLIENT UNPAUSE").await;
    wait_until_available(&store).await;
    store.create(&key(9), &session("s-9", "bob")).await.unwrap();
}

#[tokio::test]
async fn a_killed_server_answers_nothing_and_the_store_reconnects() {
    let mut server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    let store = connect(&server).await;
    store.create(&key(9), &session("s-9", "bob")).await.unwrap();

    server.kill();

    assert_all_unavailable(&store).await;
    assert_all_unavailable(&store).await;
    server.restart().await;
    // The first operation after the restart succeeds.
    assert_eq!(store.find(&key(9)).await.unwrap(), Some(session("s-9", "bob")));
}

#[tokio::test]
async fn a_closed_connection_is_reopened_without_losing_a_query() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    store.create(&key(1), &session("s-1", "alice")).await.unwrap();
    let mut behind = Behind::connect(&server).await;
    for _ in 0..5 {
        behind.run::<u64>("CLIENT KILL TYPE normal SKIPME yes").await;

        assert!(store.find(&key(1)).await.unwrap().is_some());
    }
}

/// The operating system would retransmit on such a connection for about a quarter of an hour.
#[tokio::test]
async fn a_connection_without_an_answer_is_replaced() {
    let server = RedisServer::start_on_tcp(&[]).await;
    let proxy = FaultProxy::start((Ipv4Addr::LOCALHOST, server.port().unwrap()).into()).await;
    let store = RedisStore::connect(&format!("redis://{}", proxy.address())).await.unwrap();
    store.create(&key(1), &session("s-1", "alice")).await.unwrap();
    assert_eq!(proxy.taken(), 1);

    proxy.strand();

    let unanswered = store.find(&key(1)).await;
    assert!(matches!(unanswered, Err(StoreError::Unavailable(_))), "{unanswered:?}");
    assert!(store.find(&key(1)).await.unwrap().is_some());
    assert_eq!(proxy.taken(), 2);
}

/// An old primary that has become a replica still answers reads, with data that may be outdated.
#[tokio::test]
async fn a_server_that_has_become_a_replica_answers_nothing() {
    let (primary, demoted) =
        (RedisServer::start_on_tcp(&[]).await, RedisServer::start_on_tcp(&[]).await);
    let store = connect(&demoted).await;
    store.create(&key(1), &session("s-1", "alice")).await.unwrap();
    let mut behind = Behind::connect(&demoted).await;

    behind.run::<()>(&format!("REPLICAOF 127.0.0.1 {}", primary.port().unwrap())).await;

    assert_all_unavailable(&store).await;
    assert_all_unavailable(&store).await;
    behind.run::<()>("REPLICAOF NO ONE").await;
    wait_until_available(&store).await;
}

/// A primary without replicas may have been partitioned away and replaced.
#[tokio::test]
async fn a_primary_without_its_required_replicas_answers_nothing() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;

    Behind::connect(&server).await.run::<()>("CONFIG SET min-replicas-to-write 1").await;

    assert_all_unavailable(&store).await;
    // A node that starts meanwhile waits for the replicas.
    let connected = RedisStore::connect(&server.url()).await;
    assert!(matches!(connected, Err(ConnectError::Away { .. })), "{connected:?}");
}

/// A script of another program runs too long. Redis refuses every other command, and the script may end.
#[tokio::test]
async fn a_server_that_is_busy_with_a_script_answers_nothing() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    let mut behind = Behind::connect(&server).await;
    let mut endless = Behind::connect(&server).await;
    behind.run::<()>("CONFIG SET busy-reply-threshold 10").await;

    let script = tokio::spawn(async move { endless.eval("while true do end").await });
    guarded(async { while behind.ping().await.is_ok() {} }).await;

    // A node that starts meanwhile waits for the script.
    let connected = RedisStore::connect(&server.url()).await;
    assert!(matches!(connected, Err(ConnectError::Away { .. })), "{connected:?}");
    assert_all_unavailable(&store).await;
    behind.run::<()>("SCRIPT KILL").await;
    assert!(script.await.unwrap().is_err());
    wait_until_available(&store).await;
}

/// New sessions fail with `Full`. Existing sessions keep working and can be revoked.
#[tokio::test]
async fn a_server_that_is_full_takes_nothing_new_and_still_revokes() {
    let server = RedisServer::start(&["--maxmemory-policy", "noeviction"]).await;
    let store = connect(&server).await;
    let kept = session("s-1", "alice");
    store.create(&key(1), &kept).await.unwrap();

    Behind::connect(&server).await.run::<()>("CONFIG SET maxmemory 1").await;

    for (number, id) in [(2, "s-2"), (3, "s-3")] {
        let made = store.create(&key(number), &session(id, "alice")).await;
        assert!(matches!(made, Err(StoreError::Full)), "{made:?}");
        assert_eq!(store.find(&key(number)).await.unwrap(), None);
    }
    let put = store.put_data(&kept.id, &kept.data).await;
    assert!(matches!(put, Err(StoreError::Full)), "{put:?}");
    assert_eq!(store.of_user(&kept.user).await.unwrap(), std::slice::from_ref(&kept));
    assert!(store.touch(&kept.id, second(1)).await.unwrap());
    let token = TokenId::new("t-1");
    store.end_token(&token, second(1)).await.unwrap();
    store.end_session(&kept.id, second(1)).await.unwrap();
    let begun = store.bump(&UserId::new("bob"), second(1)).await.unwrap();
    let alice = store.read(&kept.user, Some(&kept.id), None).await.unwrap();
    assert!(alice.is_ended);
    assert_eq!(store.find(&key(1)).await.unwrap(), None);
    let bob = store.read(&UserId::new("bob"), None, Some(&token)).await.unwrap();
    assert_eq!((bob.generation, bob.is_ended), (begun, true));
}

/// A query that is dropped leaves an answer on the shared connection. This answer must not reach another
/// query.
#[tokio::test]
async fn abandoned_queries_do_not_mix_up_the_answers_of_others() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    for number in 0..10 {
        let made = session(&format!("s-{number}"), &format!("user-{number}"));
        store.create(&key(number), &made).await.unwrap();
    }
    let asking = async {
        for round in 0..200_u64 {
            let (given_up, number) = (key(round % 10), (round + 1) % 10);
            let question = store.find(&given_up);
            tokio::select! {
                biased;
                _ = question => {}
                () = std::future::ready(()) => {}
            }
            let found = store.find(&key(number)).await.unwrap().unwrap();
            assert_eq!(found.id.as_str(), format!("s-{number}"));
        }
    };
    guarded(asking).await;
}
