//! Regression tests of rooms and broadcasts.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use doorward::{
    event::{AckError, Bytes},
    prelude::*,
    room::Target,
    test::TestEnd,
};
use doorward_testkit::AuditLog;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Notify;

use super::settle;
use crate::memory::{Member, Memory};

#[derive(Deserialize, Serialize)]
struct Files {
    files: Vec<Binary>,
}

#[tokio::test]
async fn an_attachment_referenced_a_thousand_times_is_sent_once() {
    let gateway = Gateway::at("/").on(
        "share",
        |me: Socket<Member>, Payload(files): Payload<Files>| async move {
            me.broadcast().emit("shared", files).map(|sent| sent.local)
        },
    );
    let memory = Memory::serve(gateway).await;
    let (mut eve, mut bob) = (memory.connect("eve").await, memory.connect("bob").await);
    let file = Binary(Bytes::from(vec![7; 30_000]));

    // The test client uses the same writer, so it sends the attachment once as well.
    let files = Files { files: vec![file; 1000] };
    assert_eq!(eve.emit_with_ack::<usize>("share", files).await, 1);

    let event = bob.next_event().await;
    assert_eq!(event.arguments.attachments().len(), 1);
    assert_eq!(event.arguments.decode::<Files>().unwrap().files.len(), 1000);
}

/// Attack 80: `doc-x-draft` matches the open pattern as well as the strict one; both must allow.
#[tokio::test]
async fn a_name_that_matches_a_pattern_in_two_ways_does_not_bypass_a_strict_policy() {
    let gateway = Gateway::at("/")
        .room("doc-{slug}", |_| async { true })
        .room("doc-{slug}-draft", |request: RoomRequest<Member>| async move {
            request.principal().has_role("editor")
        })
        .on("join", |me: Socket<Member>, Payload(room): Payload<String>| async move {
            me.join(&room).await
        });
    let memory = Memory::serve(gateway).await;
    let mut reader = memory.connect("reader").await;

    for room in ["doc-x-draft", "doc-x-draft-draft", "doc--draft-draft"] {
        assert_eq!(reader.expect_exception("join", room).await.code(), "forbidden", "{room}");
    }
    reader.emit_with_ack::<()>("join", "doc-x-drafts").await;
}

#[tokio::test]
async fn anonymous_clients_share_neither_events_nor_rate_limits() {
    let limit = RateLimit::per_user(1, Duration::from_secs(60));
    let gateway = Gateway::at("/open")
        .on("ticket", |hub: Hub<Anonymous>, me: Socket<Anonymous>| async move {
            hub.to(me.user()).emit("ticket", "secret").map(|sent| sent.local)
        })
        .on("limited", handle(|| async { 1 }).guard(limit));
    let memory = Memory::with(|builder| builder.public(gateway)).await;
    let from = |peer: &str| memory.server.visitor().peer(peer.parse().unwrap());
    let mut here = from("203.0.113.1:1").connect("/open", ()).await;
    let mut there = from("198.51.100.1:1").connect("/open", ()).await;

    assert_eq!(here.emit_with_ack::<usize>("ticket", ()).await, 0);
    there.expect_nothing().await;
    assert_eq!(here.emit_with_ack::<u32>("limited", ()).await, 1);
    assert_eq!(here.expect_exception("limited", ()).await.code(), "rate_limited");
    assert_eq!(there.emit_with_ack::<u32>("limited", ()).await, 1);
}

#[tokio::test]
async fn a_socket_cannot_emit_to_foreign_rooms_or_after_its_end() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begin, wait) = (Arc::clone(&begun), Arc::clone(&go_on));
    let spoken = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&spoken);
    let gateway = Gateway::at("/")
        .room("secret", |request: RoomRequest<Member>| async move {
            request.principal().has_role("member")
        })
        .on_connect(|me: Socket<Member>| async move {
            // Only members succeed.
            drop(me.join("secret").await);
        })
        .on("broadcast", |me: Socket<Member>| async move {
            me.broadcast().to("secret").emit("heard", 1)
        })
        .on(
            "volatile",
            |me: Socket<Member>| async move { me.volatile().to("secret").emit("heard", 1) },
        )
        .on("later", move |me: Socket<Member>| {
            let (begin, wait, keep) = (Arc::clone(&begin), Arc::clone(&wait), Arc::clone(&keep));
            async move {
                begin.notify_one();
                wait.notified().await;
                *keep.lock().unwrap() = Some(me.broadcast().emit("heard", 1));
            }
        });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice member").await;
    let mut eve = memory.connect("eve").await;

    assert_eq!(eve.expect_exception("broadcast", ()).await.code(), "forbidden");
    assert_eq!(eve.expect_exception("volatile", ()).await.code(), "forbidden");
    eve.emit("later", ()).await;
    begun.notified().await;
    let connection =
        memory.server.doorward().hub::<Member>("/").unwrap().local_socket(eve.id()).unwrap();
    drop(eve);
    connection.closed().await;
    go_on.notify_one();
    settle().await;

    assert!(matches!(spoken.lock().unwrap().take(), Some(Err(EmitError::Ended))));
    alice.expect_nothing().await;
}

