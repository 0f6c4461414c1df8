//! Events and questions between the nodes of a cluster.

use std::time::Duration;

use doorward::{
    SocketId,
    access::Gathered,
    event::AckError,
    prelude::*,
    room::{Acks, JoinError as NotJoined, Target},
    test::TestClient,
};
use doorward_core::cluster::Cluster as _;
use doorward_testkit::Log;
use serde_json::{Value, json};

use crate::{
    cluster::{Nodes, names, turns},
    fixture::while_time_passes,
    lasting::Member,
};

fn gateway() -> Gateway<Member> {
    Gateway::at("/")
        .room("r{id}", |_| async { true })
        .room("closed", |_| async { false })
        .on("join", |me: Socket<Member>, Payload(room): Payload<String>| async move {
            me.join(&room).await
        })
        .on("leave", |me: Socket<Member>, Payload(room): Payload<String>| async move {
            me.leave(&room).await
        })
}

async fn start(count: usize) -> Nodes {
    Nodes::serve(count, |builder| builder.gateway(gateway())).await
}

fn hub(nodes: &Nodes, number: usize) -> Hub<Member> {
    nodes.server(number).server.doorward().hub("/").unwrap()
}

async fn join(client: &mut TestClient, room: &str) {
    client.emit_with_ack::<()>("join", room).await;
}

async fn reads(client: &mut TestClient, text: &str) {
    assert_eq!(client.expect_event::<String>("told").await, text);
}

#[tokio::test]
async fn an_event_reaches_the_selected_sockets_of_all_nodes_once() {
    let nodes = start(2).await;
    let mut here = nodes.connect(0, "alice").await;
    let mut alice = nodes.connect(1, "alice").await;
    let mut bob = nodes.connect(1, "bob").await;
    for client in [&mut here, &mut alice] {
        join(client, "r1").await;
        join(client, "r2").await;
    }
    join(&mut bob, "r2").await;
    let hub = hub(&nodes, 0);

    hub.emit("told", "all").unwrap();
    hub.to("r1").emit("told", "room").unwrap();
    hub.to("r1").to("r2").to(bob.id()).to(UserId::new("alice")).emit("told", "several").unwrap();
    hub.to_user("bob").emit("told", "user").unwrap();
    hub.to(bob.id()).emit("told", "socket").unwrap();
    hub.to("r2").except("r1").emit("told", "but r1").unwrap();
    hub.except(here.id()).emit("told", "but one").unwrap();
    hub.to_each(Vec::<Target>::new()).emit("told", "none").unwrap();
    hub.all().local().emit("told", "local").unwrap();
    hub.to("r1").volatile().emit("told", (1, Binary(b"x".as_slice().into()))).unwrap();
    turns().await;

    for text in ["all", "room", "several"] {
        reads(&mut here, text).await;
        reads(&mut alice, text).await;
    }
    for text in ["all", "several", "user", "socket", "but r1", "but one"] {
        reads(&mut bob, text).await;
    }
    reads(&mut here, "local").await;
    reads(&mut alice, "but one").await;
    for client in [&mut here, &mut alice] {
        let (number, bytes): (u8, Binary) = client.expect_event("told").await;
        assert_eq!((number, &bytes.0[..]), (1, &b"x"[..]));
        client.expect_nothing().await;
    }
    bob.expect_nothing().await;
}

#[tokio::test]
async fn a_socket_emits_to_its_room_on_all_nodes_but_not_to_itself() {
    let gateway = || {
        gateway().on("say", |me: Socket<Member>, Payload(text): Payload<String>| async move {
            me.to("r1").emit("told", text)
        })
    };
    let nodes = Nodes::serve(2, |builder| builder.gateway(gateway())).await;
    let mut alice = nodes.connect(0, "alice").await;
    let mut bob = nodes.connect(1, "bob").await;
    join(&mut alice, "r1").await;
    join(&mut bob, "r1").await;

    alice.ask("say", "hello").await;

    turns().await;
    reads(&mut bob, "hello").await;
    alice.expect_nothing().await;
}

