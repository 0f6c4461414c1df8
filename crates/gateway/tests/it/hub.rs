//! The hub: broadcasts and their targets, acks of clients, and events between servers.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use doorward::{
    Limits, Revoke, access::RevokeError, event::AckError, prelude::*, room::Target,
    server::BuildError, test::TestEnd,
};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    counts::Counts,
    memory::{Member, Memory, small},
};

fn gateway() -> Gateway<Member> {
    Gateway::at("/")
        .room("r{n}", |_| async { true })
        .on_connect(|me: Socket<Member>| async move {
            for room in ["r1", "r2"] {
                if HasRoles::has_role(&*me.principal(), room) {
                    me.join(room).await?;
                }
            }
            Ok(())
        })
        .on("ping", || async { 1 })
}

async fn serve() -> (Memory, Hub<Member>) {
    let memory = Memory::serve(gateway()).await;
    let hub = memory.server.doorward().hub("/").unwrap();
    (memory, hub)
}

#[tokio::test]
async fn a_broadcast_reaches_each_targeted_socket_once_and_no_other() {
    let (memory, hub) = serve().await;
    let mut alice = memory.connect("alice r1").await;
    let mut both = memory.connect("both r1 r2").await;
    let mut bob = memory.connect("bob r2").await;
    let mut carol = memory.connect("carol").await;
    let mut carol_too = memory.connect("carol").await;

    assert_eq!(hub.to("r1").to("r2").emit("rooms", 1).unwrap().local, 3);
    assert_eq!(hub.to("r1").to("r2").except("r2").emit("except", 1).unwrap().local, 1);
    assert_eq!(hub.to(Target::User("carol".into())).emit("user", 1).unwrap().local, 2);
    assert_eq!(hub.to(bob.id()).emit("socket", 1).unwrap().local, 1);
    assert_eq!(hub.except(bob.id()).except("r1").emit("rest", 1).unwrap().local, 2);
    assert_eq!(hub.to("r3").emit("empty", 1).unwrap().local, 0);
    assert_eq!(hub.all().emit("all", 1).unwrap().local, 5);

    // `all` was emitted last, so it marks the end of what each client receives.
    let mut names = Vec::new();
    for client in [&mut alice, &mut both, &mut bob, &mut carol, &mut carol_too] {
        let mut seen = Vec::new();
        while seen.last().is_none_or(|name| name != "all") {
            seen.push(client.next_event().await.name);
        }
        client.expect_nothing().await;
        names.push(seen.join(" "));
    }
    let expected =
        ["rooms except all", "rooms all", "rooms socket all", "user rest all", "user rest all"];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_socket_may_emit_to_others_or_include_itself() {
    let gateway = gateway().on("say", |me: Socket<Member>| async move {
        me.to("r1").emit("others", 1)?;
        me.within("r1").emit("room", 1)?;
        me.broadcast().emit("world", 1)?;
        me.emit("self", 1)
    });
    let memory = Memory::serve(gateway).await;
    let mut alice = memory.connect("alice r1").await;
    let (mut bob, mut carol) = (memory.connect("bob r1").await, memory.connect("carol").await);

    alice.emit_with_ack::<()>("say", ()).await;

    for (client, expected) in [
        (&mut alice, &["room", "self"][..]),
        (&mut bob, &["others", "room", "world"]),
        (&mut carol, &["world"]),
    ] {
        for name in expected {
            assert_eq!(client.next_event().await.name, *name);
        }
        client.expect_nothing().await;
    }
}

#[tokio::test]
async fn hooks_and_background_tasks_may_emit() {
    let (told, init) = (Arc::new(Notify::new()), Arc::new(Mutex::new(None)));
    let (tell, keep) = (Arc::clone(&told), Arc::clone(&init));
    let gateway = Gateway::at("/")
        .on_init(move |hub: Hub<Member>| {
            *keep.lock().unwrap() = Some(hub.clone());
            let tell = Arc::clone(&tell);
            tokio::spawn(async move {
                tell.notified().await;
                hub.emit("news", "from a task")
            });
            async { Ok(()) }
        })
        .on_disconnect(|me: Socket<Member>, _: DisconnectReason| async move {
            me.hub().emit("left", me.user().as_str()).unwrap();
        });
    let memory = Memory::serve(gateway).await;
    let (mut alice, bob) = (memory.connect("alice").await, memory.connect("bob").await);

    drop(bob);
    assert_eq!(alice.expect_event::<String>("left").await, "bob");
    told.notify_one();
    assert_eq!(alice.expect_event::<String>("news").await, "from a task");
    let hub = init.lock().unwrap().clone().unwrap();
    assert_eq!((hub.namespace(), hub.all().local_sockets().len()), ("/", 1));
}

#[tokio::test]
async fn a_hub_is_found_by_namespace_and_principal() {
    let (memory, _) = serve().await;
    let doorward = memory.server.doorward();

    assert!(doorward.hub::<Member>("/").is_ok());
    let why = doorward.hub::<Anonymous>("/").unwrap_err().to_string();
    assert_eq!(why, "the clients of / are of another type: they are `Member`");
    let why = doorward.hub::<Member>("/other").unwrap_err().to_string();
    assert_eq!(why, "no gateway is mounted at /other: there are /");
}

/// A service that gateways depend on exists before they do, and so before the server.
#[tokio::test]
async fn a_hub_is_given_out_before_the_server_is_built() {
    let taken = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&taken);
    let memory = Memory::with(|mut builder| {
        let (hub, principals) = (builder.hub("/news"), builder.principals());
        assert_eq!(hub.emit("early", 1).unwrap().local, 0);
        assert_eq!((hub.all().local_sockets().len(), hub.rooms_in_use()), (0, 0));
        let again = builder.hub("/news");
        *slot.lock().unwrap() = Some((hub, again, principals));
        builder.gateway(Gateway::at("/news"))
    })
    .await;
    let (hub, again, principals) = taken.lock().unwrap().take().unwrap();
    let mut alice = memory.server.connect("/news", json!({ "token": "alice" })).await;

    assert_eq!(hub.emit("first", 1).unwrap().local, 1);
    assert_eq!(again.to_user("alice").emit("second", 2).unwrap().local, 1);
    assert_eq!(alice.expect_event::<u32>("first").await, 1);
    assert_eq!(alice.expect_event::<u32>("second").await, 2);
    assert_eq!(principals.sockets_of(&"alice".into()).await.value.len(), 1);
    principals.revoke(Revoke::User("alice".into())).await.unwrap();
    assert_eq!(alice.ended().await, TestEnd::Final);
}

