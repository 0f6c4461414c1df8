//! Rooms. Policies decide which clients may join, and events of a room reach only its members.

use std::sync::Arc;

use doorward::{
    audit::Decision,
    auth::RefusalReason,
    guard::{Action, guard_fn},
    prelude::*,
    test::TestEnd,
};
use serde_json::json;

use crate::{
    counts::Counts,
    memory::{Member, Memory, small},
};

/// Gateway whose clients choose the rooms that they join, leave and shout to.
fn gateway() -> Gateway<Member> {
    Gateway::at("/")
        .on("join", |me: Socket<Member>, Payload(room): Payload<String>| async move {
            me.join(&room).await
        })
        .on("leave", |me: Socket<Member>, Payload(room): Payload<String>| async move {
            me.leave(&room).await
        })
        .on("rooms", |me: Socket<Member>| async move {
            me.rooms().iter().map(ToString::to_string).collect::<Vec<_>>()
        })
        .on(
            "shout",
            |hub: Hub<Member>, Payload((room, text)): Payload<(String, String)>| async move {
                hub.to(room).emit("shouted", text).map(|sent| sent.local)
            },
        )
}

#[tokio::test]
async fn the_policy_of_a_pattern_decides_who_joins_a_room() {
    let gateway = gateway().room("team:{id}", |request: RoomRequest<Member>| async move {
        request.principal().has_role(request.param("id"))
    });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice red").await;

    alice.emit_with_ack::<()>("join", "team:red").await;
    let exception = alice.expect_exception("join", "team:blue").await;

    assert_eq!((exception.code(), exception.message()), ("forbidden", "Forbidden"));
    assert_eq!(alice.emit_with_ack::<Vec<String>>("rooms", ()).await, ["team:red"]);
    let decisions = memory.audit.outcomes();
    assert!(decisions.contains(&Decision::Joined));
    assert!(decisions.contains(&Decision::Denied(RefusalReason::RoomDenied)));
}

#[tokio::test]
async fn a_room_without_a_policy_is_closed() {
    let memory = Memory::serve(gateway().room("lobby", |_| async { true })).await;
    let mut alice = memory.connect("alice").await;

    assert_eq!(alice.expect_exception("join", "other").await.code(), "forbidden");
    alice.emit_with_ack::<()>("join", "lobby").await;
}

/// Attack 80: names that resemble an allowed room, and rooms of other users and sockets.
#[tokio::test]
async fn look_alike_names_open_no_room() {
    let gateway = gateway()
        .room("team:{id}", |request: RoomRequest<Member>| async move {
            request.parse::<u64>("id") == Some(1)
        })
        .room("café", |_| async { true });
    let memory = Memory::serve(gateway).await;
    let (mut alice, bob) = (memory.connect("alice").await, memory.connect("bob").await);

    alice.emit_with_ack::<()>("join", "team:1").await;
    let bobs = [bob.id().to_string(), "user:bob".into(), format!("socket:{}", bob.id())];
    let long = format!("team:{}", "1".repeat(255));
    let tricks = [
        "team:1\0",
        "team:01",
        "team:+1",
        "team: 1",
        "TEAM:1",
        "team:1:x",
        "team:1/x",
        "team:2",
        "team:\u{ff11}",
        "cafe\u{301}",
        "session:1",
        "",
        &long,
    ];
    for room in tricks.into_iter().chain(bobs.iter().map(|room| &**room)) {
        assert_eq!(alice.expect_exception("join", room).await.code(), "forbidden", "{room:?}");
    }
    assert_eq!(alice.emit_with_ack::<Vec<String>>("rooms", ()).await, ["team:1"]);
}

/// Attack 81. In Socket.IO each socket is in a room named by its id; here an id in the hands of a client
/// reaches no socket.
#[tokio::test]
async fn the_id_of_a_socket_is_not_a_room() {
    let memory = Memory::serve(gateway().room("r{x}", |_| async { true })).await;
    let (mut alice, mut bob) = (memory.connect("alice").await, memory.connect("bob").await);

    let reached: usize = alice.emit_with_ack("shout", (bob.id().to_string(), "psst")).await;
    assert_eq!(reached, 0);
    bob.expect_nothing().await;

    let hub = memory.server.doorward().hub::<Member>("/").unwrap();
    assert_eq!(hub.to(bob.id()).emit("psst", 1).unwrap().local, 1);
    assert_eq!(bob.expect_event::<u8>("psst").await, 1);
    alice.expect_nothing().await;
}

