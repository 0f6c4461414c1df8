//! Spans of handlers and hooks: the log says for which socket and event they run.

use std::sync::Arc;

use doorward::{guard::guard_fn, prelude::*, test::TestException};
use doorward_testkit::Log;
use tokio::sync::Notify;
use tracing::Level;

use crate::memory::{Member, Memory};

/// Logs once before and once after an await point.
async fn talkative() {
    tracing::info!("at once");
    tokio::task::yield_now().await;
    tracing::info!("later");
}

/// Asserts that there is one line and returns it.
fn only(lines: &[String]) -> &str {
    assert_eq!(lines.len(), 1, "{lines:#?}");
    &lines[0]
}

#[tokio::test]
async fn log_lines_of_a_handler_name_socket_user_and_event() {
    let memory = Memory::serve(Gateway::at("/").on("talk", talkative)).await;
    let log = Log::default();
    let _kept = log.keep(Level::INFO);
    let mut alice = memory.connect("alice").await;

    alice.emit_with_ack::<()>("talk", ()).await;

    for text in ["at once", "later"] {
        let lines = log.lines_with(text);
        let line = only(&lines);
        let span =
            format!("event{{socket={} user=\"alice\" event=\"talk\" id=", alice.id().encode());
        assert!(line.contains(&span), "{line}");
    }
}

#[tokio::test]
async fn log_lines_of_hooks_name_socket_and_user() {
    let done = Arc::new(Notify::new());
    let told = Arc::clone(&done);
    let gateway = Gateway::at("/")
        .on_connect(|_: Socket<Member>| async { tracing::info!("hello") })
        .on_disconnect(move |_: Socket<Member>, _| {
            let told = Arc::clone(&told);
            async move {
                tracing::info!("goodbye");
                told.notify_one();
            }
        });
    let memory = Memory::serve(gateway).await;
    let log = Log::default();
    let _kept = log.keep(Level::INFO);

    let alice = memory.connect("alice").await;
    let id = alice.id();
    drop(alice);
    done.notified().await;

    for text in ["hello", "goodbye"] {
        let lines = log.lines_with(text);
        let line = only(&lines);
        assert!(line.contains(&format!("socket={} user=\"alice\"", id.encode())), "{line}");
    }
}

fn id(exception: &TestException) -> &str {
    exception.json()["id"].as_str().unwrap()
}

#[tokio::test]
async fn a_failure_is_logged_with_the_id_that_the_client_reads() {
    let gateway = Gateway::at("/")
        .on("panic", || async {
            assert_eq!(1, 2, "on purpose");
        })
        .on("later", || async {
            tokio::task::yield_now().await;
            assert_eq!(1, 2, "on purpose");
        })
        .on("argument", |Payload(_): Payload<Panics>| async {})
        .on("error", || async {
            tracing::info!("before it failed");
            Err::<(), _>(std::fmt::Error)
        });
    let memory = Memory::serve(gateway).await;
    let log = Log::default();
    let _kept = log.keep(Level::INFO);
    let mut alice = memory.connect("alice").await;

    for event in ["panic", "later", "argument"] {
        let exception = alice.expect_exception(event, ()).await;
        assert_eq!(exception.code(), "internal");
        let lines = log.lines_with(id(&exception));
        assert!(only(&lines).contains("A handler panicked."), "{lines:#?}");
    }
    let exception = alice.expect_exception("error", ()).await;
    let lines = log.lines_with(id(&exception));
    assert!(lines[0].contains("before it failed"), "{lines:#?}");
    assert!(lines[1].contains("Handler failed."), "{lines:#?}");
}

/// A client chooses the names of unknown events, so the log must not repeat them.
#[tokio::test]
async fn the_name_of_an_unknown_event_is_not_logged() {
    let telling = guard_fn(|_: &GuardContext<'_, Member>| {
        tracing::info!("on its way");
        true
    });
    let memory = Memory::serve(Gateway::at("/").guard(telling)).await;
    let log = Log::default();
    let _kept = log.keep(Level::INFO);
    let mut alice = memory.connect("alice").await;

    alice.expect_exception("canary", ()).await;

    // Once for the connection and once for the event.
    assert_eq!(log.lines_with("on its way").len(), 2);
    assert!(log.lines_with("canary").is_empty());
}

#[derive(Debug)]
struct Panics;

impl<'de> serde::Deserialize<'de> for Panics {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("on purpose")
    }
}