#[tokio::test]
async fn a_revocation_before_the_server_is_built_fails() {
    let builder = Doorward::builder();

    let revoked = builder.principals().revoke(Revoke::User("alice".into())).await;

    assert!(matches!(revoked, Err(RevokeError::Store(_))), "{revoked:?}");
}

#[test]
fn a_server_is_not_built_with_a_hub_that_has_no_gateway() {
    let mut builder = Doorward::builder().public(Gateway::at("/news"));
    let hub: Hub<Anonymous> = builder.public_hub("/new");

    let error = builder.build().unwrap_err();

    assert_eq!(error, BuildError::Hub { namespace: "/new".into() });
    assert_eq!(hub.namespace(), "/new");
}

/// Needs the user's id only, so routes and background tasks can emit to a user.
#[tokio::test]
async fn an_emit_to_a_user_id_reaches_every_socket_of_the_user() {
    let (memory, hub) = serve().await;
    let (mut first, mut second) = (memory.connect("alice").await, memory.connect("alice").await);
    let mut bob = memory.connect("bob").await;

    let told = tokio::spawn(async move { hub.to_user("alice").emit("shipped", 7) });

    assert_eq!(told.await.unwrap().unwrap().local, 2);
    assert_eq!(first.expect_event::<u8>("shipped").await, 7);
    assert_eq!(second.expect_event::<u8>("shipped").await, 7);
    bob.expect_nothing().await;
}

#[tokio::test]
async fn a_server_may_await_the_ack_of_a_client() {
    let (memory, hub) = serve().await;
    let mut alice = memory.connect("alice").await;
    let connection = hub.local_socket(alice.id()).unwrap();

    let (answer, ()) = tokio::join!(connection.emit_with_ack::<u32>("sum", (1, 2)), async {
        let event = alice.next_event().await;
        let (a, b): (u32, u32) = event.arguments.decode().unwrap();
        alice.answer(&event, a + b).await;
    });

    assert_eq!(answer.unwrap(), 3);
}