#[tokio::test]
async fn when_several_patterns_match_all_policies_must_allow() {
    let gateway = gateway()
        .room("team:{id}", |_| async { true })
        .room("team:admin", |request: RoomRequest<Member>| async move {
            request.principal().has_role("admin")
        });
    let memory = Memory::serve(gateway).await;

    let mut alice = memory.connect("alice").await;
    alice.emit_with_ack::<()>("join", "team:red").await;
    assert_eq!(alice.expect_exception("join", "team:admin").await.code(), "forbidden");
    memory.connect("root admin").await.emit_with_ack::<()>("join", "team:admin").await;
}

#[tokio::test]
async fn a_policy_that_panics_or_fails_denies_the_room() {
    let gateway = gateway()
        .room("panics", |request: RoomRequest<Member>| async move {
            assert!(request.room() == "another", "a policy that panics");
            true
        })
        .room("fails", |_| async { Err::<bool, _>("the store is away") })
        .room("refuses", |_| async { Verdict::Deny(Refusal::new("full", "The room is full")) })
        .room("closes", |_| async { Verdict::DenyAndClose(Refusal::forbidden()) });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice").await;

    assert_eq!(alice.expect_exception("join", "panics").await.code(), "forbidden");
    assert_eq!(alice.expect_exception("join", "fails").await.code(), "forbidden");
    let exception = alice.expect_exception("join", "refuses").await;
    assert_eq!((exception.code(), exception.message()), ("full", "The room is full"));
    alice.emit("join", "closes").await;
    assert_eq!(alice.ended().await, TestEnd::Final);
}

