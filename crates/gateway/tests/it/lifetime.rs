//! Lifetime of a socket, and its extension by the client.

use std::time::Duration;

use doorward::{
    audit::Decision, auth::RefusalReason, guard::Fresh, prelude::*, session::LeaseError,
    test::TestEnd,
};
use serde_json::{Value, json};

use crate::lasting::{HOUR, Lasting, echo};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn a_client_is_warned_once_before_its_credential_expires() {
    let lasting = Lasting::start().await;
    let mut client = lasting.connect(json!({ "user": "alice", "expires_in": 600 })).await;

    // The notice is due 60 s before the end.
    lasting.clock.advance(seconds(539));
    client.expect_nothing().await;
    lasting.clock.advance(seconds(1));

    let expiring: Value = client.expect_event("auth:expiring").await;
    assert_eq!(expiring, json!({ "expiresAt": "2026-01-01T00:10:00Z" }));
    // The notice is sent only once.
    lasting.clock.advance(seconds(59));
    client.expect_nothing().await;
    lasting.clock.advance(seconds(1));
    assert_eq!(client.ended().await, TestEnd::Passing);
    let ended: Value = client.expect_event("session_ended").await;
    assert_eq!((&ended["code"], &ended["retry"]), (&json!("expired"), &json!("after_refresh")));
}

#[tokio::test]
async fn a_short_credential_is_announced_when_a_quarter_of_it_remains() {
    let lasting = Lasting::start().await;
    let mut client = lasting.connect(json!({ "user": "alice", "expires_in": 20 })).await;

    lasting.clock.advance(seconds(14));
    client.expect_nothing().await;
    lasting.clock.advance(seconds(1));

    client.expect_event::<Value>("auth:expiring").await;
}

#[tokio::test]
async fn a_refreshed_credential_prolongs_the_socket() {
    let lasting = Lasting::start().await;
    let mut client = lasting.connect(json!({ "user": "alice", "expires_in": 60 })).await;
    lasting.clock.advance(seconds(45));
    client.expect_event::<Value>("auth:expiring").await;

    let answer: Value =
        client.emit_with_ack("auth:refresh", json!({ "user": "alice", "expires_in": 60 })).await;

    assert_eq!(answer, json!({ "status": "ok", "expiresAt": "2026-01-01T00:01:45Z" }));
    lasting.clock.advance(seconds(30));
    assert_eq!(client.emit_with_ack::<u8>("echo", 7).await, 7);
    lasting.clock.advance(seconds(30));
    assert_eq!(client.ended().await, TestEnd::Passing);
    assert_eq!(
        lasting.audit.outcomes(),
        [Decision::Admitted, Decision::Refreshed, Decision::Ended(DisconnectReason::Expired)]
    );
}

#[tokio::test]
async fn a_refresh_that_fails_changes_nothing() {
    let lasting = Lasting::start().await;
    let mut client = lasting.connect(json!({ "user": "alice", "expires_in": 60 })).await;
    let cases = [
        (json!({ "user": "bob" }), "unauthenticated", RefusalReason::UserChanged),
        (json!({ "user": "alice", "expires_in": 0 }), "token_expired", RefusalReason::TokenExpired),
        (json!({}), "invalid_token", RefusalReason::Application),
        (json!([1]), "bad_handshake", RefusalReason::AuthMalformed),
        (json!({ "__proto__": {} }), "bad_handshake", RefusalReason::AuthMalformed),
    ];
    for (auth, code, reason) in cases {
        let answer: Value = client.emit_with_ack("auth:refresh", auth).await;

        assert_eq!((&answer["status"], &answer["code"]), (&json!("error"), &json!(code)));
        assert_eq!(lasting.audit.outcomes().pop(), Some(Decision::Denied(reason)));
    }
    assert_eq!(lasting.audit.last_fault().unwrap(), "member auth: malformed");
    let away: Value =
        client.emit_with_ack("auth:refresh", json!({ "user": "alice", "error": "away" })).await;
    assert_eq!(away["code"], "unavailable");

    assert_eq!(client.emit_with_ack::<u8>("echo", 7).await, 7);
    lasting.clock.advance(seconds(60));
    assert_eq!(client.ended().await, TestEnd::Passing);
}

