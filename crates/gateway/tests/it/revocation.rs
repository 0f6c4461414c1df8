//! Revocations end sockets, and no client can connect with a revoked credential.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use doorward::{
    Revoke, SocketId,
    audit::Decision,
    auth::{Issuer, RefusalReason, SigningKey, TokenId},
    prelude::*,
    server::{Clock as _, OsEntropy},
    session::SessionId,
    store::RevocationStore as _,
    test::{ManualClock, TestEnd, TestServer},
};
use doorward_testkit::AuditLog;
use serde_json::{Value, json};

use crate::{
    fixture::in_time,
    lasting::{Lasting, Member, echo},
};

/// `revoke` returns only when every socket of the user on this server has closed.
#[tokio::test]
async fn all_sockets_of_a_revoked_user_have_closed_when_revoke_returns() {
    let lasting = Lasting::start().await;
    let mut first = lasting.connect(json!({ "user": "alice" })).await;
    let mut second = lasting.connect(json!({ "user": "alice" })).await;
    let mut other = lasting.connect(json!({ "user": "bob" })).await;

    let done = lasting.principals().revoke(Revoke::User("alice".into())).await.unwrap();

    assert_eq!((done.closed, done.confirmed.len(), done.missing.len()), (2, 1, 0));
    assert_eq!(lasting.server.doorward().connections(), 1);
    for client in [&mut first, &mut second] {
        assert_eq!(client.ended().await, TestEnd::Final);
        let ended: Value = client.expect_event("session_ended").await;
        assert_eq!((&ended["code"], &ended["retry"]), (&json!("revoked"), &json!("after_login")));
    }
    assert_eq!(other.emit_with_ack::<u8>("echo", 1).await, 1);
    let ended = Decision::Ended(DisconnectReason::Revoked);
    let admitted = Decision::Admitted;
    assert_eq!(
        lasting.audit.outcomes(),
        [admitted, admitted, admitted, Decision::Revoked, ended, ended]
    );
}

#[tokio::test]
async fn revoking_a_session_a_token_or_a_socket_ends_only_its_own_sockets() {
    let lasting = Lasting::start().await;
    let alice =
        |session: &str, token: &str| json!({ "user": "alice", "session": session, "token": token });
    let mut by_session = lasting.connect(alice("s1", "t1")).await;
    let mut by_token = lasting.connect(alice("s2", "t2")).await;
    let mut by_socket = lasting.connect(alice("s3", "t3")).await;
    let mut left = lasting.connect(alice("s4", "t4")).await;
    let principals = lasting.principals();

    for what in [
        Revoke::Session(SessionId::new("s1")),
        Revoke::Token(TokenId::new("t2")),
        Revoke::Socket(by_socket.id()),
    ] {
        assert_eq!(principals.revoke(what).await.unwrap().closed, 1);
    }

    for client in [&mut by_session, &mut by_token, &mut by_socket] {
        assert_eq!(client.ended().await, TestEnd::Final);
    }
    assert_eq!(left.emit_with_ack::<u8>("echo", 1).await, 1);
    let refused = lasting.server.expect_refused("/", alice("s1", "t9")).await;
    assert_eq!(refused.code(), "unauthenticated");
    let refused = lasting.server.expect_refused("/", alice("s9", "t2")).await;
    assert_eq!(refused.code(), "unauthenticated");
    // Revoking a socket leaves its credential valid: the client may connect again.
    lasting.connect(alice("s3", "t3")).await;
}

#[tokio::test]
async fn the_record_of_a_revocation_names_its_target() {
    let lasting = Lasting::start().await;
    let socket = SocketId::generate(&OsEntropy);
    let principals = lasting.principals();
    for target in [
        Revoke::User("alice".into()),
        Revoke::Session(SessionId::new("s1")),
        Revoke::Socket(socket),
        Revoke::Token(TokenId::new("t1")),
    ] {
        principals.revoke(target).await.unwrap();
    }

    let records = lasting.audit.records();
    let users: Vec<_> = records.iter().map(|record| record.user.as_deref()).collect();
    let sessions: Vec<_> = records.iter().map(|record| record.session.is_some()).collect();
    let sockets: Vec<_> = records.iter().map(|record| record.socket.clone()).collect();
    assert_eq!(users, [Some("alice"), None, None, None]);
    assert_eq!(sessions, [false, true, false, false]);
    assert_eq!(sockets, [None, None, Some(socket.encode()), None]);
}

