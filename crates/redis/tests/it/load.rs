//! Kills and restarts a server while fifty tasks use it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use doorward_core::{SessionStore, StoreError};
use doorward_redis::RedisStore;
use doorward_testkit::RedisServer;
use tokio::task::{JoinSet, yield_now};

use crate::{
    calls::wait_until_available,
    fixture::{connect, guarded, key, second, session},
};

/// State of a session, as far as its task knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// The server has acknowledged the creation of the session.
    Made,
    /// An operation failed, so the session may or may not exist.
    Unclear,
    /// The server has acknowledged the removal of the session.
    Removed,
}

struct Load {
    store: RedisStore,
    is_over: AtomicBool,
    made: AtomicU64,
}

const TASKS: u64 = 50;

/// Creates, reads and touches sessions, and removes every third session. Returns the number and the
/// state of each session.
async fn live(load: Arc<Load>, task: u64) -> Vec<(u64, Known)> {
    let mut all = Vec::new();
    let mut round = 0;
    while !load.is_over.load(Ordering::Relaxed) {
        let number = round * TASKS + task;
        round += 1;
        let made = session(&format!("s-{number}"), &format!("user-{task}"));
        let mut known = match load.store.create(&key(number), &made).await {
            Ok(()) => Known::Made,
            Err(StoreError::Unavailable(_)) => Known::Unclear,
            Err(other) => unreachable!("no other task creates it: {other}"),
        };
        load.made.fetch_add(u64::from(known == Known::Made), Ordering::Relaxed);
        check(&load.store, number, task, known).await;
        match load.store.touch(&made.id, second(round)).await {
            Ok(is_there) => assert!(is_there || known == Known::Unclear, "{number} is {known:?}"),
            Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error}"),
        }
        if round % 3 == 0 {
            known = match load.store.remove(&made.id).await {
                Ok(was_there) => {
                    assert!(was_there || known == Known::Unclear, "{number} is {known:?}");
                    Known::Removed
                }
                Err(_) => Known::Unclear,
            };
            check(&load.store, number, task, known).await;
        }
        all.push((number, known));
        yield_now().await;
    }
    all
}

/// Asserts that the store agrees with the known state of a session, or is unavailable.
async fn check(store: &RedisStore, number: u64, task: u64, known: Known) {
    match store.find(&key(number)).await {
        Ok(Some(found)) => {
            assert_ne!(known, Known::Removed, "{number}");
            assert_eq!(found.id.as_str(), format!("s-{number}"));
            assert_eq!(found.user.as_str(), format!("user-{task}"));
        }
        // A change without an answer may still take effect.
        Ok(None) => assert_ne!(known, Known::Made, "{number}"),
        Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error}"),
    }
}

/// Waits until `more` sessions have been created.
async fn progress(load: &Load, more: u64) {
    let goal = load.made.load(Ordering::Relaxed) + more;
    while load.made.load(Ordering::Relaxed) < goal {
        yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn acknowledged_writes_survive_a_server_killed_under_load() {
    let durable = ["--appendonly", "yes", "--appendfsync", "always"];
    let mut server = RedisServer::start(&durable).await;
    let store = connect(&server).await;
    let load = Arc::new(Load {
        store: store.clone(),
        is_over: AtomicBool::new(false),
        made: AtomicU64::new(0),
    });
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        tasks.spawn(live(load.clone(), task));
    }

    for _ in 0..4 {
        guarded(progress(&load, 200)).await;
        server.kill();
        server.restart().await;
    }
    guarded(progress(&load, 200)).await;
    load.is_over.store(true, Ordering::Relaxed);
    let all: Vec<_> = guarded(tasks.join_all()).await.into_iter().flatten().collect();

    server.restart().await;
    wait_until_available(&store).await;
    assert!(all.len() > 1_000, "{}", all.len());
    for (number, known) in all {
        check(&store, number, number % TASKS, known).await;
        if known == Known::Made {
            assert!(store.find(&key(number)).await.unwrap().is_some(), "{number}");
        }
    }
}