#[tokio::test]
async fn each_record_about_a_socket_names_its_user_and_namespace() {
    let lasting = Lasting::start().await;
    let mut client = lasting.connect(json!({ "user": "alice", "expires_in": 60 })).await;
    client.emit_with_ack::<Value>("auth:refresh", json!({ "user": "bob" })).await;
    lasting.clock.advance(seconds(60));
    client.ended().await;

    let records = lasting.audit.records();
    let outcomes: Vec<_> = records.iter().map(|record| record.outcome).collect();
    let denied = Decision::Denied(RefusalReason::UserChanged);
    let ended = Decision::Ended(DisconnectReason::Expired);
    assert_eq!(outcomes, [Decision::Admitted, denied, ended]);
    for record in &records {
        let (user, namespace) = (record.user.as_deref(), record.namespace.as_deref());
        assert_eq!((user, namespace), (Some("alice"), Some("/")), "{record:?}");
        assert_eq!(record.socket, records[0].socket, "{record:?}");
    }
    assert!(records[0].socket.is_some());
}

/// As docs/wire.md says: `auth:refresh` is handled when it is read, not in the order of the events.
#[tokio::test]
async fn a_refresh_does_not_wait_for_running_events() {
    let (begun, go) = <(std::sync::Arc<tokio::sync::Notify>, std::sync::Arc<_>)>::default();
    let held = (std::sync::Arc::clone(&begun), std::sync::Arc::clone(&go));
    let gateway = echo().on("hold", move || {
        let (begun, go): (_, std::sync::Arc<tokio::sync::Notify>) = held.clone();
        async move {
            begun.notify_one();
            go.notified().await;
        }
    });
    let lasting = Lasting::serve(gateway).await;
    let mut client = lasting.connect(json!({ "user": "alice", "expires_in": 60 })).await;
    client.emit("hold", ()).await;
    begun.notified().await;
    // This event waits for `hold`; the refresh overtakes both.
    client.emit("echo", 1).await;

    let answer: Value = client.emit_with_ack("auth:refresh", json!({ "user": "alice" })).await;

    assert_eq!(answer, json!({ "status": "ok", "expiresAt": null }));
    go.notify_one();
}

#[tokio::test]
async fn only_one_refresh_runs_at_a_time() {
    let lasting = Lasting::start().await;
    // Opens the gate for the connection only: the first refresh waits at it.
    lasting.gate.open.notify_one();
    let mut client = lasting.connect(json!({ "user": "slow", "expires_in": 60 })).await;
    let mut refresh = async || {
        client.emit("auth:refresh", json!({ "user": "slow" })).await;
        let answer: Value = client.emit_with_ack("auth:refresh", json!({ "user": "slow" })).await;
        answer
    };

    let answer = refresh().await;

    assert_eq!(answer["code"], "too_many_attempts");
    assert!(answer["retryAfter"].is_u64());
}

#[tokio::test]
async fn weaker_rights_of_a_refreshed_credential_apply_at_once() {
    let gateway = echo()
        .room("team:{id}", |request: RoomRequest<crate::lasting::Member>| async move {
            request.principal().has_role(request.param("id"))
        })
        .on(
            "join",
            |me: Socket<crate::lasting::Member>, Payload(room): Payload<String>| async move {
                me.join(&room).await
            },
        )
        .on("rooms", |me: Socket<crate::lasting::Member>| async move {
            me.rooms().iter().map(ToString::to_string).collect::<Vec<_>>()
        });
    let lasting = Lasting::serve(gateway).await;
    lasting.set_roles("alice", &["red", "blue"]);
    let mut client = lasting.connect(json!({ "user": "alice" })).await;
    for room in ["team:red", "team:blue"] {
        client.emit_with_ack::<()>("join", room).await;
    }

    lasting.set_roles("alice", &["blue"]);
    client.emit_with_ack::<Value>("auth:refresh", json!({ "user": "alice" })).await;

    assert_eq!(client.emit_with_ack::<Vec<String>>("roles", ()).await, ["blue"]);
    assert_eq!(client.emit_with_ack::<Vec<String>>("rooms", ()).await, ["team:blue"]);
}