/// Attack 28: credentials from before the revocation, including those of the same second.
#[tokio::test]
async fn credentials_issued_before_a_revocation_are_refused() {
    let lasting = Lasting::start().await;
    let generation = lasting.generation("alice").await;
    let ours = json!({ "user": "alice", "generation": generation });
    let foreign = |ago: u64| json!({ "user": "alice", "issued_ago": ago });
    lasting.connect(ours.clone()).await;
    lasting.connect(foreign(0)).await;

    lasting.principals().revoke(Revoke::User("alice".into())).await.unwrap();
    lasting.clock.advance(Duration::from_millis(900));

    for auth in [ours, foreign(0), foreign(60)] {
        let refused = lasting.server.expect_refused("/", auth).await;
        assert_eq!(refused.code(), "unauthenticated");
        let last = lasting.audit.outcomes().pop();
        assert_eq!(last, Some(Decision::Refused(RefusalReason::Revoked)));
    }
    lasting.clock.advance(Duration::from_millis(100));
    lasting.connect(foreign(0)).await;
    let generation = lasting.generation("alice").await;
    lasting.connect(json!({ "user": "alice", "generation": generation })).await;
    // A credential without a date, such as an API key, is verified anew each time.
    lasting.connect(json!({ "user": "alice" })).await;
}

/// The leeway for clocks that are ahead must not let a token outlive a revocation.
#[tokio::test]
async fn a_token_of_a_clock_that_was_ahead_is_refused_after_a_revocation() {
    let (key, clock, audit) =
        (SigningKey::generate().unwrap(), ManualClock::new(), AuditLog::default());
    let jwt = Jwt::es256(&key.public_pem()).unwrap().bound_to("issuer", "audience");
    let builder = Doorward::builder().authenticate(jwt).gateway(Gateway::at("/"));
    let builder = builder.clock(clock.clone()).audit(audit.clone());
    let server = TestServer::start(builder.build().unwrap()).await.unwrap();
    let issuer = Issuer::new(key, "issuer", "audience");
    let token = |ahead: u64| {
        let at = clock.wall() + Duration::from_secs(ahead);
        let token = issuer.issue("alice", Duration::from_secs(300), at, "5zVS4TFyBWVk");
        json!({ "token": token.unwrap() })
    };
    // The last token is at the edge of the leeway of 5 s, and was not shown before the revocation.
    let old = [token(0), token(1), token(4), token(5)];
    let mut clients = Vec::new();
    for shown in &old[..3] {
        clients.push(server.connect("/", shown).await);
    }

    clock.advance(Duration::from_millis(300));
    let revoked = server.doorward().principals().revoke(Revoke::User("alice".into())).await;
    assert_eq!(revoked.unwrap().closed, 3);

    for seconds in [0, 1, 3, 2, 30] {
        clock.advance(Duration::from_secs(seconds));
        for (number, shown) in old.iter().enumerate() {
            let refused = server.expect_refused("/", shown).await;
            let expected = if number == 0 { "unauthenticated" } else { "token_expired" };
            assert_eq!(refused.code(), expected, "{number} after {seconds}");
        }
    }
    assert_eq!(audit.outcomes().pop(), Some(Decision::Refused(RefusalReason::Revoked)));
}

/// A token inside the leeway may be from before the revocation. Its client reads after how many seconds
/// a new token is accepted.
#[tokio::test]
async fn a_token_issued_within_the_leeway_after_a_revocation_reads_when_to_retry() {
    let (key, clock) = (SigningKey::generate().unwrap(), ManualClock::new());
    let jwt = Jwt::es256(&key.public_pem()).unwrap().bound_to("issuer", "audience");
    let builder = Doorward::builder().authenticate(jwt).gateway(Gateway::at("/"));
    let server = TestServer::start(builder.clock(clock.clone()).build().unwrap()).await.unwrap();
    let issuer = Issuer::new(key, "issuer", "audience");
    let token = || {
        let ttl = Duration::from_secs(300);
        json!({ "token": issuer.issue("alice", ttl, clock.wall(), "5zVS4TFyBWVk").unwrap() })
    };
    server.doorward().principals().revoke(Revoke::User("alice".into())).await.unwrap();
    clock.advance(Duration::from_secs(2));

    let refused = server.expect_refused("/", token()).await;

    assert_eq!((refused.code(), refused.retry()), ("token_expired", Some("after_refresh")));
    let wait = refused.json()["data"]["retryAfter"].as_u64().unwrap();
    assert_eq!(wait, 4);
    clock.advance(Duration::from_secs(wait));
    server.connect("/", token()).await;
}

