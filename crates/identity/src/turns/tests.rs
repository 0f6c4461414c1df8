//! Checks that turns are limited, are granted in order, and are released when the work ends.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Waker},
};

use doorward_core::ManualClock;

use super::*;

/// Work that ends when the test releases it. It counts how many pieces of it run.
#[derive(Default)]
struct Work {
    now: AtomicUsize,
    most: AtomicUsize,
    begun: tokio::sync::Notify,
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Work {
    fn run(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.begun.notify_one();
        let is_open = self.is_open.lock().unwrap();
        drop(self.opened.wait_while(is_open, |is_open| !*is_open).unwrap());
        self.now.fetch_sub(1, Ordering::SeqCst);
    }

    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

fn turns(at_once: usize) -> (Arc<Turns>, Arc<Work>, ManualClock) {
    let clock = ManualClock::new();
    let turns = Turns::new("test", at_once, Arc::new(clock.clone()));
    (Arc::new(turns), Arc::default(), clock)
}

/// Client that waits for its work. Dropping it means that the client leaves.
type Client = Pin<Box<dyn Future<Output = Result<(), NotDone>> + Send>>;

/// Returns a client that has requested a turn.
fn ask(turns: &Arc<Turns>, work: &Arc<Work>) -> Client {
    let (turns, work) = (Arc::clone(turns), Arc::clone(work));
    let mut client: Client = Box::pin(async move { turns.run(move || work.run()).await });
    let mut cx = Context::from_waker(Waker::noop());
    assert!(client.as_mut().poll(&mut cx).is_pending());
    client
}

#[tokio::test]
async fn a_client_that_leaves_does_not_make_room_for_more_work_than_the_bound() {
    let (turns, work, _clock) = turns(2);
    for _ in 0..100 {
        drop(ask(&turns, &work));
    }

    let (last, another) = (ask(&turns, &work), ask(&turns, &work));
    while work.now.load(Ordering::SeqCst) < 2 {
        work.begun.notified().await;
    }
    work.open();
    let done = tokio::join!(last, another);

    assert_eq!(done, (Ok(()), Ok(())));
    assert_eq!(work.most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_turn_comes_in_its_order_and_clients_that_left_have_none() {
    let (turns, work, _clock) = turns(1);
    let first = ask(&turns, &work);
    let left: Vec<_> = (0..50).map(|_| ask(&turns, &work)).collect();
    let last = ask(&turns, &work);
    drop(left);

    work.open();

    assert_eq!(tokio::join!(first, last), (Ok(()), Ok(())));
    assert_eq!(turns.places.available_permits(), 1 + WAITING);
}

#[tokio::test]
async fn work_waits_until_its_deadline_and_a_full_queue_takes_no_more() {
    let (turns, work, clock) = turns(1);
    let running = ask(&turns, &work);
    let waiting: Vec<_> = (0..WAITING).map(|_| ask(&turns, &work)).collect();

    assert_eq!(turns.run(|| ()).await, Err(NotDone::Full));
    clock.advance(PATIENCE);
    for client in waiting {
        assert_eq!(client.await, Err(NotDone::Late));
    }
    work.open();

    assert_eq!(running.await, Ok(()));
    assert_eq!(turns.run(|| ()).await, Ok(()));
}