#[tokio::test]
async fn anonymous_clients_cannot_refresh() {
    let server = doorward::test::TestServer::start(
        Doorward::builder().public(Gateway::at("/open")).build().unwrap(),
    )
    .await
    .unwrap();
    let mut client = server.connect("/open", ()).await;

    let exception = client.expect_exception("auth:refresh", json!({})).await;

    assert_eq!(exception.code(), "unknown_event");
}

/// Events of the client prolong its session; heartbeats do not.
#[tokio::test]
async fn an_idle_session_ends() {
    let lasting = Lasting::start().await;
    let mut client = lasting.connect(json!({ "user": "alice", "session": "s" })).await;
    lasting.clock.advance(HOUR - seconds(1));
    client.expect_event::<Value>("auth:expiring").await;
    assert_eq!(client.emit_with_ack::<u8>("echo", 1).await, 1);
    assert_eq!(lasting.lease.touched(), 1);

    lasting.clock.advance(HOUR - seconds(1));
    // Heartbeats pass in between.
    client.expect_event::<Value>("auth:expiring").await;
    lasting.clock.advance(seconds(1));

    assert_eq!(client.ended().await, TestEnd::Final);
    let ended: Value = client.expect_event("session_ended").await;
    assert_eq!((&ended["code"], &ended["retry"]), (&json!("expired"), &json!("after_login")));
    let last = lasting.audit.outcomes().pop();
    assert_eq!(last, Some(Decision::Ended(DisconnectReason::SessionExpired)));
}

/// A stock client comes back after the end of an outdated credential, and shows its current one.
#[tokio::test]
async fn a_lease_says_with_which_reason_a_socket_ends() {
    for (answer, end, code, reason) in [
        (
            (|_| Err(LeaseError::Outdated)) as fn(_) -> _,
            TestEnd::Passing,
            ["outdated", "later"],
            DisconnectReason::CredentialOutdated,
        ),
        (
            |_| Err(LeaseError::Ended),
            TestEnd::Final,
            ["expired", "after_login"],
            DisconnectReason::SessionExpired,
        ),
    ] {
        let lasting = Lasting::start().await;
        let mut client = lasting.connect(json!({ "user": "alice", "session": "s" })).await;
        lasting.lease.answers(answer);

        lasting.clock.advance(seconds(10));

        assert_eq!(client.ended().await, end, "{reason}");
        let ended: Value = client.expect_event("session_ended").await;
        assert_eq!([&ended["code"], &ended["retry"]], code);
        assert_eq!(lasting.audit.outcomes().pop(), Some(Decision::Ended(reason)));
    }
}

/// Another server has seen the session's client, so the store knows a later end.
#[tokio::test]
async fn a_session_in_use_elsewhere_is_prolonged() {
    let lasting = Lasting::start().await;
    lasting.lease.answers(|now| Ok(now + HOUR));
    let mut client = lasting.connect(json!({ "user": "alice", "session": "s" })).await;

    lasting.clock.advance(HOUR);

    assert_eq!(client.emit_with_ack::<u8>("echo", 1).await, 1);
}

#[tokio::test]
async fn a_session_whose_store_is_unavailable_ends_for_now() {
    let lasting = Lasting::start().await;
    lasting.lease.answers(|_| Err(LeaseError::Unavailable("the store is away".into())));
    let mut client = lasting.connect(json!({ "user": "alice", "session": "s" })).await;

    lasting.clock.advance(HOUR);

    assert_eq!(client.ended().await, TestEnd::Passing);
    let ended: Value = client.expect_event("session_ended").await;
    assert_eq!(ended["code"], "unavailable");
}

