//! The bridge to servers that are no nodes: what is sent there, and what comes in.

use std::{
    mem,
    sync::{Arc, Mutex},
    time::Duration,
};

use doorward::{
    Limits, SocketId, UserId,
    cluster::bridge::{
        Answer, Bounds, Bridge, Broadcast, Heard, Question, Received, Request, Unread,
    },
    prelude::*,
    room::Target,
    store::{StoreError, StoreFuture},
    test::TestClient,
};
use doorward_core::bus::{Channel, Message};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    cluster::{Nodes, turns},
    counts::Counts,
    lasting::{Lasting, Member},
};

/// Bridge in the memory of a test, which plays the other servers.
#[derive(Clone, Default)]
struct Beyond(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    is_cut: bool,
    opened: Vec<(Vec<Arc<str>>, Bounds)>,
    /// What this node was sent.
    coming: Received,
    written: Vec<Broadcast>,
    answers: Vec<(Request, Answer)>,
    published: usize,
}

impl Beyond {
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.state.lock().unwrap())
    }

    fn check(&self) -> Result<(), StoreError> {
        let is_cut = self.change(|state| state.is_cut);
        if is_cut { Err(StoreError::Unavailable("the bridge is cut".into())) } else { Ok(()) }
    }

    fn set_cut(&self, is_cut: bool) {
        self.change(|state| state.is_cut = is_cut);
        self.0.changed.notify_one();
    }

    async fn send(&self, message: Heard) {
        self.change(|state| state.coming.messages.push(message));
        self.0.changed.notify_one();
        turns().await;
    }

    /// Returns what was sent to the other servers since the last call.
    async fn written(&self) -> Vec<Broadcast> {
        turns().await;
        self.change(|state| {
            assert_eq!(state.published, state.written.len() + state.answers.len());
            mem::take(&mut state.published);
            mem::take(&mut state.written)
        })
    }

    async fn ask(&self, question: Question) -> Answer {
        let request = Request { namespace: "/".into(), id: "r1".into(), question };
        self.send(Heard::Request(request.clone())).await;
        let (asked, answer) = self.change(|state| state.answers.pop()).unwrap();
        self.change(|state| state.published = 0);
        assert_eq!(asked, request);
        answer
    }
}

impl Bridge for Beyond {
    fn open<'a>(&'a self, namespaces: &'a [Arc<str>], bounds: Bounds) -> StoreFuture<'a, ()> {
        self.change(|state| {
            let mut names = namespaces.to_vec();
            names.sort();
            state.opened.push((names, bounds));
        });
        Box::pin(std::future::ready(self.check()))
    }

    fn broadcast(&self, broadcast: &Broadcast) -> Option<Message> {
        self.change(|state| state.written.push(broadcast.clone()));
        Some(Message { channel: Channel::new("events"), bytes: "event".into() })
    }

    fn answer(&self, request: &Request, answer: &Answer) -> Message {
        self.change(|state| state.answers.push((request.clone(), answer.clone())));
        Message { channel: Channel::new("answers"), bytes: "answer".into() }
    }

    fn publish<'a>(&'a self, messages: &'a [Message]) -> StoreFuture<'a, ()> {
        let done = self.check();
        self.change(|state| state.published += messages.len());
        Box::pin(std::future::ready(done))
    }

    fn receive(&self) -> StoreFuture<'_, Received> {
        Box::pin(async move {
            loop {
                self.check()?;
                let received = self.change(|state| mem::take(&mut state.coming));
                if received != Received::default() {
                    return Ok(received);
                }
                self.0.changed.notified().await;
            }
        })
    }
}

fn gateway() -> Gateway<Member> {
    Gateway::at("/")
        .room("r{id}", |_| async { true })
        .on("join", |me: Socket<Member>, Payload(room): Payload<String>| async move {
            me.join(&room).await
        })
        .on("say", |me: Socket<Member>, Payload(text): Payload<String>| async move {
            me.to("r1").emit("told", text)
        })
}

struct Bridged {
    beyond: Beyond,
    lasting: Lasting,
    hub: Hub<Member>,
}

async fn serve() -> Bridged {
    let beyond = Beyond::default();
    let own = beyond.clone();
    let lasting = Lasting::with(|builder| {
        builder.gateway(gateway()).gateway(Gateway::at("/org/{org}")).bridge(own)
    });
    let lasting = lasting.await;
    let hub = lasting.server.doorward().hub("/").unwrap();
    Bridged { beyond, lasting, hub }
}

