//! The bridge to servers for Node.js, on a real server. The tests play the other servers with plain commands.

use std::{net::Ipv4Addr, sync::Arc};

use doorward_core::{
    StoreError,
    bridge::{Answer, Bounds, Bridge as _, Broadcast, Heard, Question, Received, Request, Unread},
    bus::Message,
};
use doorward_redis::{ConnectError, RedisOptions, SocketIoBridge};
use doorward_testkit::{FaultProxy, RedisServer};
use redis::{PushInfo, PushKind, Value};
use tokio::sync::mpsc;

use crate::fixture::{Behind, guarded};

const BOUNDS: Bounds = Bounds { bytes: 65_536, attachments: 4 };

fn bridge(url: &str) -> SocketIoBridge {
    RedisOptions::default().socket_io(url).unwrap()
}

fn names(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|name| (*name).into()).collect()
}

/// Server, and an open bridge for `/` and `/chat`.
async fn opened() -> (RedisServer, Behind, SocketIoBridge) {
    let server = RedisServer::start(&[]).await;
    let behind = Behind::connect(&server).await;
    let bridge = bridge(&server.url());
    bridge.open(&names(&["/", "/chat"]), BOUNDS).await.unwrap();
    (server, behind, bridge)
}

fn broadcast(namespace: &str, rooms: &[&str], data: &str) -> Broadcast {
    Broadcast {
        namespace: namespace.into(),
        data: data.into(),
        attachments: Vec::new(),
        rooms: rooms.iter().map(|room| (*room).into()).collect(),
        except: Vec::new(),
        is_volatile: false,
    }
}

/// Writes an event as another server does.
fn of_node(bridge: &SocketIoBridge, event: &Broadcast) -> Message {
    let Message { channel, bytes } = bridge.broadcast(event).unwrap();
    let rest = bytes.strip_prefix(b"\x93\xa8doorward").unwrap();
    Message { channel, bytes: [b"\x93\xa6aB3xYz", rest].concat().into() }
}

/// Publishes a message, and returns the number of connections that have received it.
async fn publish(behind: &mut Behind, channel: &str, bytes: &[u8]) -> u64 {
    behind.send(redis::cmd("PUBLISH").arg(channel).arg(bytes)).await
}

async fn send(behind: &mut Behind, Message { channel, bytes }: &Message) -> u64 {
    publish(behind, channel.as_str(), bytes).await
}

async fn received(bridge: &SocketIoBridge) -> Vec<Heard> {
    let Received { messages, dropped } = guarded(bridge.receive()).await.unwrap();
    assert_eq!(dropped, 0);
    messages
}

/// Receives until this many messages have arrived.
async fn receive(bridge: &SocketIoBridge, count: usize) -> Vec<Heard> {
    let mut all = Vec::new();
    while all.len() < count {
        all.extend(received(bridge).await);
    }
    all
}