/// An event that is published right after the answer to a join is not missed.
#[tokio::test]
async fn a_node_hears_a_room_before_its_first_socket_is_in_it() {
    let nodes = start(2).await;
    let mut bob = nodes.connect(1, "bob").await;
    let hub = hub(&nodes, 0);
    for number in 0..50 {
        let room = format!("r{number}");
        join(&mut bob, &room).await;

        hub.to(&room).emit("told", &room).unwrap();

        turns().await;
        reads(&mut bob, &room).await;
    }
    hub.to_user("bob").emit("told", "user").unwrap();
    turns().await;
    reads(&mut bob, "user").await;
}

#[tokio::test]
async fn a_node_hears_only_rooms_of_its_sockets_and_leaves_them_later() {
    let nodes = start(2).await;
    let (idle, mut bob) = (nodes.node(1).channels(), nodes.connect(1, "bob").await);
    join(&mut bob, "r1").await;
    join(&mut bob, "r2").await;
    // The namespace, the user and two rooms.
    assert_eq!(nodes.node(1).channels(), idle + 4);
    assert_eq!(nodes.node(0).channels(), idle, "the other node has no sockets");

    bob.emit_with_ack::<()>("leave", "r1").await;
    nodes.pass(Duration::from_secs(20)).await;
    assert_eq!(nodes.node(1).channels(), idle + 4);
    nodes.pass(Duration::from_secs(15)).await;
    assert_eq!(nodes.node(1).channels(), idle + 3);

    bob.disconnect().await;
    nodes.pass(Duration::from_secs(35)).await;
    // A namespace with a name of its own stays.
    assert_eq!(nodes.node(1).channels(), idle + 1);
}

/// The sockets of the own node do not depend on the bus.
#[tokio::test]
async fn a_node_without_a_bus_serves_its_own_sockets() {
    let nodes = start(2).await;
    let mut alice = nodes.connect(0, "alice").await;
    let mut bob = nodes.connect(1, "bob").await;
    join(&mut bob, "r1").await;
    nodes.node(0).cut();
    turns().await;

    join(&mut alice, "r1").await;
    let hub = hub(&nodes, 0);
    assert_eq!(hub.to("r1").emit("told", "one").unwrap().local, 1);

    reads(&mut alice, "one").await;
    let found = hub.to("r1").fetch_sockets().await;
    assert_eq!((found.value.len(), names(&found.missing)), (1, vec!["n1"]));
    nodes.node(0).heal();
    nodes.pass(Duration::from_secs(1)).await;
    // What was sent meanwhile is lost, and the node hears its rooms again.
    hub.to("r1").emit("told", "two").unwrap();
    turns().await;
    nodes
        .server(1)
        .server
        .doorward()
        .hub::<Member>("/")
        .unwrap()
        .to("r1")
        .emit("told", "three")
        .unwrap();
    turns().await;
    for client in [&mut alice, &mut bob] {
        reads(client, "two").await;
        reads(client, "three").await;
        client.expect_nothing().await;
    }
}

#[tokio::test]
async fn a_node_that_does_not_hear_itself_connects_again() {
    let nodes = start(2).await;
    let mut bob = nodes.connect(1, "bob").await;
    join(&mut bob, "r1").await;
    let hub = hub(&nodes, 0);
    nodes.node(1).deafen();
    hub.to("r1").emit("told", "lost").unwrap();
    turns().await;
    bob.expect_nothing().await;

    nodes.pass(Duration::from_secs(5)).await;

    hub.to("r1").emit("told", "heard").unwrap();
    turns().await;
    reads(&mut bob, "heard").await;
}