impl Bridged {
    async fn member(&self, user: &str, room: &str) -> TestClient {
        let mut client = self.lasting.connect(json!({ "user": user })).await;
        client.emit_with_ack::<()>("join", room).await;
        client
    }
}

fn event(rooms: &[&str], except: &[&str], data: &str) -> Broadcast {
    let names = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
    Broadcast {
        namespace: "/".into(),
        data: data.into(),
        attachments: Vec::new(),
        rooms: names(rooms),
        except: names(except),
        is_volatile: false,
    }
}

#[tokio::test]
async fn events_for_the_namespace_and_for_rooms_are_sent_to_other_servers() {
    let Bridged { beyond, hub, lasting } = serve().await;
    let mut alice = lasting.connect(json!({ "user": "alice" })).await;
    alice.emit_with_ack::<()>("join", "r1").await;
    let picture = Binary(b"\xff".as_slice().into());

    hub.emit("told", ()).unwrap();
    hub.to("r1").emit("a\"b", (1, picture.clone())).unwrap();
    hub.to("r1").to("r2").to(UserId::new("bob")).emit("told", "several").unwrap();
    hub.except("r2").except(alice.id()).volatile().emit("told", "rest").unwrap();
    alice.ask("say", "hello").await;

    let sent = beyond.written().await;
    let draw = Broadcast {
        attachments: vec![picture.0],
        ..event(&["r1"], &[], r#"["a\"b",1,{"_placeholder":true,"num":0}]"#)
    };
    let rest = Broadcast { is_volatile: true, ..event(&[], &["r2"], r#"["told","rest"]"#) };
    let expected = [
        event(&[], &[], r#"["told"]"#),
        draw,
        event(&["r1", "r2"], &[], r#"["told","several"]"#),
        rest,
        event(&["r1"], &[], r#"["told","hello"]"#),
    ];
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn events_for_users_sockets_or_this_node_are_not_sent() {
    let Bridged { beyond, hub, lasting } = serve().await;
    let alice = lasting.connect(json!({ "user": "alice" })).await;

    hub.to_user("alice").emit("told", 1).unwrap();
    hub.to(alice.id()).to(UserId::new("bob")).emit("told", 1).unwrap();
    hub.all().local().emit("told", 1).unwrap();
    hub.to_each(Vec::<Target>::new()).emit("told", 1).unwrap();
    hub.local_socket(alice.id()).unwrap().emit("told", 1).unwrap();
    let nothing = Duration::ZERO;
    let asked = hub.to("r9").timeout(nothing).emit_with_ack::<Value>("told", 1).await;
    assert!(asked.is_ok_and(|acks| acks.given.is_empty()));
    hub.emit("session_ended", 1).unwrap_err();

    assert_eq!(beyond.written().await, []);
}

#[tokio::test]
async fn only_the_node_that_emits_sends_an_event_over_the_bridge() {
    let bridges = [Beyond::default(), Beyond::default()];
    let number = std::cell::Cell::new(0);
    let nodes = Nodes::serve(2, |builder| {
        let own = bridges[number.replace(number.get() + 1)].clone();
        builder.gateway(gateway()).bridge(own)
    });
    let nodes = nodes.await;
    let mut bob = nodes.connect(1, "bob").await;
    let hub = nodes.server(0).server.doorward().hub::<Member>("/").unwrap();

    hub.emit("told", "all").unwrap();

    turns().await;
    assert_eq!(bob.expect_event::<String>("told").await, "all");
    assert_eq!(bridges[0].written().await.len(), 1);
    assert_eq!(bridges[1].written().await, []);
    // An event of another server reaches the sockets of the node that has heard it, and goes nowhere else.
    bridges[0].send(Heard::Broadcast(event(&[], &[], r#"["told","in"]"#))).await;
    bob.expect_nothing().await;
    assert_eq!(bridges[0].written().await, []);
}

#[tokio::test]
async fn events_of_other_servers_reach_the_sockets_of_their_rooms_once() {
    let bridged = serve().await;
    let mut alice = bridged.member("alice", "r1").await;
    let mut bob = bridged.member("bob", "r2").await;
    let beyond = &bridged.beyond;
    let of_alice = alice.id().encode();
    for (rooms, except, text) in [
        (&[][..], &[][..], "all"),
        (&["r1"], &[], "room"),
        (&["r1", "r2"], &[], "several"),
        (&["r1", "r2"], &["r1", "user:x"], "but r1"),
        (&[], &["r2"], "but r2"),
        // Names of rooms that no socket can join select none, and never the whole namespace.
        (&["user:alice"], &[], "user"),
        (&[&*of_alice], &[], "socket"),
        (&["alice"], &[], "name of a user"),
        (&["", "r\u{0}1"], &[], "no names"),
        (&["qD5cLmIuVhYBFpL5AAAB"], &[], "socket there"),
    ] {
        let data = json!(["told", text]).to_string();
        beyond.send(Heard::Broadcast(event(rooms, except, &data))).await;
    }
    let bytes = Broadcast {
        attachments: vec![b"x".as_slice().into()],
        ..event(&["r1"], &[], r#"["told",1,{"_placeholder":true,"num":0}]"#)
    };
    beyond.send(Heard::Broadcast(bytes)).await;

    for text in ["all", "room", "several", "but r2"] {
        assert_eq!(alice.expect_event::<String>("told").await, text);
    }
    let (number, bytes): (u8, Binary) = alice.expect_event("told").await;
    assert_eq!((number, &bytes.0[..]), (1, &b"x"[..]));
    for text in ["all", "several", "but r1"] {
        assert_eq!(bob.expect_event::<String>("told").await, text);
    }
    alice.expect_nothing().await;
    bob.expect_nothing().await;
    assert_eq!(beyond.written().await, [], "they are not sent back");
}

#[tokio::test]
async fn hostile_events_are_counted_and_reach_no_socket() {
    let counts = Counts::default();
    let _guard = metrics::set_default_local_recorder(&counts);
    let beyond = Beyond::default();
    let own = beyond.clone();
    let lasting = Lasting::with(|builder| {
        builder.gateway(gateway()).bridge(own).limits(|limits| {
            limits.max_depth = 8;
            limits.outbox = 32 * 1024;
        })
    });
    let lasting = lasting.await;
    let mut alice = lasting.connect(json!({ "user": "alice" })).await;
    let deep = format!(r#"["told",{}{}]"#, "[".repeat(8), "]".repeat(8));
    let large = format!(r#"["told","{}"]"#, "x".repeat(16 * 1024));
    let long = format!(r#"["{}"]"#, "e".repeat(129));
    let reserved = [
        "session_ended",
        "exception",
        "auth:expiring",
        "auth:refresh",
        "auth:other",
        "connect",
        "disconnect",
        "newListener",
    ];
    let malformed =
        ["", "{}", "[]", "[null]", r#"["told""#, r#"["told"]]"#, r#"[""]"#, &deep, &long];

    for name in reserved {
        beyond.send(Heard::Broadcast(event(&[], &[], &format!(r#"["{name}",1]"#)))).await;
    }
    for data in malformed {
        beyond.send(Heard::Broadcast(event(&[], &[], data))).await;
    }
    beyond.send(Heard::Broadcast(event(&[], &[], &large))).await;
    let elsewhere = Broadcast { namespace: "/org".into(), ..event(&[], &[], r#"["told"]"#) };
    beyond.send(Heard::Broadcast(elsewhere)).await;
    // A placeholder beyond the attachments would close the connections of stock clients.
    let forged = Broadcast {
        attachments: vec![b"x".as_slice().into()],
        ..event(&[], &[], r#"["told",{"_placeholder":true,"num":1}]"#)
    };
    beyond.send(Heard::Broadcast(forged)).await;
    for reason in [Unread::Malformed, Unread::Namespace, Unread::Refused, Unread::TooLarge] {
        beyond.send(Heard::Unread(reason)).await;
    }
    beyond.change(|state| state.coming.dropped = 7);
    beyond.send(Heard::Broadcast(event(&[], &[], r#"["told","last"]"#))).await;

    assert_eq!(alice.expect_event::<String>("told").await, "last");
    alice.expect_nothing().await;
    let dropped = |reason| counts.of(&format!("doorward_bridge_dropped_total {reason}"));
    assert_eq!(dropped("reserved"), reserved.len() as u64);
    assert_eq!(dropped("malformed"), malformed.len() as u64 + 2);
    assert_eq!(["too_large", "namespace", "refused", "slow"].map(dropped), [2, 2, 1, 7]);
}

#[tokio::test]
async fn requests_are_answered_with_sockets_and_rooms_of_this_node() {
    let bridged = serve().await;
    let alice = bridged.member("alice", "r1").await;
    let bob = bridged.member("bob", "r2").await;
    let beyond = &bridged.beyond;
    let sockets = |rooms: &[&str], except: &[&str]| {
        let names = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
        Question::Sockets { rooms: names(rooms), except: names(except) }
    };
    let sorted = |answer| match answer {
        Answer::Sockets(mut sockets) => {
            sockets.sort_by_key(|(id, _)| id.encode());
            sockets
        }
        answer => panic!("it is {answer:?}"),
    };
    let one = |client: &TestClient, room: &str| (client.id(), vec![Arc::<str>::from(room)]);
    let mut both = vec![one(&alice, "r1"), one(&bob, "r2")];
    both.sort_by_key(|(id, _)| id.encode());

    assert_eq!(sorted(beyond.ask(sockets(&[], &[])).await), both);
    assert_eq!(sorted(beyond.ask(sockets(&["r1"], &[])).await), [one(&alice, "r1")]);
    assert_eq!(sorted(beyond.ask(sockets(&[], &["r1"])).await), [one(&bob, "r2")]);
    assert_eq!(sorted(beyond.ask(sockets(&["user:alice"], &[])).await), []);
    let ids = beyond.ask(Question::SocketIds { rooms: vec!["r2".into()] }).await;
    assert_eq!(sorted(ids).into_iter().map(|(id, _)| id).collect::<Vec<SocketId>>(), [bob.id()]);
    let Answer::Rooms(mut rooms) = beyond.ask(Question::Rooms).await else { panic!() };
    rooms.sort();
    assert_eq!(rooms, ["r1".into(), "r2".into()]);
    assert_eq!(beyond.ask(Question::Acks).await, Answer::Nothing);
    assert_eq!(beyond.ask(Question::ServerEvent).await, Answer::Nothing);
}

#[tokio::test]
async fn the_bridge_is_opened_again_and_events_of_the_meantime_are_counted() {
    let counts = Counts::default();
    let _guard = metrics::set_default_local_recorder(&counts);
    let Bridged { beyond, hub, lasting } = serve().await;
    let mut alice = lasting.connect(json!({ "user": "alice" })).await;
    let (names, bounds) = beyond.change(|state| state.opened[0].clone());
    // Namespaces of patterns have no bridge.
    assert_eq!(names, [Arc::<str>::from("/")]);
    let limits = Limits::default();
    let expected = Bounds { bytes: limits.outbox / 2, attachments: limits.max_attachments };
    assert_eq!(bounds, expected);

    // The first event is being published when the connection ends, and the second one comes afterwards.
    beyond.set_cut(true);
    for _ in 0..2 {
        assert_eq!(hub.emit("told", "lost").unwrap().local, 1);
        turns().await;
    }
    assert_eq!(counts.of("doorward_bridge_dropped_total away"), 2);
    assert_eq!(counts.of("doorward_unanswered_total bridge"), 1);
    beyond.change(|state| *state = State { is_cut: true, ..State::default() });
    beyond.set_cut(false);
    lasting.clock.advance(Duration::from_millis(500));
    turns().await;

    hub.emit("told", "kept").unwrap();
    assert_eq!(beyond.written().await, [event(&[], &[], r#"["told","kept"]"#)]);
    beyond.send(Heard::Broadcast(event(&[], &[], r#"["told","in"]"#))).await;
    for text in ["lost", "lost", "kept", "in"] {
        assert_eq!(alice.expect_event::<String>("told").await, text);
    }
    assert_eq!(beyond.change(|state| state.opened.len()), 1);
}

#[tokio::test]
async fn a_server_starts_although_the_bridge_is_away() {
    let beyond = Beyond::default();
    beyond.set_cut(true);
    let own = beyond.clone();
    let lasting = Lasting::with(|builder| builder.gateway(gateway()).bridge(own)).await;
    let mut alice = lasting.connect(json!({ "user": "alice" })).await;

    beyond.set_cut(false);
    lasting.clock.advance(Duration::from_millis(500));
    turns().await;

    beyond.send(Heard::Broadcast(event(&[], &[], r#"["told","in"]"#))).await;
    assert_eq!(alice.expect_event::<String>("told").await, "in");
}

#[tokio::test]
async fn namespaces_of_patterns_are_not_sent_over_the_bridge() {
    let Bridged { beyond, lasting, .. } = serve().await;
    let mut alice = lasting.server.connect("/org/7", json!({ "user": "alice" })).await;
    let hub = lasting.server.doorward().hub::<Member>("/org/7").unwrap();

    assert_eq!(hub.emit("told", 1).unwrap().local, 1);

    assert_eq!(alice.expect_event::<u8>("told").await, 1);
    assert_eq!(beyond.written().await, []);
}