/// Attack 87: the revocation comes between the verification and the registration.
#[tokio::test]
async fn a_user_revoked_during_authentication_is_refused() {
    let lasting = Lasting::start().await;
    let auth = json!({ "user": "slow", "session": "s", "token": "t", "generation": 0 });
    for what in [
        Revoke::User("slow".into()),
        Revoke::Session(SessionId::new("s")),
        Revoke::Token(TokenId::new("t")),
    ] {
        let entering = lasting.server.expect_refused("/", auth.clone());
        let revoking = async {
            lasting.gate.begun.notified().await;
            lasting.clock.advance(Duration::from_millis(1));
            lasting.principals().revoke(what).await.unwrap();
            lasting.gate.open.notify_one();
        };

        let (refused, ()) = tokio::join!(entering, revoking);

        assert_eq!(refused.code(), "unauthenticated");
        assert_eq!(lasting.server.doorward().connections(), 0);
    }
}

/// The same test for a credential that does not state its time of issue.
#[tokio::test]
async fn a_user_revoked_during_the_check_of_an_undated_credential_is_refused() {
    let lasting = Lasting::start().await;
    let entering = lasting.server.expect_refused("/", json!({ "user": "slow" }));
    let revoking = async {
        lasting.gate.begun.notified().await;
        lasting.principals().revoke(Revoke::User("slow".into())).await.unwrap();
        lasting.gate.open.notify_one();
    };

    let (refused, ()) = tokio::join!(entering, revoking);

    assert_eq!(refused.code(), "unauthenticated");
}

/// Attack 87, after the second read of the revocation state: the registered socket is found and ended.
#[tokio::test]
async fn a_user_revoked_during_the_connect_hook_is_refused() {
    let (begun, go) = <(std::sync::Arc<tokio::sync::Notify>, std::sync::Arc<_>)>::default();
    let held = (std::sync::Arc::clone(&begun), std::sync::Arc::clone(&go));
    let gateway = echo().on_connect(move |_: Socket<Member>| {
        let (begun, go): (_, std::sync::Arc<tokio::sync::Notify>) = held.clone();
        async move {
            begun.notify_one();
            go.notified().await;
            Ok(())
        }
    });
    let lasting = Lasting::serve(gateway).await;
    let entering = lasting.server.expect_refused("/", json!({ "user": "alice" }));
    let revoking = async {
        begun.notified().await;
        let principals = lasting.principals();
        let revoked = principals.revoke(Revoke::User("alice".into()));
        let opened = async {
            // The store holds the revocation, and the link has received it.
            while lasting.generation("alice").await == 0 {
                tokio::task::yield_now().await;
            }
            go.notify_one();
        };
        tokio::join!(revoked, opened).0.unwrap()
    };

    let (refused, done) = in_time(async { tokio::join!(entering, revoking) }).await;

    assert_eq!(refused.code(), "unauthenticated");
    assert_eq!((done.closed, done.missing.len()), (1, 0));
    let last = lasting.audit.outcomes().pop();
    assert_eq!(last, Some(Decision::Refused(RefusalReason::RevokedMeanwhile)));
}

/// No further event is started or delivered, and the answer of the running handler is dropped.
#[tokio::test]
async fn a_running_handler_of_a_revoked_user_finishes_without_an_answer() {
    let (begun, go) = <(std::sync::Arc<tokio::sync::Notify>, std::sync::Arc<_>)>::default();
    let done = std::sync::Arc::new(tokio::sync::Notify::new());
    let held =
        (std::sync::Arc::clone(&begun), std::sync::Arc::clone(&go), std::sync::Arc::clone(&done));
    let gateway = echo().on("work", move |me: Socket<Member>| {
        let (begun, go, done): (_, std::sync::Arc<tokio::sync::Notify>, _) = held.clone();
        async move {
            begun.notify_one();
            go.notified().await;
            assert!(me.emit("late", 1).is_err());
            done.notify_one();
            "answer"
        }
    });
    let lasting = Lasting::serve(gateway).await;
    let mut client = lasting.connect(json!({ "user": "alice" })).await;
    client.emit("work", ()).await;
    client.emit("echo", "behind").await;
    begun.notified().await;

    lasting.principals().revoke(Revoke::User("alice".into())).await.unwrap();
    go.notify_one();
    done.notified().await;

    assert_eq!(client.ended().await, TestEnd::Final);
    let ended: Value = client.expect_event("session_ended").await;
    assert_eq!(ended["code"], "revoked");
}