#[tokio::test]
async fn a_join_is_authorised_again_after_a_concurrent_removal() {
    let (asked, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let is_member = Arc::new(AtomicUsize::new(1));
    let (tell, wait, member) = (Arc::clone(&asked), Arc::clone(&go_on), Arc::clone(&is_member));
    let gateway = Gateway::at("/")
        .room("team", move |_| {
            // Reads the membership first and answers later.
            let may = member.load(Ordering::SeqCst) == 1;
            let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
            async move {
                tell.notify_one();
                wait.notified().await;
                may
            }
        })
        .on("join", |me: Socket<Member>| async move { me.join("team").await });
    let memory = Memory::serve(gateway).await;
    let hub = memory.server.doorward().hub::<Member>("/").unwrap();
    let mut alice = memory.connect("alice").await;

    let (exception, ()) = tokio::join!(alice.expect_exception("join", ()), async {
        asked.notified().await;
        is_member.store(0, Ordering::SeqCst);
        hub.all().sockets_leave("team").await;
        go_on.notify_one();
        asked.notified().await;
        go_on.notify_one();
    });

    assert_eq!(exception.code(), "forbidden");
    assert_eq!(hub.rooms_in_use(), 0);
}

#[tokio::test]
async fn an_empty_list_of_targets_reaches_no_socket_and_an_oversized_event_ends_none() {
    let memory = Memory::serve(Gateway::at("/").on("ping", || async { 1 })).await;
    let hub = memory.server.doorward().hub::<Member>("/").unwrap();
    let mut alice = memory.connect("alice").await;

    assert_eq!(hub.to_each(Vec::<Target>::new()).emit("private", 1).unwrap().local, 0);
    assert_eq!(hub.to_each([alice.id()]).emit("one", 1).unwrap().local, 1);
    let history = "x".repeat(1024 * 1024);
    assert!(matches!(hub.emit("history", history), Err(EmitError::TooLarge)));

    assert_eq!(alice.expect_event::<u32>("one").await, 1);
    alice.expect_nothing().await;
    assert_eq!(alice.emit_with_ack::<u32>("ping", ()).await, 1);
}

#[tokio::test]
async fn a_socket_closed_by_a_room_policy_reads_the_reason_first() {
    let gateway = Gateway::at("/")
        .room("trap", |_| async { Verdict::DenyAndClose(Refusal::new("seen", "We saw that")) })
        .on("join", |me: Socket<Member>| async move { me.join("trap").await });
    let memory = Memory::serve(gateway).await;
    let mut eve = memory.connect("eve").await;

    assert_eq!(eve.expect_exception("join", ()).await.code(), "seen");

    let ended: Value = eve.expect_event("session_ended").await;
    assert_eq!(ended["code"], "forbidden");
    assert_eq!(eve.ended().await, TestEnd::Final);
}

#[tokio::test]
async fn a_client_cannot_be_asked_for_an_ack_before_it_is_admitted() {
    let answer = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&answer);
    let gateway = Gateway::at("/").on_connect(move |me: Socket<Member>| {
        let keep = Arc::clone(&keep);
        async move {
            *keep.lock().unwrap() = Some(me.emit_with_ack::<u32>("early?", ()).await);
        }
    });
    let memory = Memory::serve(gateway).await;

    memory.connect("alice").await.expect_nothing().await;

    assert!(matches!(answer.lock().unwrap().take(), Some(Err(AckError::NotYetIn))));
}

#[tokio::test]
async fn every_denied_join_has_one_audit_record() {
    let gateway = Gateway::at("/")
        .on("join", |me: Socket<Member>, Payload(room): Payload<String>| async move {
            me.join(&room).await
        });
    let memory = Memory::serve(gateway).await;
    let mut eve = memory.connect("eve").await;
    let denied = |audit: &AuditLog| {
        let decisions = audit.outcomes();
        decisions.iter().filter(|one| matches!(one, doorward::audit::Decision::Denied(_))).count()
    };

    for (count, room) in ["user:bob", "", "unlisted"].into_iter().enumerate() {
        eve.expect_exception("join", room).await;
        assert_eq!(denied(&memory.audit), count + 1, "{room}");
    }
}