#[tokio::test]
async fn a_guard_may_deny_leaving_a_room() {
    let guard =
        guard_fn(|context: &GuardContext<'_, Member>| context.action != Action::Leave("detention"));
    let gateway = gateway().guard(guard).room("detention", |_| async { true });
    let memory = Memory::serve(gateway).await;
    let mut bart = memory.connect("bart").await;

    bart.emit_with_ack::<()>("join", "detention").await;
    assert_eq!(bart.expect_exception("leave", "detention").await.code(), "forbidden");
    bart.emit_with_ack::<()>("leave", "elsewhere").await;
    assert_eq!(bart.emit_with_ack::<Vec<String>>("rooms", ()).await, ["detention"]);
}

#[tokio::test]
async fn a_member_receives_events_of_a_room_from_joining_to_leaving() {
    let memory = Memory::serve(gateway().room("r{n}", |_| async { true })).await;
    let (mut alice, mut bob) = (memory.connect("alice").await, memory.connect("bob").await);
    let mut carol = memory.connect("carol").await;

    alice.emit_with_ack::<()>("join", "r1").await;
    alice.emit_with_ack::<()>("join", "r1").await;
    bob.emit_with_ack::<()>("join", "r1").await;
    assert_eq!(carol.emit_with_ack::<usize>("shout", ("r1", "one")).await, 2);
    bob.emit_with_ack::<()>("leave", "r1").await;
    assert_eq!(carol.emit_with_ack::<usize>("shout", ("r1", "two")).await, 1);

    assert_eq!(alice.expect_event::<String>("shouted").await, "one");
    assert_eq!(alice.expect_event::<String>("shouted").await, "two");
    assert_eq!(bob.expect_event::<String>("shouted").await, "one");
    bob.expect_nothing().await;
    carol.expect_nothing().await;
}

#[tokio::test]
async fn a_closed_socket_leaves_its_rooms_and_empty_rooms_are_removed() {
    let memory = Memory::serve(gateway().room("r{n}", |_| async { true })).await;
    let hub = memory.server.doorward().hub::<Member>("/").unwrap();
    let (mut alice, mut bob) = (memory.connect("alice").await, memory.connect("bob").await);
    alice.emit_with_ack::<()>("join", "r1").await;
    bob.emit_with_ack::<()>("join", "r1").await;
    bob.emit_with_ack::<()>("join", "r2").await;
    let connection = hub.local_socket(bob.id()).unwrap();

    drop(bob);
    connection.closed().await;

    assert_eq!(hub.rooms_in_use(), 1);
    assert_eq!(hub.to("r1").local_sockets().len(), 1);
    assert!(matches!(connection.join("r1").await, Err(JoinError::Ended)));
    assert_eq!(hub.to("r1").emit("left", 1).unwrap().local, 1);
    drop(alice);
}

#[tokio::test]
async fn the_rooms_of_a_socket_are_bounded() {
    let counts = Counts::default();
    let _counting = metrics::set_default_local_recorder(&counts);
    let gateway = gateway().room("r{n}", |_| async { true });
    let memory = Memory::with(|builder| builder.gateway(gateway).limits(small)).await;
    let mut alice = memory.connect("alice").await;

    for room in ["r1", "r2"] {
        alice.emit_with_ack::<()>("join", room).await;
    }
    assert_eq!(alice.expect_exception("join", "r3").await.code(), "too_many_rooms");
    assert_eq!(counts.of("doorward_limits_hit_total max_rooms"), 1);
    alice.emit_with_ack::<()>("leave", "r1").await;
    alice.emit_with_ack::<()>("join", "r3").await;
}

/// If the client received `forbidden`, a developer would look for the fault in the room policies,
/// where it is not.
#[tokio::test]
async fn a_connect_hook_that_joins_too_many_rooms_reads_too_many_rooms() {
    let gateway =
        gateway().room("r{n}", |_| async { true }).on_connect(|me: Socket<Member>| async move {
            for room in ["r1", "r2", "r3"] {
                me.join(room).await?;
            }
            Ok::<_, Refusal>(())
        });
    let memory = Memory::with(|builder| builder.gateway(gateway).limits(small)).await;

    let refused = memory.server.expect_refused("/", json!({ "token": "alice" })).await;

    assert_eq!((refused.code(), refused.retry()), ("too_many_rooms", Some("never")));
}

#[tokio::test]
async fn clients_of_public_namespaces_cannot_join_rooms() {
    let gateway = Gateway::at("/open")
        .room("lobby", |_| async { true })
        .on("join", |me: Socket<Anonymous>| async move { me.join("lobby").await });
    let memory = Memory::with(|builder| builder.public(gateway)).await;
    let mut anonymous = memory.server.connect("/open", ()).await;

    assert_eq!(anonymous.expect_exception("join", ()).await.code(), "forbidden");
}

/// Rooms joined in a connect hook are left when the hook refuses, and the client receives nothing that
/// was sent to them.
#[tokio::test]
async fn a_client_refused_by_its_connect_hook_leaves_its_rooms() {
    let gateway = Gateway::at("/").room("lobby", |_| async { true }).on_connect(
        |me: Socket<Member>| async move {
            me.join("lobby").await?;
            me.within("lobby").emit("secret", "of the lobby")?;
            if me.principal().has_role("banned") { Err(Refusal::forbidden()) } else { Ok(()) }
        },
    );
    let memory = Memory::serve(gateway).await;
    let hub = memory.server.doorward().hub::<Member>("/").unwrap();

    let refused = memory.server.expect_refused("/", json!({ "token": "eve banned" })).await;
    assert_eq!(refused.code(), "forbidden");
    assert_eq!(hub.rooms_in_use(), 0);

    let mut alice = memory.connect("alice").await;
    assert_eq!(alice.expect_event::<String>("secret").await, "of the lobby");
    let sockets = hub.to("lobby").local_sockets();
    assert_eq!(sockets[0].rooms(), [Arc::from("lobby")]);
}

/// Attack 81: emitting to a room without having joined it.
#[tokio::test]
async fn a_socket_emits_only_to_rooms_that_it_is_in() {
    let gateway = gateway().room("r{n}", |_| async { true }).on(
        "say",
        |me: Socket<Member>, Payload(room): Payload<String>| async move {
            me.to(room).emit("said", 1).map(|sent| sent.local)
        },
    );
    let memory = Memory::serve(gateway).await;
    let (mut alice, mut eve) = (memory.connect("alice").await, memory.connect("eve").await);
    alice.emit_with_ack::<()>("join", "r1").await;

    assert_eq!(eve.expect_exception("say", "r1").await.code(), "forbidden");
    alice.expect_nothing().await;
    eve.emit_with_ack::<()>("join", "r1").await;
    assert_eq!(eve.emit_with_ack::<usize>("say", "r1").await, 1);
}
