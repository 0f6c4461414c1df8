//! Regression tests of faults that hostile reviews have found.

mod acks;
mod limits;
mod rooms;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use doorward::{
    Limits,
    event::{EventContext, Interceptor, Next, Outcome},
    guard::{Action, any, guard_fn, not},
    prelude::*,
    test::TestEnd,
};
use serde_json::json;
use tokio::sync::Notify;

use crate::memory::{Member, Memory};

/// Guard that notifies when it is called for one event, and waits until a test releases it.
struct Waits {
    asked: Arc<Notify>,
    go_on: Arc<Notify>,
    event: &'static str,
}

impl Waits {
    fn at(event: &'static str) -> (Self, Arc<Notify>, Arc<Notify>) {
        let (asked, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        (Self { asked: Arc::clone(&asked), go_on: Arc::clone(&go_on), event }, asked, go_on)
    }
}

impl Guard<Member> for Waits {
    async fn check(&self, context: GuardContext<'_, Member>) -> Verdict {
        if context.action == Action::Event(self.event) {
            self.asked.notify_one();
            self.go_on.notified().await;
        }
        Verdict::Allow
    }
}

/// Interceptor that notifies, and waits before the handler.
struct Before(Arc<Notify>, Arc<Notify>);

impl Interceptor<Member> for Before {
    async fn intercept(
        &self,
        context: &EventContext<'_, Member>,
        next: Next<'_, Member>,
    ) -> Outcome {
        self.0.notify_one();
        self.1.notified().await;
        next.run(context).await
    }
}

/// Makes a handler that counts its runs and returns how many came before.
fn counted(
    count: &Arc<AtomicUsize>,
) -> impl Fn() -> std::future::Ready<u32> + Send + Sync + 'static {
    let count = Arc::clone(count);
    move || std::future::ready(u32::try_from(count.fetch_add(1, Ordering::SeqCst)).unwrap())
}

/// Yields often enough for all tasks that can run.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn no_handler_starts_after_its_socket_has_ended_during_a_guard_or_interceptor() {
    let ran = Arc::new(AtomicUsize::new(0));
    let (guard, asked, go_on) = Waits::at("guarded");
    let (reached, on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let before = Before(Arc::clone(&reached), Arc::clone(&on));
    let gateway = Gateway::at("/")
        .on("guarded", handle(counted(&ran)).guard(guard))
        .on("intercepted", handle(counted(&ran)).intercept(before));
    let memory = Memory::serve(gateway).await;
    let hub = memory.server.doorward().hub::<Member>("/").unwrap();

    for (event, begun, gate) in [("guarded", asked, go_on), ("intercepted", reached, on)] {
        let mut alice = memory.connect("alice").await;
        alice.emit(event, ()).await;
        begun.notified().await;
        hub.all().disconnect_sockets().await;
        alice.ended().await;
        gate.notify_one();
        settle().await;
    }

    assert_eq!(ran.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_event_with_an_explicit_ack_is_not_answered_again() {
    let (given, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let wait = Arc::clone(&go_on);
    let gave = Arc::clone(&given);
    let gateway = Gateway::at("/")
        .on("hangs", move |ack: Ack<u32>| {
            ack.send(1);
            gave.notify_one();
            std::future::pending::<()>()
        })
        .on("panics", move |ack: Ack<u32>| {
            let wait = Arc::clone(&wait);
            async move {
                ack.send(2);
                wait.notified().await;
                assert!(false_now(), "a handler that panics after its ack");
            }
        });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    assert_eq!(alice.emit_with_ack::<u32>("hangs", ()).await, 1);
    memory.clock.advance(Limits::default().handler_timeout);
    assert_eq!(alice.emit_with_ack::<u32>("panics", ()).await, 2);
    go_on.notify_one();

    alice.expect_nothing().await;
    assert_eq!(alice.expect_exception("unknown", ()).await.code(), "unknown_event");
}

/// Returns `false`. `assert!(false)` would be a panic on a constant, which the linter refuses.
fn false_now() -> bool {
    false
}

#[tokio::test]
async fn a_failed_explicit_ack_does_not_stop_the_handler() {
    let done = Arc::new(Notify::new());
    let tell = Arc::clone(&done);
    let gateway = Gateway::at("/").on("fails", move |ack: Ack<()>| {
        let tell = Arc::clone(&tell);
        async move {
            ack.fail(Exception::new("no", "No"));
            tokio::task::yield_now().await;
            tell.notify_one();
        }
    });
    let memory = Memory::serve(gateway).await;

    let exception = memory.connect("alice").await.expect_exception("fails", ()).await;

    assert_eq!(exception.code(), "no");
    done.notified().await;
}

/// Guard that returns an error.
struct Fails;

impl Guard<Member> for Fails {
    async fn check(&self, _: GuardContext<'_, Member>) -> Verdict {
        Err::<bool, _>("the store is away").into()
    }
}

#[tokio::test]
async fn not_does_not_allow_when_a_guard_fails() {
    let limited = RateLimit::per_user(1, Duration::from_secs(60));
    let gateway = Gateway::at("/")
        .on("away", handle(|| async {}).guard(not(Fails)))
        .on("limited", handle(|| async {}).guard(not(limited)))
        .on("guest", handle(|| async {}).guard(not(Role::new("banned"))));
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    assert_eq!(alice.expect_exception("away", ()).await.code(), "forbidden");
    // The limit allows the first event, so `not` denies it. The second is over the limit, and `not`
    // does not turn that into an allowance.
    assert_eq!(alice.expect_exception("limited", ()).await.code(), "forbidden");
    assert_eq!(alice.expect_exception("limited", ()).await.code(), "rate_limited");
    alice.emit_with_ack::<()>("guest", ()).await;
}

#[tokio::test]
async fn any_closes_the_socket_when_a_guard_demands_it() {
    let closes = guard_fn(|context: &GuardContext<'_, Member>| match context.action {
        Action::Event(_) => Verdict::DenyAndClose(Refusal::forbidden()),
        _ => Verdict::Allow,
    });
    let gateway =
        Gateway::at("/").on("x", handle(|| async {}).guard(any((closes, Role::new("absent")))));
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    alice.expect_exception("x", ()).await;

    assert_eq!(alice.ended().await, TestEnd::Final);
}

/// An undecided connection closes the transport without an answer, so a stock client reconnects.
#[tokio::test]
async fn a_failing_guard_leaves_a_connection_undecided() {
    let memory = Memory::serve(Gateway::at("/").guard(Fails)).await;

    let entry = memory.server.visitor().try_connect("/", json!({ "token": "alice" })).await;

    assert!(matches!(entry, Err(None)));
}

#[tokio::test]
async fn events_of_a_socket_start_in_order_while_a_guard_waits() {
    let begun = Arc::new(Mutex::new(Vec::new()));
    let note = |name: &'static str| {
        let begun = Arc::clone(&begun);
        move || {
            begun.lock().unwrap().push(name);
            async {}
        }
    };
    let (guard, asked, go_on) = Waits::at("first");
    let gateway = Gateway::at("/")
        .concurrency(2)
        .on("first", handle(note("first")).guard(guard))
        .on("second", note("second"));
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    alice.emit("first", ()).await;
    asked.notified().await;
    let (_, ()) = tokio::join!(alice.ask("second", ()), async {
        settle().await;
        go_on.notify_one();
    });

    assert_eq!(*begun.lock().unwrap(), ["first", "second"]);
}

/// Error that panics when it is displayed and when it is dropped.
#[derive(Debug)]
struct Nasty;

impl std::fmt::Display for Nasty {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        assert!(false_now(), "an error that panics when it is printed");
        Ok(())
    }
}

