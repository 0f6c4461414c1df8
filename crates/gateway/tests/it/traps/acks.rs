//! Regression tests of handlers that take an `Ack`, and then drop it or fail after they have used it.

use std::sync::Arc;

use doorward::{Limits, event::Handler, prelude::*};
use doorward_testkit::Log;
use tokio::sync::Notify;
use tracing::Level;

use super::{Before, settle};
use crate::{
    counts::Counts,
    fixture::in_time,
    memory::{Member, Memory},
};

/// Interceptor that changes nothing. Events with it take the other way to their answer.
fn through() -> Before {
    let go_on = Arc::new(Notify::new());
    go_on.notify_one();
    Before(Arc::new(Notify::new()), go_on)
}

/// Serves the same handler with and without an interceptor, and calls `test` for each event.
async fn each_way<M: 'static>(
    handler: impl Handler<Member, M> + Clone,
    test: impl AsyncFn(&Memory, &'static str),
) {
    let gateway = Gateway::at("/").on("direct", handler.clone());
    test(&Memory::serve(gateway).await, "direct").await;
    let gateway = Gateway::at("/").on("intercepted", handle(handler).intercept(through()));
    test(&Memory::serve(gateway).await, "intercepted").await;
}

#[tokio::test]
async fn a_handler_that_drops_its_ack_runs_to_its_end_and_is_answered_once() {
    let done = Arc::new(Notify::new());
    let tell = Arc::clone(&done);
    let handler = move |ack: Ack<()>| {
        let tell = Arc::clone(&tell);
        async move {
            drop(ack);
            settle().await;
            tell.notify_one();
        }
    };

    each_way(handler, async |memory, event| {
        let log = Log::default();
        let kept = log.keep(Level::ERROR);
        let mut alice = memory.connect("alice").await;

        let exception = alice.expect_exception(event, ()).await;

        drop(kept);
        assert_eq!(exception.code(), "internal");
        in_time(done.notified()).await;
        let lines = log.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("the `Ack` of the handler was dropped unused"), "{lines:?}");
        alice.expect_nothing().await;
    })
    .await;
}

#[tokio::test]
async fn a_handler_that_drops_its_ack_and_then_fails_is_answered_with_its_error() {
    let handler = |ack: Ack<()>| async move {
        drop(ack);
        settle().await;
        Err::<(), _>(Exception::new("no", "No"))
    };

    each_way(handler, async |memory, event| {
        let mut alice = memory.connect("alice").await;

        assert_eq!(alice.expect_exception(event, ()).await.code(), "no");
        alice.expect_nothing().await;
    })
    .await;
}

#[derive(Clone, Debug, thiserror::Error)]
#[error("the printer is on fire")]
struct OnFire;

#[tokio::test]
async fn an_error_after_the_answer_is_logged_and_not_sent() {
    let at_once = |ack: Ack<u8>| async move {
        ack.send(1);
        Err::<(), _>(OnFire)
    };
    let later = |ack: Ack<u8>| async move {
        ack.send(1);
        settle().await;
        Err::<(), _>(OnFire)
    };

    let test = async |memory: &Memory, event: &'static str| {
        let log = Log::default();
        let kept = log.keep(Level::INFO);
        let mut alice = memory.connect("alice").await;

        assert_eq!(alice.emit_with_ack::<u8>(event, ()).await, 1);
        settle().await;

        drop(kept);
        assert_logged(&log, event);
        alice.expect_nothing().await;
    };
    each_way(at_once, test).await;
    each_way(later, test).await;
}

#[tokio::test]
async fn an_error_after_a_failed_ack_is_logged_and_not_sent() {
    let at_once = |ack: Ack<u8>| async move {
        ack.fail(Exception::new("no", "No"));
        Err::<(), _>(OnFire)
    };
    let later = |ack: Ack<u8>| async move {
        ack.fail(Exception::new("no", "No"));
        settle().await;
        Err::<(), _>(OnFire)
    };

    let test = async |memory: &Memory, event: &'static str| {
        let log = Log::default();
        let kept = log.keep(Level::INFO);
        let mut alice = memory.connect("alice").await;

        assert_eq!(alice.expect_exception(event, ()).await.code(), "no");
        // A handler that runs on after its failure is a task of its own.
        settle().await;
        settle().await;

        drop(kept);
        assert_logged(&log, event);
        alice.expect_nothing().await;
    };
    each_way(at_once, test).await;
    each_way(later, test).await;
}

/// Expects one line about the error: with the event, and with the id of the span around it.
fn assert_logged(log: &Log, event: &str) {
    let lines = log.lines_with("the printer is on fire");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("ERROR"), "{lines:?}");
    assert!(lines[0].contains(&format!("event=\"{event}\" error=")), "{lines:?}");
    let ids: Vec<_> = lines[0].split("id=").skip(1).filter_map(|rest| rest.get(..12)).collect();
    assert!(matches!(ids[..], [span, line] if span == line), "{lines:?}");
}

#[tokio::test]
async fn a_handler_that_fails_its_ack_after_its_socket_has_ended_runs_to_its_end() {
    let (begun, go_on, done) = (Notify::new(), Notify::new(), Notify::new());
    let all = Arc::new((begun, go_on, done));
    let shared = Arc::clone(&all);
    let gateway = Gateway::at("/").on("slow", move |ack: Ack<()>| {
        let all = Arc::clone(&shared);
        async move {
            all.0.notify_one();
            all.1.notified().await;
            ack.fail(Exception::new("no", "No"));
            settle().await;
            all.2.notify_one();
        }
    });
    let memory = Memory::serve(gateway).await;
    let hub = memory.server.doorward().hub::<Member>("/").unwrap();
    let mut alice = memory.connect("alice").await;

    alice.emit("slow", ()).await;
    all.0.notified().await;
    hub.all().disconnect_sockets().await;
    alice.ended().await;
    all.1.notify_one();

    in_time(all.2.notified()).await;
}

/// A handler may go on after it has answered. When its time is over, it is dropped without a word.
#[tokio::test]
async fn a_handler_that_times_out_after_its_answer_is_not_answered_again() {
    let counts = Counts::default();
    let _counting = metrics::set_default_local_recorder(&counts);
    let dropped = Arc::new(Notify::new());
    let held = Arc::clone(&dropped);
    let gateway = Gateway::at("/").on("slow", move |ack: Ack<u8>| {
        let held = NotifyOnDrop(Arc::clone(&held));
        async move {
            ack.send(1);
            std::future::pending::<()>().await;
            drop(held);
        }
    });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;
    assert_eq!(alice.emit_with_ack::<u8>("slow", ()).await, 1);

    memory.clock.advance(Limits::default().handler_timeout);

    in_time(dropped.notified()).await;
    alice.expect_nothing().await;
    assert_eq!(counts.of("doorward_event_failures_total timeout"), 0);
}

/// Part of a handler that tells when the handler is dropped.
struct NotifyOnDrop(Arc<Notify>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}
