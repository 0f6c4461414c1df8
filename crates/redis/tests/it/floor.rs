//! Attack 92: after a server has lost acknowledged writes, earlier credentials are rejected and later
//! credentials are accepted.

use std::time::{Duration, SystemTime};

use doorward_core::{
    CredentialRef, Issued, RevocationState, RevocationStore, SessionStore, UserId,
};
use doorward_redis::{RedisOptions, RedisStore};
use doorward_testkit::RedisServer;

use crate::{
    calls::wait_until_available,
    fixture::{Behind, connect, guarded, key, session},
};

pub(crate) async fn read(store: &RedisStore) -> RevocationState {
    store.read(&UserId::new("alice"), None, None).await.unwrap()
}

pub(crate) fn holds(issued: Issued, epoch: &RevocationState) -> bool {
    CredentialRef { user: &UserId::new("alice"), session: None, token: None, issued }.holds(epoch)
}

/// Returns the time of the floor, by the server's clock.
fn time(epoch: &RevocationState) -> SystemTime {
    epoch.revoked_at.unwrap()
}

/// Returns the second in which the floor was raised, as the `iat` of a token would state it.
fn whole_second(epoch: &RevocationState) -> SystemTime {
    let since = time(epoch).duration_since(SystemTime::UNIX_EPOCH).unwrap();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

/// Waits until the server's clock has passed the millisecond in which the floor was raised.
pub(crate) async fn moment_later(behind: &mut Behind, before: &RevocationState) {
    let millis =
        |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let later = async {
        loop {
            let (seconds, micros): (u128, u128) = behind.run("TIME").await;
            if seconds * 1_000 + micros / 1_000 > millis(time(before)) {
                break;
            }
        }
    };
    guarded(later).await;
}

/// Asserts that the floor was raised, so that earlier credentials are rejected and later credentials are
/// accepted.
pub(crate) fn assert_raised(before: &RevocationState, after: &RevocationState) {
    assert!(time(before) < time(after), "{before:?} {after:?}");
    for issued in [
        Issued::Generation(before.generation),
        Issued::At(whole_second(before)),
        Issued::At(whole_second(after)),
        Issued::Shown(time(after)),
    ] {
        assert!(!holds(issued, after), "{issued:?}");
    }
    for issued in [
        Issued::Generation(after.generation),
        Issued::At(whole_second(after) + Duration::from_secs(1)),
        Issued::Shown(time(after) + Duration::from_millis(1)),
    ] {
        assert!(holds(issued, after), "{issued:?}");
    }
}

#[tokio::test]
async fn a_server_that_was_emptied_refuses_what_was_made_before() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    let (user, floor) = (UserId::new("alice"), read(&store).await);
    // The clock of the node that revokes is ahead of Redis by less than a minute.
    let now = time(&floor) + Duration::from_secs(50);
    let generation = store.bump(&user, now).await.unwrap();
    let before = read(&store).await;
    assert!(holds(Issued::Generation(generation), &before));
    let mut behind = Behind::connect(&server).await;
    moment_later(&mut behind, &floor).await;

    behind.run::<()>("FLUSHALL").await;

    let after = read(&store).await;
    assert!(!holds(Issued::Generation(generation), &after), "{before:?} {after:?}");
    assert!(!holds(Issued::Generation(0), &after));
    assert!(holds(Issued::Generation(after.generation), &after));
    // The floor is not raised again, and later generations continue from it.
    assert_eq!(read(&store).await, after);
    assert_eq!(read(&connect(&server).await).await, after);
    let next = store.bump(&user, time(&after)).await.unwrap();
    assert_eq!(next, after.next_generation(time(&after)));
}

#[tokio::test]
async fn a_server_that_is_new_has_a_floor_that_all_share() {
    let server = RedisServer::start(&[]).await;
    let first = read(&connect(&server).await).await;

    let second = connect(&server).await;

    assert_eq!(read(&second).await, first);
    let other = second.read(&UserId::new("bob"), None, None).await.unwrap();
    assert_eq!(other, first);
    assert!(first.generation > 0 && !first.is_ended);
}

