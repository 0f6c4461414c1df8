//! Regression tests of bounds: memory, answers and work that a client can cause.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use doorward::{
    Limits,
    event::{EventContext, FromEvent},
    prelude::*,
    server::Clock,
    store::BoxFuture,
};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Notify;

use super::settle;
use crate::memory::{Member, Memory};

#[tokio::test]
async fn a_rate_limit_made_late_counts_from_its_first_event() {
    let old = RateLimit::per_socket(1, Duration::from_secs(1));
    let memory = Memory::serve(Gateway::at("/").on("x", handle(|| async { 1 }).guard(old))).await;
    let mut alice = memory.connect("alice").await;
    assert_eq!(alice.emit_with_ack::<u32>("x", ()).await, 1);
    memory.clock.advance(Duration::from_secs(3600));
    assert_eq!(alice.emit_with_ack::<u32>("x", ()).await, 1);

    let new = RateLimit::per_socket(1, Duration::from_secs(1));
    let memory = Memory::serve(Gateway::at("/").on("x", handle(|| async { 1 }).guard(new))).await;
    let mut bob = memory.connect("bob").await;

    assert_eq!(bob.emit_with_ack::<u32>("x", ()).await, 1);
    let exception = bob.expect_exception("x", ()).await;
    assert_eq!(exception.json()["retryAfter"], 1);
}

/// Clock that counts its reads: a link reads it once per poll.
#[derive(Clone)]
struct Counted(doorward::test::ManualClock, Arc<AtomicUsize>);

impl Clock for Counted {
    fn now(&self) -> Instant {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.now()
    }

    fn wall(&self) -> SystemTime {
        self.0.wall()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        self.0.sleep_until(deadline)
    }
}

#[tokio::test]
async fn a_stream_that_fills_the_outbox_exactly_does_not_spin() {
    let looked = Arc::new(AtomicUsize::new(0));
    let clock = Counted(doorward::test::ManualClock::new(), Arc::clone(&looked));
    // Frames of 16 bytes fill a quarter of the outbox exactly; a stream waits from there on.
    let gateway = Gateway::at("/").on("s", || async { stream::repeat("xxxxx") });
    let limits = |limits: &mut Limits| limits.outbox = 16 * 1024;
    let memory = Memory::with(|builder| builder.gateway(gateway).clock(clock).limits(limits)).await;
    let mut alice = memory.connect("alice").await;

    alice.emit("s", ()).await;
    settle().await;
    let before = looked.load(Ordering::SeqCst);
    settle().await;

    // The link was not polled while nothing could happen.
    assert_eq!(looked.load(Ordering::SeqCst) - before, 0);
    for _ in 0..10_000 {
        assert_eq!(alice.next_event().await.name, "s");
    }
}

/// An answer names at most 16 faults, regardless of the number of rules that the payload breaks.
#[tokio::test]
async fn the_answer_to_a_wrong_payload_is_short() {
    #[derive(Deserialize, doorward::garde::Validate)]
    struct Names {
        #[garde(inner(length(min = 2)))]
        names: Vec<String>,
    }
    let gateway =
        Gateway::at("/").on("names", |Valid(names): Valid<Names>| async move { names.names.len() });
    let memory = Memory::serve(gateway).await;

    let names = json!({ "names": vec!["x"; 5_000] });
    let exception = memory.connect("alice").await.expect_exception("names", names).await;

    assert_eq!(exception.details().len(), 16);
}

/// A handler is busy while the client keeps sending large events.
#[tokio::test]
async fn queued_events_of_a_link_are_bounded_in_bytes() {
    struct Bytes(usize);
    impl FromEvent<Member> for Bytes {
        fn from_event(context: &EventContext<'_, Member>) -> Result<Self, Exception> {
            Ok(Self(context.data().len()))
        }
    }
    let go_on = Arc::new(Notify::new());
    let wait = Arc::clone(&go_on);
    let gateway = Gateway::at("/")
        .on("busy", move || {
            let wait = Arc::clone(&wait);
            async move { wait.notified().await }
        })
        .on("large", |Bytes(length): Bytes| async move { length });
    let limits = |limits: &mut Limits| limits.inbox_bytes = 64 * 1024;
    let memory = Memory::with(|builder| builder.gateway(gateway).limits(limits)).await;
    let mut alice = memory.connect("alice").await;

    alice.emit("busy", ()).await;
    let large = "x".repeat(30_000);
    // The pipe and the inbox hold 64 KiB each. After that, sending blocks.
    let sent = Arc::new(AtomicUsize::new(0));
    let (count, release) = (Arc::clone(&sent), async {
        settle().await;
        let taken = sent.load(Ordering::SeqCst);
        go_on.notify_one();
        taken
    });
    let (_, taken) = tokio::join!(
        async {
            for _ in 0..20 {
                alice.emit("large", &large).await;
                count.fetch_add(1, Ordering::SeqCst);
            }
        },
        release
    );

    assert!(taken < 10, "{taken}");
    assert!(alice.emit_with_ack::<usize>("large", &large).await > 30_000);
}
