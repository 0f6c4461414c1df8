//! Guards on connections, events and rooms.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use doorward::{
    Limits,
    auth::RefusalReason,
    guard::{Action, all, any, guard_fn, not},
    prelude::*,
    test::TestEnd,
};
use serde_json::json;
use tokio::sync::Notify;

use crate::memory::{Member, Memory};

/// Makes a handler that counts its runs.
fn counted(
    count: &Arc<AtomicUsize>,
) -> impl Fn() -> std::future::Ready<u32> + Send + Sync + 'static {
    let count = Arc::clone(count);
    move || {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::ready(1)
    }
}

#[tokio::test]
async fn one_guard_on_a_gateway_protects_its_connection() {
    let memory = Memory::serve(Gateway::at("/").guard(Role::new("member"))).await;

    let refused = memory.server.expect_refused("/", json!({ "token": "eve" })).await;

    assert_eq!((refused.code(), refused.message()), ("forbidden", "Forbidden"));
    drop(memory.connect("alice member").await);
}

/// Makes a guard that allows the actions for which `actions` returns `true`.
fn only(actions: fn(Action<'_>) -> bool) -> impl Guard<Member> {
    guard_fn(move |context: &GuardContext<'_, Member>| actions(context.action))
}

#[tokio::test]
async fn one_guard_checks_connections_events_and_rooms_by_their_names() {
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    let guard = guard_fn(move |context: &GuardContext<'_, Member>| {
        noted.lock().unwrap().push(context.action.to_string());
        true
    });
    let gateway = Gateway::at("/").guard(guard).room("lobby", |_| async { true }).on(
        "move",
        |me: Socket<Member>| async move {
            me.join("lobby").await?;
            me.leave("lobby").await
        },
    );
    let memory = Memory::serve(gateway).await;

    memory.connect("alice").await.emit_with_ack::<()>("move", ()).await;

    let expected = ["connect", "event move", "join lobby", "leave lobby"];
    assert_eq!(*asked.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_denied_event_is_forbidden_and_its_handler_does_not_run() {
    let ran = Arc::new(AtomicUsize::new(0));
    let gateway = Gateway::at("/")
        .guard(only(|action| action != Action::Event("secret")))
        .on("secret", counted(&ran))
        .on("open", counted(&ran));
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    let exception = alice.expect_exception("secret", ()).await;

    assert_eq!((exception.code(), exception.message()), ("forbidden", "Forbidden"));
    assert_eq!(alice.emit_with_ack::<u32>("open", ()).await, 1);
    assert_eq!(ran.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_denied_event_has_one_audit_record_with_the_id_that_the_client_reads() {
    let gateway = Gateway::at("/").guard(only(|action| action == Action::Connect));
    let memory = Memory::serve(gateway.on("secret", || async {})).await;
    let mut alice = memory.connect("alice").await;

    let exception = alice.expect_exception("secret", ()).await;

    let records = memory.audit.records();
    let denied: Vec<_> = records
        .iter()
        .filter(|record| {
            record.outcome == doorward::audit::Decision::Denied(RefusalReason::GuardDenied)
        })
        .collect();
    assert_eq!(denied.len(), 1);
    assert_eq!(exception.json()["id"], denied[0].id);
}

#[tokio::test]
async fn guards_run_in_the_order_server_gateway_handler() {
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let guard = |name: &'static str| {
        let asked = Arc::clone(&asked);
        guard_fn(move |context: &GuardContext<'_, Member>| {
            if context.action != Action::Connect {
                asked.lock().unwrap().push(name);
            }
            name != "never"
        })
    };
    let gateway = Gateway::at("/")
        .on("ping", handle(|| async {}).guard(guard("handler")).guard(guard("handler 2")))
        .guard(guard("gateway"));
    let memory = Memory::with(|builder| builder.gateway(gateway).guard(guard("server"))).await;

    memory.connect("alice").await.emit_with_ack::<()>("ping", ()).await;

    assert_eq!(*asked.lock().unwrap(), ["server", "gateway", "handler", "handler 2"]);
}

/// Attack 84. In NestJS, global guards do not apply to gateways; here they must.
#[tokio::test]
async fn a_guard_of_the_server_applies_to_every_gateway_and_to_unhandled_events() {
    let memory = Memory::with(|builder| {
        builder
            .gateway(Gateway::at("/").on("ping", || async {}))
            .gateway(Gateway::at("/other").on("ping", || async {}))
            .guard(only(|action| action == Action::Connect))
    })
    .await;
    let mut root = memory.connect("alice").await;
    let mut other = memory.server.connect("/other", json!({ "token": "alice" })).await;

    assert_eq!(root.expect_exception("ping", ()).await.code(), "forbidden");
    assert_eq!(root.expect_exception("unhandled", ()).await.code(), "forbidden");
    assert_eq!(other.expect_exception("ping", ()).await.code(), "forbidden");
}

#[tokio::test]
async fn a_guard_of_one_gateway_does_not_apply_to_the_events_of_another() {
    let memory = Memory::with(|builder| {
        builder.gateway(Gateway::at("/").on("open", || async { 1 })).gateway(
            Gateway::at("/")
                .guard(only(|action| !matches!(action, Action::Event(_))))
                .on("shut", || async { 1 }),
        )
    })
    .await;
    let mut alice = memory.connect("alice").await;

    assert_eq!(alice.emit_with_ack::<u32>("open", ()).await, 1);
    assert_eq!(alice.expect_exception("shut", ()).await.code(), "forbidden");
    // No gateway handles this event, so the guards of every gateway in the namespace must allow it.
    assert_eq!(alice.expect_exception("unhandled", ()).await.code(), "forbidden");
}

/// Guard that panics, except at connections.
struct Panics;
/// Guard that returns an error, except at connections.
struct Fails;
/// Guard that notifies when it is called and never answers, except at connections.
struct Hangs(Arc<Notify>);

impl Guard<Member> for Panics {
    async fn check(&self, context: GuardContext<'_, Member>) -> Verdict {
        assert!(context.action == Action::Connect, "a guard that panics");
        Verdict::Allow
    }
}

impl Guard<Member> for Fails {
    async fn check(&self, context: GuardContext<'_, Member>) -> Verdict {
        if context.action == Action::Connect { Ok(true) } else { Err("the store is away") }.into()
    }
}

impl Guard<Member> for Hangs {
    async fn check(&self, context: GuardContext<'_, Member>) -> Verdict {
        if context.action != Action::Connect {
            self.0.notify_one();
            std::future::pending::<()>().await;
        }
        Verdict::Allow
    }
}

/// Attack 83: a guard that gives no answer must deny.
#[tokio::test]
async fn a_guard_that_panics_fails_or_hangs_denies_the_event() {
    let (ran, asked) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let gateway = Gateway::at("/")
        .on("panics", handle(counted(&ran)).guard(Panics))
        .on("fails", handle(counted(&ran)).guard(Fails))
        .on("hangs", handle(counted(&ran)).guard(Hangs(Arc::clone(&asked))));
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    assert_eq!(alice.expect_exception("panics", ()).await.code(), "forbidden");
    assert_eq!(alice.expect_exception("fails", ()).await.code(), "forbidden");
    let clock = memory.clock.clone();
    let (exception, ()) = tokio::join!(alice.expect_exception("hangs", ()), async {
        asked.notified().await;
        clock.advance(Limits::default().guard_timeout);
    });

    assert_eq!(exception.code(), "forbidden");
    assert_eq!(ran.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_guard_may_deny_and_close() {
    let guard = guard_fn(|context: &GuardContext<'_, Member>| match context.action {
        Action::Event("attack") => {
            Verdict::DenyAndClose(Refusal::new("go_away", "We have seen that"))
        }
        _ => Verdict::Allow,
    });
    let memory = Memory::serve(Gateway::at("/").guard(guard).on("attack", || async {})).await;
    let mut mallory = memory.connect("mallory").await;

    let exception = mallory.expect_exception("attack", ()).await;

    assert_eq!((exception.code(), exception.message()), ("go_away", "We have seen that"));
    let ended: serde_json::Value = mallory.expect_event("session_ended").await;
    assert_eq!((&ended["code"], &ended["retry"]), (&json!("forbidden"), &json!("never")));
    assert_eq!(mallory.ended().await, TestEnd::Final);
}

#[tokio::test]
async fn guards_are_combined_with_all_any_and_not() {
    let gateway = Gateway::at("/")
        .on("all", handle(|| async { 1 }).guard(all((Role::new("a"), Role::new("b")))))
        .on("any", handle(|| async { 1 }).guard(any((Role::new("a"), Scope::new("b")))))
        .on("not", handle(|| async { 1 }).guard(not(Role::new("a"))));
    let memory = Memory::serve(gateway).await;

    // `+` is an allowed event and `-` a denied one.
    let verdicts = async |who: &str| {
        let mut client = memory.connect(who).await;
        let mut verdicts = String::new();
        for event in ["all", "any", "not"] {
            let is_denied = client.ask(event, ()).await.json().contains("forbidden");
            verdicts.push(if is_denied { '-' } else { '+' });
        }
        verdicts
    };

    assert_eq!(verdicts("x").await, "--+");
    assert_eq!(verdicts("x a").await, "-+-");
    assert_eq!(verdicts("x b").await, "-++");
    assert_eq!(verdicts("x a b").await, "++-");
}

#[tokio::test]
async fn a_rate_limit_counts_per_user_and_allows_again_after_retry_after() {
    let gateway = Gateway::at("/")
        .on("search", handle(|| async { 1 }).guard(RateLimit::per_user(2, Duration::from_secs(10))))
        .on("other", || async { 1 });
    let memory = Memory::serve(gateway).await;
    let (mut alice, mut again) = (memory.connect("alice").await, memory.connect("alice").await);
    let mut bob = memory.connect("bob").await;

    assert_eq!(alice.emit_with_ack::<u32>("search", ()).await, 1);
    // Both sockets of alice share the budget of two.
    assert_eq!(again.emit_with_ack::<u32>("search", ()).await, 1);
    let exception = alice.expect_exception("search", ()).await;

    assert_eq!((exception.code(), &exception.json()["retryAfter"]), ("rate_limited", &json!(5)));
    assert_eq!(bob.emit_with_ack::<u32>("search", ()).await, 1);
    assert_eq!(alice.emit_with_ack::<u32>("other", ()).await, 1);
    memory.clock.advance(Duration::from_secs(5));
    assert_eq!(again.emit_with_ack::<u32>("search", ()).await, 1);
    assert_eq!(alice.expect_exception("search", ()).await.code(), "rate_limited");
}

#[tokio::test]
async fn a_rate_limit_on_connections_turns_away_by_address() {
    let limit = RateLimit::per_address(2, Duration::from_secs(60));
    let memory = Memory::serve(Gateway::at("/").guard(limit)).await;
    let from = |peer: &str| memory.server.visitor().peer(peer.parse().unwrap());
    let token = json!({ "token": "alice" });

    // An IPv6 address counts by its first 64 bits.
    drop(from("[2001:db8::1]:1").connect("/", &token).await);
    drop(from("[2001:db8::2]:1").connect("/", &token).await);
    from("[2001:db8::3]:1").expect_turned_away("/", &token).await;

    drop(from("[2001:db8:0:1::1]:1").connect("/", &token).await);
}

#[tokio::test]
async fn a_rate_limit_per_socket_starts_anew_with_each_socket() {
    let limit = RateLimit::per_socket(2, Duration::from_secs(10));
    let gateway = Gateway::at("/").guard(limit).on("ping", || async { 1 });
    let memory = Memory::serve(gateway).await;

    for _ in 0..2 {
        let mut alice = memory.connect("alice").await;
        // The connection itself used the first of two.
        assert_eq!(alice.emit_with_ack::<u32>("ping", ()).await, 1);
        assert_eq!(alice.expect_exception("ping", ()).await.code(), "rate_limited");
    }
}