#[tokio::test]
async fn acks_are_collected_from_all_nodes() {
    let nodes = start(3).await;
    let mut clients = Vec::new();
    for (number, user) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        let mut client = nodes.connect(number % 3, user).await;
        join(&mut client, "r1").await;
        clients.push(client);
    }
    let ids: Vec<SocketId> = clients.iter().map(TestClient::id).collect();
    let [a, b, c, d, e] = &mut clients[..] else { panic!("there are five") };
    let hub = hub(&nodes, 0);
    let asked = tokio::spawn(async move {
        let time = Duration::from_secs(3);
        let to = hub.to("r1").timeout(time);
        let acks: Acks<(u8, Binary)> =
            to.emit_with_ack("count", ("x", Binary(b"q".as_slice().into()))).await.unwrap();
        acks
    });
    turns().await;
    for (number, client) in (0_u8..).zip([&mut *a, &mut *b]) {
        let event = client.next_event().await;
        assert_eq!(event.arguments.json(), r#"["x",{"_placeholder":true,"num":0}]"#);
        client.answer(&event, (number, Binary(vec![number].into()))).await;
    }
    // One answers something else, one leaves, and one is silent.
    let event = c.next_event().await;
    c.answer(&event, "no number").await;
    d.next_event().await;
    d.disconnect().await;
    e.next_event().await;
    nodes.pass(Duration::from_secs(4)).await;

    let mut acks = while_time_passes(&nodes.clock, asked).await.unwrap();

    acks.given.sort_by_key(|(_, (number, _))| *number);
    let given: Vec<_> =
        acks.given.iter().map(|(id, (number, bytes))| (*id, *number, bytes.0[0])).collect();
    assert_eq!(given, [(ids[0], 0, 0), (ids[1], 1, 1)]);
    let reason = |id| acks.missing.iter().find(|(other, _)| *other == id).map(|(_, error)| error);
    assert!(matches!(reason(ids[2]), Some(AckError::Answer(_))));
    assert!(matches!(reason(ids[3]), Some(AckError::Ended)));
    assert!(matches!(reason(ids[4]), Some(AckError::Timeout)));
    assert_eq!((acks.missing.len(), acks.missing_nodes.len()), (3, 0));
}

/// The first beat of a node is sent before later nodes hear it, and no time passes until its next one.
#[tokio::test]
async fn a_node_that_has_just_started_asks_those_that_run() {
    let mut nodes = start(1).await;
    let _alice = nodes.connect(0, "alice").await;
    turns().await;

    nodes.add(|builder| builder.gateway(gateway())).await;
    turns().await;

    let found = hub(&nodes, 1).all().fetch_sockets().await;

    assert_eq!((found.value.len(), found.missing.len()), (1, 0));
}

#[tokio::test]
async fn a_node_that_does_not_answer_is_named() {
    let nodes = start(3).await;
    let mut clients = Vec::new();
    for number in 0..3 {
        clients.push(nodes.connect(number, "alice").await);
    }
    nodes.node(2).set_losing(true);
    let (hub, principals) = (hub(&nodes, 0), nodes.server(0).principals());
    let answers = async {
        let found = hub.all().fetch_sockets().await;
        let all = principals.sockets().await;
        let own = principals.sockets_of(&"alice".into()).await;
        let none = principals.sockets_of(&"bob".into()).await;
        let counted = hub.all().sockets_leave("r1").await;
        [found, all, own, none]
            .map(|it| (it.value.len(), it.missing))
            .into_iter()
            .chain([(counted.value, counted.missing)])
            .collect::<Vec<_>>()
    };

    let answers = while_time_passes(&nodes.clock, answers).await;

    for ((count, missing), expected) in answers.iter().zip([2, 2, 2, 0, 0]) {
        assert_eq!((*count, names(missing)), (expected, vec!["n2"]));
    }
    let acks = while_time_passes(&nodes.clock, async {
        hub.to(Target::Socket(clients[2].id())).emit_with_ack::<()>("count", ()).await.unwrap()
    });
    let acks = acks.await;
    assert_eq!(
        (acks.given.len(), acks.missing.len(), names(&acks.missing_nodes)),
        (0, 0, vec!["n2"])
    );
}