#[tokio::test]
async fn a_revocation_that_does_not_fit_the_store_is_an_error_and_ends_local_sockets() {
    let full = doorward::session::MemoryStore::with_capacity(0);
    let lasting = Lasting::with(|builder| builder.revocations(full).gateway(echo())).await;
    let mut client = lasting.connect(json!({ "user": "alice" })).await;

    let error = lasting.principals().revoke(Revoke::User("alice".into())).await.unwrap_err();

    assert_eq!(error.to_string(), "the revocation was not stored");
    assert_eq!(client.ended().await, TestEnd::Final);
}

/// A revocation of the credential of the admission ends the socket even after refreshes.
#[tokio::test]
async fn a_refreshed_socket_is_revoked_by_its_old_token_and_by_its_new_one() {
    for token in ["old", "new"] {
        let lasting = Lasting::start().await;
        let mut client = lasting.connect(json!({ "user": "alice", "token": "old" })).await;
        let new = json!({ "user": "alice", "token": "new" });
        client.emit_with_ack::<Value>("auth:refresh", new).await;

        let done = lasting.principals().revoke(Revoke::Token(TokenId::new(token))).await.unwrap();

        assert_eq!(done.closed, 1, "{token}");
        assert_eq!(client.ended().await, TestEnd::Final);
    }
}

#[tokio::test]
async fn a_refresh_with_a_revoked_token_is_refused() {
    let lasting = Lasting::start().await;
    let mut client = lasting.connect(json!({ "user": "alice" })).await;
    lasting.principals().revoke(Revoke::Token(TokenId::new("bad"))).await.unwrap();

    let bad = json!({ "user": "alice", "token": "bad" });
    let answer: Value = client.emit_with_ack("auth:refresh", bad).await;

    assert_eq!(answer["code"], "unauthenticated");
    assert_eq!(client.emit_with_ack::<u8>("echo", 1).await, 1);
}

/// After a change of roles, rooms and sockets that are no longer allowed end at once.
#[tokio::test]
async fn a_user_whose_roles_have_changed_keeps_only_what_is_allowed() {
    let gateway = echo()
        .guard(doorward::guard::any((Role::new("member"), Role::new("admin"))))
        .room("team:{id}", |request: RoomRequest<Member>| async move {
            request.principal().has_role(request.param("id"))
        })
        .on("join", |me: Socket<Member>, Payload(room): Payload<String>| async move {
            me.join(&room).await
        });
    let lasting = Lasting::serve(gateway).await;
    lasting.set_roles("alice", &["member", "red"]);
    let mut client = lasting.connect(json!({ "user": "alice" })).await;
    client.emit_with_ack::<()>("join", "team:red").await;
    let hub = lasting.server.doorward().hub::<Member>("/").unwrap();

    lasting.set_roles("alice", &["admin"]);
    let kept = lasting.principals().refresh(&"alice".into()).await.unwrap();
    assert_eq!((kept.kept, kept.ended, kept.undecided), (1, 0, 0));
    assert_eq!(client.emit_with_ack::<Vec<String>>("roles", ()).await, ["admin"]);
    assert_eq!(hub.to("team:red").emit("secret", 1).unwrap().local, 0);

    lasting.set_roles("alice", &["away"]);
    let undecided = lasting.principals().refresh(&"alice".into()).await.unwrap();
    assert_eq!((undecided.kept, undecided.ended, undecided.undecided), (0, 0, 1));
    assert_eq!(client.emit_with_ack::<u8>("echo", 1).await, 1);

    lasting.set_roles("alice", &[]);
    let ended = lasting.principals().refresh(&"alice".into()).await.unwrap();
    assert_eq!((ended.kept, ended.ended, ended.undecided), (0, 1, 0));
    assert_eq!(lasting.server.doorward().connections(), 0);
    assert_eq!(client.ended().await, TestEnd::Final);
    let ended: Value = client.expect_event("session_ended").await;
    assert_eq!(ended["code"], "forbidden");
}