/// The flush does not affect the store's connection, so only the script can notice that the floor is missing.
/// It must notice this even if the first operation after the flush is a revocation.
#[tokio::test]
async fn a_revocation_on_an_emptied_server_raises_the_floor_first() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    let before = read(&store).await;
    let mut behind = Behind::connect(&server).await;
    moment_later(&mut behind, &before).await;

    behind.run::<()>("FLUSHALL").await;
    let generation = store.bump(&UserId::new("bob"), SystemTime::UNIX_EPOCH).await.unwrap();

    let after = read(&store).await;
    assert_raised(&before, &after);
    assert_eq!(generation, after.generation + 1);
}

async fn restarted(
    arguments: &[&str],
    options: &RedisOptions,
) -> (RevocationState, RevocationState) {
    let mut server = RedisServer::start(arguments).await;
    let store = options.connect(&server.url()).await.unwrap();
    store.create(&key(1), &session("s-1", "alice")).await.unwrap();
    let before = read(&store).await;
    let mut behind = Behind::connect(&server).await;
    // Without a snapshot, the server would restart empty.
    behind.run::<()>("SAVE").await;

    server.restart().await;

    wait_until_available(&store).await;
    let after = read(&store).await;
    assert!(store.find(&key(1)).await.unwrap().is_some(), "the data has survived");
    (before, after)
}

#[tokio::test]
async fn a_server_that_comes_back_with_an_old_snapshot_refuses_what_was_made_before() {
    let (before, after) = restarted(&[], &RedisOptions::default()).await;

    assert_raised(&before, &after);
}

#[tokio::test]
async fn a_server_that_may_have_lost_a_second_refuses_what_was_made_before() {
    let arguments = ["--appendonly", "yes", "--appendfsync", "everysec"];
    let (before, after) = restarted(&arguments, &RedisOptions::default()).await;

    assert_raised(&before, &after);
}

#[tokio::test]
async fn a_server_that_loses_nothing_keeps_all_users_signed_in() {
    let arguments = ["--appendonly", "yes", "--appendfsync", "always"];
    let (before, after) = restarted(&arguments, &RedisOptions::default()).await;

    assert_eq!(before, after);
}

#[tokio::test]
async fn a_trusted_failover_keeps_all_users_signed_in() {
    let options = RedisOptions::default().danger_trust_failover();

    let (before, after) = restarted(&[], &options).await;

    assert_eq!(before, after);
}

/// Waits until a replica has the floor of its primary.
async fn copied(replica: &mut Behind, of_the_primary: &RevocationState) {
    let mut floor = String::new();
    while !floor.contains(&of_the_primary.generation.to_string()) {
        floor = replica.run::<Vec<String>>("HGETALL {doorward}:floor").await.join(" ");
    }
}

/// The new primary has the floor of the old primary, and may lack the last revocations of the old primary.
#[tokio::test]
async fn a_replica_that_has_become_the_primary_refuses_what_was_made_before() {
    let durable = ["--appendonly", "yes", "--appendfsync", "always"];
    let (primary, replica) =
        (RedisServer::start_on_tcp(&durable).await, RedisServer::start_on_tcp(&durable).await);
    let mut behind = Behind::connect(&replica).await;
    behind.run::<()>(&format!("REPLICAOF 127.0.0.1 {}", primary.port().unwrap())).await;
    let before = read(&connect(&primary).await).await;
    guarded(copied(&mut behind, &before)).await;

    drop(primary);
    Behind::connect(&replica).await.run::<()>("REPLICAOF NO ONE").await;

    let after = read(&connect(&replica).await).await;
    assert_raised(&before, &after);
    assert_eq!(read(&connect(&replica).await).await, after);
}

/// The process and the connection are the same as before, so only the floor can reveal the change.
#[tokio::test]
async fn a_primary_that_was_a_replica_in_between_refuses_what_was_made_before() {
    let (server, other) =
        (RedisServer::start_on_tcp(&[]).await, RedisServer::start_on_tcp(&[]).await);
    let elsewhere = read(&connect(&other).await).await;
    let (idle, mut behind) = (connect(&server).await, Behind::connect(&server).await);
    let before = read(&idle).await;
    moment_later(&mut behind, &before).await;

    behind.run::<()>(&format!("REPLICAOF 127.0.0.1 {}", other.port().unwrap())).await;
    guarded(copied(&mut behind, &elsewhere)).await;
    behind.run::<()>("REPLICAOF NO ONE").await;

    assert_raised(&before, &read(&idle).await);
}