/// An event that arrives at that moment does not run before the store has answered.
#[tokio::test]
async fn no_event_is_started_after_a_session_has_ended() {
    let lasting = Lasting::start().await;
    let mut client = lasting.connect(json!({ "user": "alice", "session": "s" })).await;

    lasting.clock.set_wall(doorward::server::Clock::wall(&lasting.clock) + HOUR);
    client.emit("echo", 1).await;

    assert_eq!(client.ended().await, TestEnd::Final);
    // The event did not prolong the session either.
    assert_eq!(lasting.lease.touched(), 0);
}

#[tokio::test]
async fn the_earlier_of_two_ends_applies() {
    let lasting = Lasting::start().await;
    let auth = json!({ "user": "alice", "session": "s", "expires_in": 60 });
    let mut client = lasting.connect(auth).await;
    assert_eq!(client.emit_with_ack::<u8>("echo", 1).await, 1);

    lasting.clock.advance(seconds(60));

    assert_eq!(client.ended().await, TestEnd::Passing);
}

/// Covers a stale sign-in, an unknown one, a fresh one after a refresh, and the same after it became stale.
#[tokio::test]
async fn a_guard_may_require_a_fresh_sign_in_for_an_event() {
    let gateway = echo().on("delete", handle(|| async { "done" }).guard(Fresh(seconds(300))));
    let lasting = Lasting::serve(gateway).await;
    let stale = json!({ "user": "alice", "signed_in_ago": 301 });
    let mut client = lasting.connect(stale).await;
    let mut unknown = lasting.connect(json!({ "user": "bob" })).await;

    let exception = client.expect_exception("delete", ()).await;
    assert_eq!(exception.code(), "reauthentication_required");
    let exception = unknown.expect_exception("delete", ()).await;
    assert_eq!(exception.code(), "reauthentication_required");
    let fresh = json!({ "user": "alice", "signed_in_ago": 0 });
    client.emit_with_ack::<Value>("auth:refresh", fresh).await;
    assert_eq!(client.emit_with_ack::<String>("delete", ()).await, "done");

    lasting.clock.advance(seconds(301));
    let exception = client.expect_exception("delete", ()).await;
    assert_eq!(exception.code(), "reauthentication_required");
}

#[tokio::test]
async fn a_guard_may_require_a_fresh_sign_in_for_a_connection() {
    let lasting = Lasting::with(|builder| builder.guard(Fresh(seconds(300))).gateway(echo())).await;

    let stale = json!({ "user": "alice", "signed_in_ago": 301 });
    let refused = lasting.server.expect_refused("/", stale).await;

    assert_eq!(refused.code(), "reauthentication_required");
    lasting.connect(json!({ "user": "alice", "signed_in_ago": 300 })).await;
}

/// Room policies are asked before anything changes, so a refresh that times out leaves everything as it was.
#[tokio::test]
async fn a_refresh_that_times_out_changes_nothing() {
    let hangs = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let judge = std::sync::Arc::clone(&hangs);
    let gateway = echo()
        .room("team:{id}", move |_: RoomRequest<crate::lasting::Member>| {
            let hangs = judge.load(std::sync::atomic::Ordering::SeqCst);
            async move {
                if hangs {
                    std::future::pending::<()>().await;
                }
                true
            }
        })
        .on(
            "join",
            |me: Socket<crate::lasting::Member>, Payload(room): Payload<String>| async move {
                me.join(&room).await
            },
        );
    let limits = |limits: &mut doorward::Limits| limits.guard_timeout = seconds(60);
    let lasting = Lasting::with(|builder| builder.limits(limits).gateway(gateway)).await;
    lasting.set_roles("alice", &["old"]);
    let mut client = lasting.connect(json!({ "user": "alice", "expires_in": 600 })).await;
    client.emit_with_ack::<()>("join", "team:a").await;

    lasting.set_roles("alice", &["new"]);
    hangs.store(true, std::sync::atomic::Ordering::SeqCst);
    client.emit("auth:refresh", json!({ "user": "alice" })).await;
    client.expect_nothing().await;
    lasting.clock.advance(seconds(5));
    client.expect_nothing().await;

    assert_eq!(client.emit_with_ack::<Vec<String>>("roles", ()).await, ["old"]);
    lasting.clock.advance(seconds(595));
    assert_eq!(client.ended().await, TestEnd::Passing);
}