#[tokio::test]
async fn the_sockets_of_a_removed_user_end() {
    let lasting = Lasting::start().await;
    let mut client = lasting.connect(json!({ "user": "alice" })).await;

    lasting.set_roles("alice", &["gone"]);
    let done = lasting.principals().refresh(&"alice".into()).await.unwrap();

    assert_eq!(done.ended, 1);
    assert_eq!(client.ended().await, TestEnd::Final);
    let ended: Value = client.expect_event("session_ended").await;
    assert_eq!(ended["code"], "revoked");
}

/// The sweep finds a revocation of which no message reached this server.
#[tokio::test]
async fn a_revocation_known_only_to_the_store_takes_effect_within_fifteen_seconds() {
    let lasting = Lasting::start().await;
    let mut client = lasting.connect(json!({ "user": "alice", "token": "t" })).await;
    let mut other = lasting.connect(json!({ "user": "bob" })).await;

    lasting.store.end_token(&TokenId::new("t"), lasting.clock.wall()).await.unwrap();
    lasting.clock.advance(Duration::from_secs(15));

    assert_eq!(client.ended().await, TestEnd::Final);
    let ended: Value = client.expect_event("session_ended").await;
    assert_eq!(ended["code"], "revoked");
    assert_eq!(other.emit_with_ack::<u8>("echo", 1).await, 1);
}

#[tokio::test]
async fn connected_sockets_are_listed_without_their_session() {
    let lasting = Lasting::start().await;
    let auth = json!({ "user": "alice", "session": "s", "expires_in": 60 });
    let client = lasting.connect(auth).await;

    let connections = lasting.principals().sockets().await.value;

    assert_eq!(connections.len(), 1);
    let one = &connections[0];
    assert_eq!((one.socket, &*one.namespace, one.user.as_str()), (client.id(), "/", "alice"));
    assert_eq!(one.expires_at, Some(lasting.clock.wall() + Duration::from_secs(60)));
    assert_eq!(one.network, Some("127.0.0.0".parse().unwrap()));
    assert!(!format!("{one:?}").contains("\"s\""));
}

/// The index by session must not lose a socket, however many tokens it has shown since.
#[tokio::test]
async fn a_socket_is_revoked_by_its_session_after_any_number_of_refreshes() {
    let auth =
        |token: usize| json!({ "user": "alice", "session": "s", "token": token.to_string() });
    for refreshes in 0..20 {
        let lasting = Lasting::start().await;
        let mut client = lasting.connect(auth(0)).await;
        for token in 1..=refreshes {
            let answer: Value = client.emit_with_ack("auth:refresh", auth(token)).await;
            assert_eq!(answer["status"], "ok");
        }

        let order = Revoke::Session(SessionId::new("s"));
        let done = lasting.principals().revoke(order).await.unwrap();

        assert_eq!(done.closed, 1, "after {refreshes}");
        assert_eq!(client.ended().await, TestEnd::Final);
    }
}

/// A client that refreshes far more often than its tokens expire.
#[tokio::test]
async fn each_token_that_a_socket_has_shown_finds_it_until_the_token_expires() {
    let hour = 3600;
    let auth =
        |token: usize| json!({ "user": "alice", "token": token.to_string(), "expires_in": hour });
    let lasting = Lasting::start().await;
    let mut client = lasting.connect(auth(0)).await;
    // The user is a key too, so the socket has 256 keys after this.
    for token in 1..=254 {
        lasting.clock.advance(Duration::from_secs(1));
        let answer = client.emit_with_ack::<Value>("auth:refresh", auth(token)).await;
        assert!(answer["status"] == "ok", "{token}: {answer}");
    }

    let refused = client.emit_with_ack::<Value>("auth:refresh", auth(255)).await;
    assert_eq!(refused["code"], "too_many_attempts", "{refused}");
    assert_eq!(refused["retryAfter"], hour - 254, "{refused}");
    let again = client.emit_with_ack::<Value>("auth:refresh", auth(254)).await;
    assert!(again["status"] == "ok", "a token that is known needs no room: {again}");

    // Only the newest token is shown again before the others expire.
    lasting.clock.advance(Duration::from_secs(hour / 2));
    let renewed = json!({ "user": "alice", "token": "254", "expires_in": 2 * hour });
    client.emit_with_ack::<Value>("auth:refresh", renewed).await;
    lasting.clock.advance(Duration::from_secs(hour / 2));
    let answer = client.emit_with_ack::<Value>("auth:refresh", auth(256)).await;
    assert!(answer["status"] == "ok", "the keys of expired tokens make room: {answer}");

    let principals = lasting.principals();
    let expired = principals.revoke(Revoke::Token(TokenId::new("0"))).await.unwrap();
    let kept = principals.revoke(Revoke::Token(TokenId::new("254"))).await.unwrap();
    assert_eq!((expired.closed, kept.closed), (0, 1));
}