#[tokio::test]
async fn sockets_of_all_nodes_are_described_with_their_node() {
    let nodes = start(2).await;
    let here =
        nodes.server(0).connect(json!({ "user": "alice", "session": "s", "expires_in": 60 })).await;
    let there = nodes.connect(1, "bob").await;

    let found = nodes.server(1).principals().sockets().await;

    assert!(found.missing.is_empty());
    let one = |id| found.value.iter().find(|info| info.socket == id).unwrap();
    let (alice, bob) = (one(here.id()), one(there.id()));
    assert_eq!((alice.user.as_str(), alice.node.as_str(), &*alice.namespace), ("alice", "n0", "/"));
    assert_eq!((bob.user.as_str(), bob.node.as_str()), ("bob", "n1"));
    let own = nodes.server(0).principals().sockets().await;
    let own = own.value.into_iter().find(|info| info.socket == here.id()).unwrap();
    assert_eq!(own.session, alice.session);
    assert_eq!((own.link, own.network), (alice.link, alice.network));
    let millis = |at: Option<std::time::SystemTime>| {
        at.map(|at| at.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis())
    };
    assert_eq!(millis(own.expires_at), millis(alice.expires_at));
    assert_eq!(millis(Some(own.connected_at)), millis(Some(alice.connected_at)));
}

#[tokio::test]
async fn sockets_of_all_nodes_join_leave_and_disconnect() {
    let nodes = start(2).await;
    let mut here = nodes.connect(0, "alice").await;
    let mut there = nodes.connect(1, "alice").await;
    let (hub, other) = (hub(&nodes, 0), hub(&nodes, 1));
    let alice = hub.to_user("alice");

    assert_eq!(alice.sockets_join("r1").await.value.len(), 0);
    assert_eq!((hub.to("r1").local_sockets().len(), other.to("r1").local_sockets().len()), (1, 1));
    let denied = alice.sockets_join("closed").await;
    let mut ids: Vec<_> = denied.value.iter().map(|(id, _)| *id).collect();
    ids.sort();
    let mut expected = [here.id(), there.id()];
    expected.sort();
    assert_eq!(ids, expected);
    for (_, error) in &denied.value {
        // The code of a refusal is a constant of the program, so that of another node is `forbidden`.
        let NotJoined::Denied(refusal) = error else { panic!("it is {error:?}") };
        assert_eq!((refusal.code().as_str(), refusal.message()), ("forbidden", "Forbidden"));
    }
    assert_eq!(alice.sockets_leave("r1").await, gathered(2));
    assert_eq!(other.to("r1").local_sockets().len(), 0);
    assert_eq!(alice.local().sockets_join("r1").await.value.len(), 0);
    assert_eq!(hub.to("r1").fetch_sockets().await.value.len(), 1);

    assert_eq!(hub.all().disconnect_sockets().await, gathered(2));

    assert!(here.ended().await.is_final() && there.ended().await.is_final());
}

fn gathered(value: usize) -> Gathered<usize> {
    let mut gathered = Gathered::default();
    gathered.value = value;
    gathered
}

#[tokio::test]
async fn an_event_of_the_server_reaches_the_listeners_of_all_nodes() {
    let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let nodes = Nodes::serve(2, |builder| {
        let heard = heard.clone();
        builder.gateway(gateway().on_server_event(
            "reload",
            move |hub: Hub<Member>, value: Value| {
                let (heard, node) = (heard.clone(), hub.rooms_in_use());
                async move { heard.send((node, value)).unwrap() }
            },
        ))
    })
    .await;
    let mut bob = nodes.connect(1, "bob").await;
    join(&mut bob, "r1").await;
    let hub = hub(&nodes, 0);

    let told = hub.server_side_emit("reload", json!({ "what": 1 })).await.unwrap();

    assert!(told.missing.is_empty());
    let mut all = [hears.recv().await.unwrap(), hears.recv().await.unwrap()];
    all.sort_by_key(|(node, _)| *node);
    assert_eq!(all, [(0, json!({ "what": 1 })), (1, json!({ "what": 1 }))]);
    nodes.node(1).set_losing(true);
    let told = while_time_passes(&nodes.clock, hub.server_side_emit("reload", 2)).await.unwrap();
    assert_eq!(names(&told.missing), ["n1"]);
}