#[tokio::test]
async fn a_handler_may_await_an_ack_while_events_of_its_client_wait() {
    let gateway = gateway().on("order", |me: Socket<Member>| async move {
        me.emit_with_ack::<bool>("sure?", ()).await
    });
    let memory = Memory::with(|builder| builder.gateway(gateway).limits(small)).await;
    let mut alice = memory.connect("alice").await;

    alice.emit("order", ()).await;
    // More than the inbox holds: if the server stopped reading, the ack could never arrive.
    for _ in 0..6 {
        alice.emit("ping", ()).await;
    }
    let question = alice.next_event().await;
    assert_eq!(question.name, "sure?");
    alice.answer(&question, true).await;

    assert_eq!(alice.emit_with_ack::<u32>("ping", ()).await, 1);
}

#[tokio::test]
async fn a_client_that_floods_instead_of_acknowledging_is_overloaded() {
    let gateway = gateway().on("order", |me: Socket<Member>| async move {
        me.emit_with_ack::<bool>("sure?", ()).await
    });
    let memory = Memory::with(|builder| builder.gateway(gateway).limits(small)).await;
    let mut alice = memory.connect("alice").await;

    alice.emit("order", ()).await;
    assert_eq!(alice.next_event().await.name, "sure?");
    for _ in 0..20 {
        alice.emit("ping", ()).await;
    }

    assert_eq!(alice.ended().await, TestEnd::Passing);
    let ended: Value = alice.expect_event("session_ended").await;
    assert_eq!((&ended["code"], &ended["retry"]), (&json!("overloaded"), &json!("later")));
}

#[tokio::test]
async fn a_missing_ack_times_out_and_late_ones_are_ignored() {
    let counts = Counts::default();
    let _counting = metrics::set_default_local_recorder(&counts);
    let (memory, hub) = serve().await;
    let mut alice = memory.connect("alice").await;
    let connection = hub.local_socket(alice.id()).unwrap();

    let (answer, question) = tokio::join!(connection.emit_with_ack::<u32>("sum", 1), async {
        let question = alice.next_event().await;
        memory.clock.advance(Limits::default().ack_timeout);
        question
    });
    assert!(matches!(answer, Err(AckError::Timeout)));
    assert_eq!(counts.of("doorward_limits_hit_total ack_timeout"), 1);

    // Attack 40: acks that are late, repeated, or have ids that were never sent.
    for _ in 0..2 {
        alice.answer(&question, 1).await;
    }
    let mut forged = question.clone();
    for id in [0, 1, 99, u64::MAX] {
        forged.ack = Some(id);
        alice.answer(&forged, 1).await;
    }
    assert_eq!(alice.emit_with_ack::<u32>("ping", ()).await, 1);
}

/// Attack 40: another socket must not answer with an ack id that it has guessed.
#[tokio::test]
async fn an_ack_counts_only_from_the_socket_that_was_asked() {
    let (memory, hub) = serve().await;
    let (mut alice, mut eve) = (memory.connect("alice").await, memory.connect("eve").await);
    let connection = hub.local_socket(alice.id()).unwrap();

    let (answer, ()) = tokio::join!(connection.emit_with_ack::<String>("who?", ()), async {
        let question = alice.next_event().await;
        eve.answer(&question, "eve").await;
        assert_eq!(eve.emit_with_ack::<u32>("ping", ()).await, 1);
        alice.answer(&question, "alice").await;
    });

    assert_eq!(answer.unwrap(), "alice");
}

#[tokio::test]
async fn open_acks_end_with_the_socket_and_are_bounded() {
    let counts = Counts::default();
    let _counting = metrics::set_default_local_recorder(&counts);
    let memory = Memory::with(|builder| builder.gateway(gateway()).limits(small)).await;
    let hub = memory.server.doorward().hub::<Member>("/").unwrap();
    let alice = memory.connect("alice").await;
    let connection = hub.local_socket(alice.id()).unwrap();
    let ask = || connection.emit_with_ack::<u32>("who?", ());

    let (first, second, third, ()) = tokio::join!(ask(), ask(), ask(), async {
        drop(alice);
    });

    assert!(matches!(first, Err(AckError::Ended)));
    assert!(matches!(second, Err(AckError::Ended)));
    assert!(matches!(third, Err(AckError::TooMany)));
    assert_eq!(counts.of("doorward_limits_hit_total open_acks"), 1);
    assert!(matches!(ask().await, Err(AckError::Ended)));
}