/// A stolen token finds the socket that it has opened, even after many refreshes.
#[tokio::test]
async fn a_client_does_not_escape_from_its_first_token_by_refreshing() {
    let auth = |token: usize| json!({ "user": "alice", "token": token.to_string() });
    let lasting = Lasting::start().await;
    let mut client = lasting.connect(auth(0)).await;
    for token in 1..=200 {
        let answer = client.emit_with_ack::<Value>("auth:refresh", auth(token)).await;
        assert!(answer["status"] == "ok", "{token}: {answer}");
    }

    let revoked = lasting.principals().revoke(Revoke::Token(TokenId::new("0"))).await.unwrap();

    assert_eq!(revoked.closed, 1);
}

/// Roles that change between the lookup of the user and the registration of the socket.
#[tokio::test]
async fn a_role_removed_during_admission_is_not_granted() {
    let lasting = Lasting::with(|builder| builder.guard(Role::new("member")).gateway(echo())).await;
    lasting.set_roles("slow", &["member", "admin"]);
    for (roles, expected) in [(&["member"][..], Some("member")), (&[][..], None)] {
        let entering = lasting.server.visitor().try_connect("/", json!({ "user": "slow" }));
        let changing = async {
            // The authenticator has read the roles and is held at the gate.
            lasting.gate.begun.notified().await;
            lasting.set_roles("slow", roles);
            let done = lasting.principals().refresh(&"slow".into()).await.unwrap();
            assert_eq!(done.kept + done.ended, 0);
            lasting.gate.open.notify_one();
        };

        let (entered, ()) = tokio::join!(entering, changing);

        match (entered, expected) {
            (Ok(mut client), Some(role)) => {
                assert_eq!(client.emit_with_ack::<Vec<String>>("roles", ()).await, [role]);
                drop(client);
                lasting.audit.wait_for(2).await;
                lasting.set_roles("slow", &["member", "admin"]);
            }
            (Err(Some(refused)), None) => assert_eq!(refused.code(), "forbidden"),
            (other, _) => panic!("{other:?}"),
        }
    }
}

/// A revocation ends an entering socket at once, although its connect hook still runs.
#[tokio::test]
async fn a_revocation_does_not_wait_for_a_connect_hook() {
    let begun = std::sync::Arc::new(tokio::sync::Notify::new());
    let (told, later) = (std::sync::Arc::clone(&begun), std::sync::Arc::new(AtomicUsize::new(0)));
    let seen = std::sync::Arc::clone(&later);
    let lasting = Lasting::with(|builder| {
        builder
            .gateway(echo().on_connect(move |_: Socket<Member>| {
                told.notify_one();
                std::future::pending::<()>()
            }))
            .gateway(Gateway::at("/").on_connect(move |_: Socket<Member>| {
                seen.fetch_add(1, Ordering::SeqCst);
                async { Ok(()) }
            }))
    })
    .await;
    let entering = lasting.server.expect_refused("/", json!({ "user": "alice" }));
    let revoking = async {
        begun.notified().await;
        lasting.principals().revoke(Revoke::User("alice".into())).await.unwrap()
    };

    let (refused, done) = tokio::join!(entering, revoking);

    assert_eq!(refused.code(), "unauthenticated");
    assert_eq!((done.closed, done.missing.len()), (1, 0));
    // The hook of the second gateway did not run.
    assert_eq!(later.load(Ordering::SeqCst), 0);
}