/// A namespace that a pattern opens exists on the nodes that have a socket of it.
#[tokio::test]
async fn opened_namespaces_are_the_same_on_all_nodes() {
    let nodes =
        Nodes::serve(2, |builder| builder.gateway(Gateway::<Member>::at("/org/{org}"))).await;
    let connect = async |number: usize, namespace: &str| {
        let auth = json!({ "user": "alice" });
        nodes.server(number).server.connect(namespace, auth).await
    };
    let _here = connect(0, "/org/7").await;
    let mut there = connect(1, "/org/7").await;
    let mut other = connect(1, "/org/8").await;
    let hub = nodes.server(0).server.doorward().hub::<Member>("/org/7").unwrap();

    hub.emit("told", "seven").unwrap();

    turns().await;
    reads(&mut there, "seven").await;
    other.expect_nothing().await;
    let nowhere = nodes.server(0).server.doorward().hub::<Member>("/org/9").unwrap();
    let none = nowhere.all().fetch_sockets().await;
    assert_eq!((none.value.len(), none.missing.len()), (0, 0));
}

/// A connect hook that reads the state of a room after it has joined misses no later event.
#[tokio::test]
async fn a_hook_that_joins_a_room_misses_no_event_for_several_rooms() {
    let (joined, mut joins) = tokio::sync::mpsc::unbounded_channel();
    let go = std::sync::Arc::new(tokio::sync::Notify::new());
    let nodes = Nodes::serve(2, |builder| {
        let (joined, go) = (joined.clone(), std::sync::Arc::clone(&go));
        let hook = move |me: Socket<Member>| {
            let (joined, go) = (joined.clone(), std::sync::Arc::clone(&go));
            async move {
                me.join("r1").await?;
                joined.send(()).unwrap();
                go.notified().await;
                Ok(())
            }
        };
        let gateway = Gateway::<Member>::at("/org/{org}").room("r{id}", |_| async { true });
        builder.gateway(gateway.on_connect(hook))
    })
    .await;
    let hub = nodes.server(0).server.doorward().hub::<Member>("/org/7").unwrap();
    let emits = async {
        joins.recv().await.unwrap();
        hub.to("r1").to("r2").emit("told", "several").unwrap();
        hub.to("r1").emit("told", "one").unwrap();
        turns().await;
        go.notify_one();
    };
    let connects = nodes.server(1).server.connect("/org/7", json!({ "user": "bob" }));

    let (mut bob, ()) = tokio::join!(connects, emits);

    reads(&mut bob, "several").await;
    reads(&mut bob, "one").await;
}

/// A load balancer without a rule sends the requests of a client to any node.
#[tokio::test]
async fn a_request_that_reaches_the_wrong_node_is_in_its_log() {
    let log = Log::default();
    let _kept = log.keep(tracing::Level::WARN);
    let nodes = start(2).await;
    let _alice = nodes.connect(0, "alice").await;
    turns().await;
    let service = nodes.server(1).server.doorward().service();
    let request = || {
        http::Request::get("/socket.io/?EIO=4&transport=polling&sid=unknown")
            .header("host", "localhost")
            .body(http_body_util::Empty::<bytes::Bytes>::new())
            .unwrap()
    };
    for _ in 0..3 {
        let mut service = service.clone();
        let answer = tower_service::Service::call(&mut service, request()).await.unwrap();
        assert_eq!(answer.status(), 400);
    }

    let astray = "names a link which this node does not know";
    assert_eq!(log.lines_with(astray).len(), 1, "{:?}", log.lines());
}