#[tokio::test]
async fn events_and_requests_of_other_servers_are_received_in_order() {
    let (_server, mut behind, bridge) = opened().await;
    let events = [
        broadcast("/", &[], r#"["one"]"#),
        broadcast("/", &["a"], r#"["two",{"x":[1.5,null]}]"#),
        Broadcast {
            attachments: vec![b"\xff".as_slice().into()],
            is_volatile: true,
            except: vec!["c".into()],
            ..broadcast("/chat", &["a", "b"], r#"["three",{"_placeholder":true,"num":0}]"#)
        },
    ];
    for event in &events {
        assert_eq!(send(&mut behind, &of_node(&bridge, event)).await, 1);
    }
    let json = br#"{"uid":"aB3xYz","requestId":"r1","type":1}"#;
    publish(&mut behind, "socket.io-request#/chat#", json).await;

    let heard = receive(&bridge, 4).await;

    let request = Request { namespace: "/chat".into(), id: "r1".into(), question: Question::Rooms };
    let mut expected: Vec<_> = events.map(Heard::Broadcast).into();
    expected.push(Heard::Request(request));
    assert_eq!(heard, expected);
}

/// A server for Node.js, which has subscribed as the adapter does.
async fn node(server: &RedisServer, namespace: &str) -> mpsc::UnboundedReceiver<(String, Vec<u8>)> {
    let client = redis::Client::open(format!("{}?protocol=resp3", server.url())).unwrap();
    let (sender, receiver) = mpsc::unbounded_channel();
    let pushed = move |info: PushInfo| -> Result<(), ()> {
        let skipped = usize::from(info.kind == PushKind::PMessage);
        if matches!(info.kind, PushKind::Message | PushKind::PMessage) {
            let mut data = info.data.into_iter().skip(skipped).map(|value| match value {
                Value::BulkString(bytes) => bytes,
                value => panic!("it is {value:?}"),
            });
            let channel = String::from_utf8(data.next().unwrap()).unwrap();
            sender.send((channel, data.next().unwrap())).ok();
        }
        Ok(())
    };
    let config = redis::AsyncConnectionConfig::new().set_push_sender(pushed);
    let mut connection =
        client.get_multiplexed_async_connection_with_config(&config).await.unwrap();
    connection.psubscribe(format!("socket.io#{namespace}#*")).await.unwrap();
    connection.subscribe(format!("socket.io-response#{namespace}#")).await.unwrap();
    // The connection lives as long as the task.
    tokio::spawn(async move {
        let _connection = connection;
        std::future::pending::<()>().await;
    });
    receiver
}

#[tokio::test]
async fn events_and_answers_are_published_on_the_channels_of_the_adapter() {
    let (server, _behind, bridge) = opened().await;
    let mut node = node(&server, "/chat").await;
    let request = Request { namespace: "/chat".into(), id: "r1".into(), question: Question::Rooms };
    let messages = [
        bridge.broadcast(&broadcast("/chat", &["a"], r#"["e"]"#)).unwrap(),
        bridge.broadcast(&broadcast("/chat", &["a", "b"], r#"["e"]"#)).unwrap(),
        bridge.broadcast(&broadcast("/", &[], r#"["e"]"#)).unwrap(),
        bridge.answer(&request, &Answer::Rooms(names(&["a"]))),
    ];

    bridge.publish(&messages).await.unwrap();

    let head = b"\x93\xa8doorward\x83\xa4type\x02\xa3nsp\xa5/chat\xa4data\x91\xa1e\x83\xa5rooms";
    let tail = b"\xa6except\x90\xa5flags\x80";
    let one = [&head[..], b"\x91\xa1a", tail].concat();
    let two = [&head[..], b"\x92\xa1a\xa1b", tail].concat();
    assert_eq!(guarded(node.recv()).await, Some(("socket.io#/chat#a#".into(), one)));
    assert_eq!(guarded(node.recv()).await, Some(("socket.io#/chat#".into(), two)));
    let answer = br#"{"requestId":"r1","rooms":["a"]}"#.to_vec();
    assert_eq!(guarded(node.recv()).await, Some(("socket.io-response#/chat#".into(), answer)));
}

/// Nodes of Doorward hear each other over their bus. A sender that pretends to be a node is not heard either.
#[tokio::test]
async fn a_node_does_not_hear_itself_or_another_node() {
    let (server, mut behind, one) = opened().await;
    let two = bridge(&server.url());
    two.open(&names(&["/"]), BOUNDS).await.unwrap();
    let own = one.broadcast(&broadcast("/", &[], r#"["own"]"#)).unwrap();
    let last = broadcast("/", &[], r#"["last"]"#);

    one.publish(std::slice::from_ref(&own)).await.unwrap();
    assert_eq!(send(&mut behind, &own).await, 2);
    send(&mut behind, &of_node(&one, &last)).await;

    for bridge in [&one, &two] {
        let mut heard = Vec::new();
        while heard.is_empty() {
            heard = received(bridge).await;
        }
        assert_eq!(heard, [Heard::Broadcast(last.clone())]);
    }
}

/// The servers for Node.js wait for an answer of each subscriber.
#[tokio::test]
async fn each_open_bridge_is_counted_once() {
    let (server, mut behind, one) = opened().await;
    let two = bridge(&server.url());
    two.open(&names(&["/", "/chat"]), BOUNDS).await.unwrap();
    let mut count = async || {
        let command =
            "PUBSUB NUMSUB socket.io-request#/# socket.io-request#/chat# socket.io-request#/x#";
        let answer: Vec<(String, u64)> = behind.run(command).await;
        answer.into_iter().map(|(_, count)| count).collect::<Vec<_>>()
    };
    assert_eq!(count().await, [2, 2, 0]);

    two.open(&names(&["/"]), BOUNDS).await.unwrap();
    guarded(async { while count().await != [2, 1, 0] {} }).await;
    drop(one);

    guarded(async { while count().await != [1, 0, 0] {} }).await;
}

/// Waits until the connection has received everything that was published: the answer comes after it.
async fn caught_up(bridge: &SocketIoBridge) {
    let own = bridge.broadcast(&broadcast("/", &[], r#"["own"]"#)).unwrap();
    bridge.publish(&[own]).await.unwrap();
}

#[tokio::test]
async fn hostile_messages_are_counted_and_the_bridge_goes_on() {
    let (_server, mut behind, bridge) = opened().await;
    let good = broadcast("/", &["a"], r#"["good"]"#);
    let elsewhere = of_node(&bridge, &broadcast("/chat", &[], r#"["e"]"#));
    let deep = [&b"\x93\xa1x"[..], &b"\x91".repeat(10_000), b"\xc0\x80"].concat();
    let expected = [
        (&b""[..], Unread::Malformed),
        (b"\xc1\xff\x00", Unread::Malformed),
        (&deep, Unread::Malformed),
        (&vec![b'x'; 10 * 1024 * 1024], Unread::TooLarge),
        (&vec![0x91; BOUNDS.bytes + 1], Unread::TooLarge),
        (&elsewhere.bytes, Unread::Namespace),
    ];
    for (bytes, _) in &expected {
        assert_eq!(publish(&mut behind, "socket.io#/#", bytes).await, 1);
    }
    let disconnect = br#"{"uid":"x","type":4,"opts":{"rooms":[],"except":[]},"close":true}"#;
    publish(&mut behind, "socket.io-request#/#", disconnect).await;
    publish(&mut behind, "socket.io-request#/#", &[b'{'; 1000]).await;
    // Large messages take no place in the queue of 32 MB.
    for _ in 0..4 {
        publish(&mut behind, "socket.io#/#", &vec![b'x'; 10 * 1024 * 1024]).await;
    }
    // A namespace that does not exist here, and a room whose name looks like a namespace.
    assert_eq!(publish(&mut behind, "socket.io#/none#", b"x").await, 0);
    send(&mut behind, &of_node(&bridge, &good)).await;

    caught_up(&bridge).await;
    let heard = receive(&bridge, 13).await;

    let mut reasons: Vec<_> = expected.map(|(_, reason)| Heard::Unread(reason)).into();
    reasons.extend([Heard::Unread(Unread::Refused), Heard::Unread(Unread::Malformed)]);
    reasons.extend([const { Heard::Unread(Unread::TooLarge) }; 4]);
    reasons.push(Heard::Broadcast(good));
    assert_eq!(heard, reasons);
}

#[tokio::test]
async fn messages_that_are_not_taken_are_dropped_and_counted() {
    let (_server, mut behind, bridge) = opened().await;
    let large = vec![b'x'; BOUNDS.bytes];
    // More than 32 MB, so that the queue is full.
    for _ in 0..600 {
        publish(&mut behind, "socket.io#/#", &large).await;
    }
    caught_up(&bridge).await;

    let mut total = 0;
    let mut lost = 0;
    while total + lost < 600 {
        let Received { messages, dropped } = guarded(bridge.receive()).await.unwrap();
        total += messages.len();
        lost += usize::try_from(dropped).unwrap();
    }

    assert!(total >= 500 && lost > 0, "{total} received, {lost} dropped");
}

/// Characters of a pattern in the name of a namespace are no pattern.
#[tokio::test]
async fn a_namespace_hears_no_other_one() {
    let (_server, mut behind, bridge) = opened().await;
    bridge.open(&names(&["/a*", "/[b]?"]), BOUNDS).await.unwrap();

    for other in ["/ab", "/a*b", "/b1", "/"] {
        assert_eq!(publish(&mut behind, &format!("socket.io#{other}#"), b"x").await, 0, "{other}");
    }

    for own in ["/a*", "/[b]?"] {
        let event = broadcast(own, &["r"], r#"["e"]"#);
        assert_eq!(send(&mut behind, &of_node(&bridge, &event)).await, 1, "{own}");
        assert_eq!(receive(&bridge, 1).await, [Heard::Broadcast(event)]);
    }
}

#[tokio::test]
async fn the_key_is_that_of_the_other_servers() {
    let server = RedisServer::start(&[]).await;
    let mut behind = Behind::connect(&server).await;
    let bridge = bridge(&server.url()).key("shop");
    bridge.open(&names(&["/"]), BOUNDS).await.unwrap();
    let event = broadcast("/", &["r"], r#"["e"]"#);
    let message = of_node(&bridge, &event);

    assert_eq!(message.channel.as_str(), "shop#/#r#");
    assert_eq!(publish(&mut behind, "socket.io#/#r#", &message.bytes).await, 0);
    assert_eq!(send(&mut behind, &message).await, 1);
    assert_eq!(receive(&bridge, 1).await, [Heard::Broadcast(event)]);
}

/// The lines of docs/bridge.md: the user of the bridge may use channels, and neither keys nor other commands.
#[tokio::test]
async fn a_user_without_keys_is_enough_and_no_key_is_written() {
    let server = RedisServer::start(&[]).await;
    let mut behind = Behind::connect(&server).await;
    let rules =
        "on >secret resetkeys resetchannels &socket.io* &socket.io#/#* -@all +@pubsub +@connection";
    behind.run::<()>(&format!("ACL SETUSER bridge {rules}")).await;
    let bridge = bridge(&format!("{}?user=bridge&pass=secret", server.url()));

    bridge.open(&names(&["/"]), BOUNDS).await.unwrap();
    let event = broadcast("/", &["r"], r#"["e"]"#);
    bridge.publish(&[bridge.broadcast(&event).unwrap()]).await.unwrap();
    send(&mut behind, &of_node(&bridge, &event)).await;

    assert_eq!(receive(&bridge, 1).await, [Heard::Broadcast(event)]);
    assert_eq!(behind.run::<u64>("DBSIZE").await, 0);
    // A pattern is granted by its own text only: `&socket.io*` does not cover the pattern of `/chat`.
    let denied = bridge.open(&names(&["/", "/chat"]), BOUNDS).await;
    let denied = cause(denied);
    assert!(denied.contains("no permissions to access one of the channels"), "{denied}");
}

fn cause(done: Result<(), StoreError>) -> String {
    match done {
        Err(StoreError::Unavailable(cause)) => cause.to_string(),
        done => panic!("it is {done:?}"),
    }
}

#[tokio::test]
async fn a_wrong_password_is_named() {
    let server = RedisServer::start(&["--requirepass", "secret"]).await;
    let bridge = bridge(&server.url());

    let refused = cause(bridge.open(&names(&["/"]), BOUNDS).await);

    assert!(refused.ends_with("rejects the password or requires one: check the URL"), "{refused}");
    let unopened = bridge.receive().await;
    assert_eq!(cause(unopened.map(drop)), "the bridge is not open");
    let url = RedisOptions::default().socket_io("redis//").unwrap_err();
    assert!(matches!(url, ConnectError::Url));
}

#[tokio::test]
async fn a_connection_that_the_server_closes_is_noticed_and_replaced() {
    let (_server, mut behind, bridge) = opened().await;
    let event = broadcast("/chat", &["r"], r#"["e"]"#);
    send(&mut behind, &of_node(&bridge, &event)).await;

    assert_eq!(behind.run::<u64>("CLIENT KILL TYPE pubsub").await, 1);

    // What has arrived before is not lost.
    assert_eq!(receive(&bridge, 1).await, [Heard::Broadcast(event.clone())]);
    assert_eq!(cause(guarded(bridge.receive()).await.map(drop)), "the connection has ended");
    let sent = bridge.publish(&[bridge.broadcast(&event).unwrap()]).await;
    assert!(matches!(sent, Err(StoreError::Unavailable(_))), "{sent:?}");
    bridge.open(&names(&["/", "/chat"]), BOUNDS).await.unwrap();
    send(&mut behind, &of_node(&bridge, &event)).await;
    assert_eq!(receive(&bridge, 1).await, [Heard::Broadcast(event)]);
}

/// The operating system would keep such a connection for about a quarter of an hour.
#[tokio::test]
async fn a_connection_that_hears_nothing_any_more_is_noticed() {
    let server = RedisServer::start_on_tcp(&[]).await;
    let proxy = FaultProxy::start((Ipv4Addr::LOCALHOST, server.port().unwrap()).into()).await;
    let bridge = bridge(&format!("redis://{}", proxy.address()));
    bridge.open(&names(&["/"]), BOUNDS).await.unwrap();

    proxy.strand();

    let lost = guarded(bridge.receive()).await;
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
}

/// A quiet connection is tested, and stays open.
#[tokio::test]
async fn a_quiet_connection_hears_itself() {
    let (_server, mut behind, bridge) = opened().await;
    let event = broadcast("/", &[], r#"["late"]"#);
    // The test of the connection is the only message until then.
    let waiting = async {
        let tested = |line: &str| line.starts_with("cmdstat_publish:calls=2,");
        while !behind.run::<String>("INFO commandstats").await.lines().any(tested) {}
        send(&mut behind, &of_node(&bridge, &event)).await;
    };

    let (heard, ()) = guarded(async { tokio::join!(received(&bridge), waiting) }).await;

    assert_eq!(heard, [Heard::Broadcast(event.clone())]);
}

#[tokio::test]
async fn a_server_that_is_away_at_the_start_is_used_later() {
    let mut server = RedisServer::start(&[]).await;
    let bridge = bridge(&server.url());
    server.kill();

    let away = bridge.open(&names(&["/"]), BOUNDS).await;
    assert!(matches!(away, Err(StoreError::Unavailable(_))), "{away:?}");
    server.restart().await;
    bridge.open(&names(&["/"]), BOUNDS).await.unwrap();

    let mut behind = Behind::connect(&server).await;
    let event = broadcast("/", &[], r#"["e"]"#);
    send(&mut behind, &of_node(&bridge, &event)).await;
    assert_eq!(receive(&bridge, 1).await, [Heard::Broadcast(event)]);
}