/// A timeout that the clock cannot represent is a wait without an end.
#[tokio::test]
async fn a_broadcast_may_wait_for_acks_as_long_as_they_take() {
    let (memory, hub) = serve().await;
    let mut alice = memory.connect("alice").await;
    let all = hub.all().timeout(Duration::MAX);

    let (answers, ()) = tokio::join!(all.emit_with_ack::<u32>("vote", "now"), async {
        let question = alice.next_event().await;
        memory.clock.advance(Duration::from_secs(24 * 60 * 60));
        tokio::task::yield_now().await;
        alice.answer(&question, 7).await;
    });

    assert_eq!(answers.unwrap().given, [(alice.id(), 7)]);
}

#[tokio::test]
async fn a_broadcast_with_acks_names_the_sockets_that_did_not_answer() {
    let counts = Counts::default();
    let _counting = metrics::set_default_local_recorder(&counts);
    let (memory, hub) = serve().await;
    let (mut good, mut wrong) = (memory.connect("good").await, memory.connect("wrong").await);
    let (silent, gone) = (memory.connect("silent").await, memory.connect("gone").await);
    let ids = [good.id(), wrong.id(), silent.id(), gone.id()];
    let all = hub.all().timeout(Duration::from_secs(3));

    let (answers, ()) = tokio::join!(all.emit_with_ack::<u32>("vote", "now"), async {
        let question = good.next_event().await;
        assert_eq!(question.arguments.json(), r#"["now"]"#);
        good.answer(&question, 7).await;
        let question = wrong.next_event().await;
        wrong.answer(&question, "seven").await;
        let connection = hub.local_socket(ids[3]).unwrap();
        drop(gone);
        connection.closed().await;
        // Both acks have been processed when a later event is answered.
        good.emit_with_ack::<u32>("ping", ()).await;
        wrong.emit_with_ack::<u32>("ping", ()).await;
        memory.clock.advance(Duration::from_secs(3));
    });

    let answers = answers.unwrap();
    assert_eq!(answers.given, [(ids[0], 7)]);
    let why = |id| answers.missing.iter().find(|(socket, _)| *socket == id).map(|(_, why)| why);
    assert!(matches!(why(ids[1]), Some(AckError::Answer(_))));
    assert!(matches!(why(ids[2]), Some(AckError::Timeout)));
    assert!(matches!(why(ids[3]), Some(AckError::Ended)));
    assert_eq!(answers.missing.len(), 3);
    assert_eq!(counts.of("doorward_limits_hit_total ack_timeout"), 1);
    drop(silent);
}

#[derive(Default)]
struct Score(std::sync::atomic::AtomicU32);

#[tokio::test]
async fn sockets_are_found_with_their_typed_data() {
    let (memory, hub) = serve().await;
    let (alice, _bob) = (memory.connect("alice r1").await, memory.connect("bob").await);

    hub.local_socket(alice.id())
        .unwrap()
        .data::<Score>()
        .0
        .store(7, std::sync::atomic::Ordering::SeqCst);

    let found = hub.to("r1").local_sockets();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].id(), &*found[0].principal().name), (alice.id(), "alice"));
    let score = found[0].data::<Score>().0.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(score, 7);
}

#[tokio::test]
async fn sockets_of_a_room_are_moved_and_ended_together() {
    let (memory, hub) = serve().await;
    let (mut alice, mut bob) = (memory.connect("alice r1").await, memory.connect("bob r1").await);
    let mut carol = memory.connect("carol").await;

    // `sockets_join` returns the sockets that could not join.
    assert!(hub.to("r1").sockets_join("r2").await.value.is_empty());
    let denied = hub.to("r1").sockets_join("unlisted").await.value;
    assert_eq!(denied.len(), 2);
    assert!(matches!(denied[0].1, JoinError::NoPolicy));
    assert_eq!(hub.to_each([bob.id(), carol.id()]).sockets_leave("r1").await.value, 1);
    assert_eq!(hub.to("r1").local_sockets().len(), 1);
    assert_eq!(hub.to("r2").local_sockets().len(), 2);
    let infos = hub.to("r2").fetch_sockets().await;
    let users: HashSet<_> = infos.value.iter().map(|info| info.user.as_str()).collect();
    assert_eq!((users, infos.missing.len()), (HashSet::from(["alice", "bob"]), 0));
    assert_eq!(hub.to("r2").disconnect_sockets().await.value, 2);

    assert_eq!(alice.ended().await, TestEnd::Final);
    assert_eq!(bob.ended().await, TestEnd::Final);
    assert_eq!(carol.emit_with_ack::<u32>("ping", ()).await, 1);
    assert_eq!(hub.rooms_in_use(), 0);
}

