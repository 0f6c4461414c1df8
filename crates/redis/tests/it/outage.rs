//! Attack 92: a server that is silent, gone, a replica or full. Nothing is decided meanwhile, and the
//! same store goes on afterwards.

use std::net::Ipv4Addr;

use doorward_core::{Epochs, SessionStore, StoreError, TokenId, UserId};
use doorward_redis::RedisStore;
use doorward_testkit::{FaultProxy, RedisServer};

use crate::{
    calls::{all, assert_nothing_is_answered, wait_until_it_answers},
    fixture::{Behind, connect, guarded, key, second, session},
};

/// Twice: on the old connection, and on the new one that nobody accepts.
#[tokio::test]
async fn a_server_that_stands_still_answers_nothing_and_goes_on_afterwards() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    store.create(&key(9), &session("s-9", "bob")).await.unwrap();

    server.suspend();

    assert_nothing_is_answered(&store).await;
    assert_nothing_is_answered(&store).await;
    server.resume();
    wait_until_it_answers(&store).await;
    assert!(store.find(&key(9)).await.unwrap().is_some());
    assert!(all(&store).await.into_iter().all(|(_, answer)| is_an_answer(&answer)));
}

fn is_an_answer(answer: &Result<String, StoreError>) -> bool {
    matches!(answer, Ok(_) | Err(StoreError::Exists))
}

#[tokio::test]
async fn a_server_that_is_paused_answers_nothing_and_goes_on_afterwards() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    let mut behind = Behind::connect(&server).await;

    behind.run::<()>("CLIENT PAUSE 600000 WRITE").await;

    assert_nothing_is_answered(&store).await;
    behind.run::<()>("CLIENT UNPAUSE").await;
    wait_until_it_answers(&store).await;
    store.create(&key(9), &session("s-9", "bob")).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_gone_answers_nothing_and_the_store_finds_it_again() {
    let mut server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    let store = connect(&server).await;
    store.create(&key(9), &session("s-9", "bob")).await.unwrap();

    server.kill();

    assert_nothing_is_answered(&store).await;
    assert_nothing_is_answered(&store).await;
    server.restart().await;
    // At once, and not after one more failure.
    assert_eq!(store.find(&key(9)).await.unwrap(), Some(session("s-9", "bob")));
}

#[tokio::test]
async fn a_connection_that_was_closed_is_made_anew_without_a_question_being_lost() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    store.create(&key(1), &session("s-1", "alice")).await.unwrap();
    let mut behind = Behind::connect(&server).await;
    for _ in 0..5 {
        behind.run::<u64>("CLIENT KILL TYPE normal SKIPME yes").await;

        assert!(store.find(&key(1)).await.unwrap().is_some());
    }
}

/// The system would believe in it for another quarter of an hour.
#[tokio::test]
async fn a_connection_on_which_nobody_answers_is_given_up() {
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

/// An old primary that has become a replica still answers questions. What it says may be out of date.
#[tokio::test]
async fn a_server_that_has_become_a_replica_answers_nothing() {
    let (primary, demoted) =
        (RedisServer::start_on_tcp(&[]).await, RedisServer::start_on_tcp(&[]).await);
    let store = connect(&demoted).await;
    store.create(&key(1), &session("s-1", "alice")).await.unwrap();
    let mut behind = Behind::connect(&demoted).await;

    behind.run::<()>(&format!("REPLICAOF 127.0.0.1 {}", primary.port().unwrap())).await;

    assert_nothing_is_answered(&store).await;
    assert_nothing_is_answered(&store).await;
    behind.run::<()>("REPLICAOF NO ONE").await;
    wait_until_it_answers(&store).await;
}

/// A primary that its replicas have left may have been replaced.
#[tokio::test]
async fn a_primary_without_the_replicas_it_should_have_answers_nothing() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;

    Behind::connect(&server).await.run::<()>("CONFIG SET min-replicas-to-write 1").await;

    assert_nothing_is_answered(&store).await;
}

/// It takes nothing new, and it says so. Whoever is in stays, and can be thrown out.
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

/// Nobody who gave up has left a connection that gives others their answers.
#[tokio::test]
async fn questions_that_were_given_up_do_not_confuse_the_others() {
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