impl std::error::Error for Nasty {}

impl Drop for Nasty {
    fn drop(&mut self) {
        // A second panic during unwinding would abort the process.
        assert!(std::thread::panicking() || false_now(), "an error that panics when it is dropped");
    }
}

#[tokio::test]
async fn an_error_that_panics_does_not_end_the_link() {
    let gateway = Gateway::at("/")
        .on("nasty", || async { Err::<(), _>(Nasty) })
        .on("for_ever", || async { Err::<(), _>(Exception::rate_limited(Duration::MAX)) })
        .on("fine", || async { 1 });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    assert_eq!(alice.expect_exception("nasty", ()).await.code(), "internal");
    assert_eq!(alice.expect_exception("for_ever", ()).await.code(), "rate_limited");
    assert_eq!(alice.emit_with_ack::<u32>("fine", ()).await, 1);
}

/// Interceptor that notes each outcome.
struct Sees(Arc<Mutex<Vec<String>>>);

impl Interceptor<Member> for Sees {
    async fn intercept(
        &self,
        context: &EventContext<'_, Member>,
        next: Next<'_, Member>,
    ) -> Outcome {
        let outcome = next.run(context).await;
        self.0
            .lock()
            .unwrap()
            .push(outcome.as_ref().err().map_or("fine".into(), ToString::to_string));
        outcome
    }
}

#[tokio::test]
async fn an_interceptor_sees_a_panic_as_an_error() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let gateway = Gateway::at("/").intercept(Sees(Arc::clone(&seen))).on("panics", || async {
        assert!(false_now(), "a handler that panics");
    });
    let memory = Memory::serve(gateway).await;

    let exception = memory.connect("alice").await.expect_exception("panics", ()).await;

    assert_eq!(exception.code(), "internal");
    assert_eq!(*seen.lock().unwrap(), ["code of the application panicked"]);
}

/// Guard that declares to answer at once, and waits.
struct Liar;

impl Guard<Member> for Liar {
    const AT_ONCE: bool = true;

    async fn check(&self, context: GuardContext<'_, Member>) -> Verdict {
        if context.action != Action::Connect {
            tokio::task::yield_now().await;
        }
        Verdict::Allow
    }
}

#[tokio::test]
async fn a_guard_that_waits_although_it_declares_at_once_denies() {
    let ran = Arc::new(AtomicUsize::new(0));
    let memory = Memory::serve(Gateway::at("/").guard(Liar).on("x", counted(&ran))).await;
    let mut alice = memory.connect("alice").await;

    assert_eq!(alice.expect_exception("x", ()).await.code(), "forbidden");
    assert_eq!(ran.load(Ordering::SeqCst), 0);
}

/// Guard that notifies when it is called and never answers.
struct Hangs(Arc<Notify>);

impl Guard<Member> for Hangs {
    async fn check(&self, _: GuardContext<'_, Member>) -> Verdict {
        self.0.notify_one();
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_guard_that_hangs_leaves_a_connection_undecided() {
    let asked = Arc::new(Notify::new());
    let memory = Memory::serve(Gateway::at("/").guard(Hangs(Arc::clone(&asked)))).await;

    let visitor = memory.server.visitor();
    let (entry, ()) = tokio::join!(visitor.try_connect("/", json!({ "token": "alice" })), async {
        asked.notified().await;
        memory.clock.advance(Limits::default().guard_timeout);
    });

    assert!(matches!(entry, Err(None)));
    assert_eq!(memory.server.doorward().connections(), 0);
}