#[tokio::test]
async fn on_any_listeners_see_each_incoming_and_outgoing_event_once() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (incoming, outgoing) = (Arc::clone(&heard), Arc::clone(&heard));
    let gateway = gateway()
        .on_any(move |context| {
            incoming.lock().unwrap().push(format!("in {}", context.data()));
        })
        .on_any_outgoing(move |sent| {
            let arguments = sent.arguments.json();
            outgoing.lock().unwrap().push(format!("out {} {arguments}", sent.event));
        });
    let memory = Memory::serve(gateway).await;
    let hub = memory.server.doorward().hub::<Member>("/").unwrap();
    let (mut alice, _bob) = (memory.connect("alice").await, memory.connect("bob").await);

    alice.emit_with_ack::<u32>("ping", "x").await;
    alice.expect_exception("unknown", ()).await;
    hub.emit("news", 1).unwrap();
    hub.local_socket(alice.id()).unwrap().emit("own", (1, 2)).unwrap();

    let expected = [r#"in ["ping","x"]"#, r#"in ["unknown"]"#, "out news [1]", "out own [1,2]"];
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_server_side_event_reaches_the_handlers_of_its_own_server() {
    let told = Arc::new(Notify::new());
    let tell = Arc::clone(&told);
    let gateway = gateway().on_server_event("reload", move |hub: Hub<Member>, version: u32| {
        let tell = Arc::clone(&tell);
        async move {
            hub.emit("reloaded", version).unwrap();
            tell.notify_one();
        }
    });
    let memory = Memory::serve(gateway).await;
    let hub = memory.server.doorward().hub::<Member>("/").unwrap();
    let mut alice = memory.connect("alice").await;

    // The payload of the first does not fit the handler, and the second has no handler.
    hub.server_side_emit("reload", "no number").await.unwrap();
    hub.server_side_emit("unhandled", 1).await.unwrap();
    hub.server_side_emit("reload", 7).await.unwrap();

    told.notified().await;
    assert_eq!(alice.expect_event::<u32>("reloaded").await, 7);
    alice.expect_nothing().await;
}

#[tokio::test]
async fn volatile_events_are_dropped_for_a_client_that_does_not_read() {
    let (memory, hub) = serve().await;
    let (mut alice, mut bob) = (memory.connect("alice r1").await, memory.connect("bob r1").await);
    let filler = "x".repeat(1000);

    // More than the pipe holds: alice's link writes what it can and queues the rest.
    for _ in 0..200 {
        hub.to(alice.id()).emit("filler", &filler).unwrap();
    }
    bob.emit_with_ack::<u32>("ping", ()).await;
    assert_eq!(hub.to("r1").volatile().emit("tick", 1).unwrap().local, 1);
    for _ in 0..200 {
        assert_eq!(alice.next_event().await.name, "filler");
    }
    alice.expect_nothing().await;
    assert_eq!(hub.to("r1").volatile().emit("tick", 2).unwrap().local, 2);

    assert_eq!(alice.expect_event::<u32>("tick").await, 2);
    assert_eq!(bob.expect_event::<u32>("tick").await, 1);
    assert_eq!(bob.expect_event::<u32>("tick").await, 2);
}

#[tokio::test]
async fn reserved_event_names_cannot_be_broadcast() {
    let (memory, hub) = serve().await;
    let mut alice = memory.connect("alice").await;

    for event in ["disconnect", "connect", "session_ended", "exception", "removeListener"] {
        assert!(matches!(hub.emit(event, 1), Err(EmitError::Reserved)), "{event}");
    }
    alice.expect_nothing().await;
}

/// Payload that counts its serializations.
struct Written<'a>(&'a std::cell::Cell<usize>);

impl serde::Serialize for Written<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.set(self.0.get() + 1);
        serializer.serialize_str("news")
    }
}

#[tokio::test]
async fn a_broadcast_is_serialized_once_for_all_receivers() {
    let (memory, hub) = serve().await;
    let mut clients = Vec::new();
    for name in ["alice", "bob", "carol"] {
        clients.push(memory.connect(name).await);
    }
    let count = std::cell::Cell::new(0);

    assert_eq!(hub.emit("news", Written(&count)).unwrap().local, 3);

    assert_eq!(count.get(), 1);
    for client in &mut clients {
        assert_eq!(client.expect_event::<String>("news").await, "news");
    }
}