/// Its client has sent the request before it knew that the link has ended.
#[tokio::test]
async fn a_late_request_for_a_link_that_has_ended_is_not_in_the_log() {
    let log = Log::default();
    let _kept = log.keep(tracing::Level::WARN);
    let nodes = start(2).await;
    turns().await;
    let doorward = nodes.server(1).server.doorward();
    let ask = async |method: &str, more: &str, body: &'static str| {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("/socket.io/?EIO=4&transport=polling{more}"))
            .header("host", "localhost")
            .body(http_body_util::Full::new(bytes::Bytes::from(body)))
            .unwrap();
        let mut service = doorward.service();
        let answer = tower_service::Service::call(&mut service, request).await.unwrap();
        let status = answer.status().as_u16();
        let body = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    };
    let (_, opened) = ask("GET", "", "").await;
    let sid = opened.split('"').nth(3).unwrap();
    let sid = format!("&sid={sid}");
    assert_eq!(ask("POST", &sid, "1").await.0, 200);
    nodes.pass(Duration::from_secs(2)).await;
    assert_eq!(doorward.links(), 0);

    assert_eq!(ask("GET", &sid, "").await.0, 400);

    assert!(log.lines_with("does not know").is_empty(), "{:?}", log.lines());
}

/// Other programs that may write to the bus cannot end a node with it.
#[tokio::test]
async fn messages_that_cannot_be_read_are_dropped() {
    use doorward_core::bus::{Channel, Message};
    let nodes = start(1).await;
    let mut alice = nodes.connect(0, "alice").await;
    let stranger = nodes.cluster.node("stranger").bus();
    stranger.open().await.unwrap();
    let head = |content: &str| {
        let head = format!(r#"{{"v":1,"node":"x","run":"AAAAAAAAAAAAAAAA","content":{content}}}"#);
        [&u32::try_from(head.len()).unwrap().to_be_bytes()[..], head.as_bytes()].concat()
    };
    let emit = r#"{"emit":{"namespace":"/","selection":{"to":null},"is_volatile":false}}"#;
    let mut all = vec![
        Vec::new(),
        vec![255; 10],
        vec![b'{'; 100_000],
        head("{}"),
        head(&"[".repeat(10_000)),
        head(r#"{"beat":{"number":-1,"presence":0}}"#),
        head(r#"{"answer":{"id":0,"part":0,"is_last":true}}"#),
        head(r#"{"presence":{"number":18446744073709551615}}"#),
        head(r#"{"whole_presence":{"number":1,"part":7,"is_last":true}}"#),
        head(
            r#"{"question":{"id":1,"question":{"fetch":{"namespace":"/none","selection":{"to":[{"socket":"x"}]}}}}}"#,
        ),
        head(r#"{"question":{"id":1,"question":{"server_event":{"namespace":"/","event":"x"}}}}"#),
        head(
            r#"{"question":{"id":1,"question":{"acks":{"namespace":"/","selection":{"to":null},"is_volatile":false,"event":"x","millis":1}}}}"#,
        ),
    ];
    for body in [&b""[..], b"\x81", b"\x81\x7f\xff", b"\x82\x01x", b"\x81\x01\xff"] {
        all.push([&head(emit), body].concat());
    }
    let messages: Vec<_> = ["all", "namespace:/"]
        .into_iter()
        .flat_map(|channel| {
            let message = |bytes: &Vec<u8>| Message {
                channel: Channel::new(channel),
                bytes: bytes.clone().into(),
            };
            all.iter().map(message).collect::<Vec<_>>()
        })
        .collect();

    stranger.publish(&messages).await.unwrap();
    turns().await;

    alice.expect_nothing().await;
    // The node still hears, also a well-formed event.
    let good = [&head(emit)[..], b"\x81\x0f42[\"told\",\"hi\"]"].concat();
    stranger
        .publish(&[Message { channel: Channel::new("namespace:/"), bytes: good.into() }])
        .await
        .unwrap();
    turns().await;
    reads(&mut alice, "hi").await;
}
