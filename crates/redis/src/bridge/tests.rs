//! Tests of the messages. The bytes in hexadecimal are those that `notepack.io` 3.0.1 writes, which the adapter and
//! the emitter use.

use doorward_core::{SocketId, bridge::Question};
use doorward_testkit::RedisServer;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

const BOUNDS: Bounds = Bounds { bytes: 4096, attachments: 2 };

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

fn names(names: &[&str]) -> Vec<Box<str>> {
    names.iter().map(|name| (*name).into()).collect()
}

fn event(namespace: &str, message: &[u8]) -> Result<Option<Broadcast>, Unread> {
    event::read(&namespace.into(), message, BOUNDS)
}

fn request(message: impl AsRef<[u8]>) -> Result<Request, Unread> {
    request::read(&"/".into(), message.as_ref(), BOUNDS)
}

/// `["aB3xYz", {type: 2, data: [..], nsp: "/chat"}, {rooms: ["lobby", 42], except: ["x"], flags: {volatile: true}}]`
const NEWS: &str = "93a661423378597a83a47479706502a46461746192a46e65777388a162d7ff1d5353006955b900a163c4026869a165cb7ff8000000000000a166cb3ff8000000000000a167d1ff38a168cf0000000100000000a169c0a16a92c0c3a36e7370a52f6368617483a5726f6f6d7392a56c6f6262792aa665786365707491a178a5666c61677381a8766f6c6174696c65c3";

/// `["emitter", {type: 2, data: ["e"], nsp: "/"}, {rooms: [], flags: {}, except: []}]`
const FROM_EMITTER: &str = "93a7656d697474657283a47479706502a46461746191a165a36e7370a12f83a5726f6f6d7390a5666c61677380a665786365707490";

/// A request for acks with an event.
const ACKS: &str = "85a3756964a661423378597aa9726571756573744964a6723451317a7aa47479706507a67061636b657483a47479706502a46461746192a361736bc40178a36e7370a12fa46f70747383a5726f6f6d7390a665786365707490a5666c61677381a774696d656f7574cd03e8";

#[test]
fn an_event_of_a_server_for_node_is_read() {
    let read = event("/chat", &bytes(NEWS)).unwrap().unwrap();

    let json = r#"["news",{"b":"2026-01-01T00:00:00.123Z","c":{"_placeholder":true,"num":0},"e":null,"f":1.5,"g":-200,"h":4294967296,"i":null,"j":[null,true]}]"#;
    assert_eq!(&*read.data, json);
    assert_eq!(read.attachments, [&b"hi"[..]]);
    assert_eq!(read.rooms, names(&["lobby", "42"]));
    assert_eq!((read.except, read.is_volatile), (names(&["x"]), true));
}

#[test]
fn an_event_of_an_emitter_is_read() {
    let read = event("/", &bytes(FROM_EMITTER)).unwrap().unwrap();

    assert_eq!((&*read.data, read.rooms.len(), read.is_volatile), (r#"["e"]"#, 0, false));
}

#[test]
fn a_packet_without_a_namespace_is_for_the_main_one() {
    let message =
        bytes("93a661423378597a82a47479706502a46461746192a1650182a5726f6f6d7390a665786365707490");

    assert_eq!(&*event("/", &message).unwrap().unwrap().data, r#"["e",1]"#);
    assert_eq!(event("/chat", &message), Err(Unread::Namespace));
}

#[test]
fn undefined_is_null_in_a_list() {
    // `undefined`, as older versions write it, and two kinds of dates.
    let data =
        b"\x94\xa1e\xd4\x00\x00\xd6\xff\x00\x00\x00\x01\xd7\x00\x00\x00\x00\x00\x00\x00\x03\xe8";
    let message =
        [&b"\x93\xa1x\x83\xa4type\x02\xa3nsp\xa1/\xa4data"[..], data, b"\x81\xa5rooms\x90"];

    let read = event("/", &message.concat()).unwrap().unwrap();

    let time = "1970-01-01T00:00:01.000Z";
    assert_eq!(*read.data, *format!(r#"["e",null,"{time}","{time}"]"#));
}

fn broadcast(rooms: &[&str], is_volatile: bool) -> Broadcast {
    Broadcast {
        namespace: "/chat".into(),
        data: r#"["draw",{"_placeholder":true,"num":0},[1,-2,3.5,"\u0000",null]]"#.into(),
        attachments: vec![Bytes::from_static(b"\x00\xff")],
        rooms: names(rooms),
        except: names(&["muted"]),
        is_volatile,
    }
}

/// Replaces the sender, so that the event is not one of a Doorward node.
fn of_node(message: &[u8]) -> Vec<u8> {
    [b"\x93\xa8nodenode", message.strip_prefix(b"\x93\xa8doorward").unwrap()].concat()
}

#[test]
fn an_event_is_read_as_it_was_written_but_not_by_doorward() {
    for (rooms, is_volatile) in [(&[][..], false), (&["a"], true), (&["a", "b"], false)] {
        let written = broadcast(rooms, is_volatile);
        let message = event::write(&written).unwrap();

        assert_eq!(event("/chat", &message), Ok(None), "it is our own");
        assert_eq!(event("/chat", &of_node(&message)), Ok(Some(written)));
    }
}

#[test]
fn an_event_that_cannot_be_written_is_not_sent() {
    let unfinished = Broadcast { data: "[".into(), ..broadcast(&[], false) };
    let lacking = Broadcast { attachments: Vec::new(), ..broadcast(&[], false) };
    assert_eq!(event::write(&unfinished), None);
    // Without attachments, a placeholder is an ordinary object.
    assert!(event::write(&lacking).is_some());
}

#[test]
fn a_message_that_ends_early_is_malformed() {
    for hex in [NEWS, FROM_EMITTER, ACKS] {
        let whole = bytes(hex);
        for end in 0..whole.len() {
            assert_eq!(event("/", &whole[..end]), Err(Unread::Malformed), "{end}");
            assert_eq!(request(&whole[..end]), Err(Unread::Malformed), "{end}");
        }
        assert_eq!(event("/", &[&whole[..], b"\xc0"].concat()), Err(Unread::Malformed));
    }
}

/// Wraps an argument in an event.
fn with_argument(argument: &[u8]) -> Vec<u8> {
    let head = &b"\x93\xa1x\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1e"[..];
    [head, argument, b"\x81\xa5rooms\x90"].concat()
}

#[test]
fn deep_nesting_is_malformed() {
    let wide = Bounds { bytes: 1_000_000, ..BOUNDS };
    for deep in [&b"\x91"[..], b"\x81\xa0"] {
        let message = with_argument(&[&deep.repeat(10_000)[..], b"\xc0"].concat());
        assert_eq!(event::read(&"/".into(), &message, wide), Err(Unread::Malformed));
        assert_eq!(request::read(&"/".into(), &message, wide), Err(Unread::Malformed));
    }
    // A member that is not read may be deep: it costs no stack.
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let ignored = format!(r#"{{"type":1,"requestId":"r","data":{deep}}}"#);
    assert!(request::read(&"/".into(), ignored.as_bytes(), wide).is_ok());
    let rooms = format!(r#"{{"type":0,"requestId":"r","rooms":{deep}}}"#);
    assert_eq!(request::read(&"/".into(), rooms.as_bytes(), wide), Err(Unread::Malformed));
}

#[test]
fn large_messages_and_those_that_grow_are_too_large() {
    let ten = 10 * 1024 * 1024;
    let text = [&b"\xdb\x00\xa0\x00\x00"[..], &vec![b'x'; ten]].concat();
    assert_eq!(event("/", &with_argument(&text)), Err(Unread::TooLarge));
    let json = format!(r#"{{"type":1,"requestId":"r","x":"{}"}}"#, "x".repeat(ten));
    assert_eq!(request(json), Err(Unread::TooLarge));
    // A list says that it has four thousand million elements.
    assert_eq!(event("/", &with_argument(b"\xdd\xff\xff\xff\xff")), Err(Unread::Malformed));
    // Each byte becomes six bytes of JSON.
    let controls = [&b"\xda\x03\xe8"[..], &[1; 1000]].concat();
    assert_eq!(event("/", &with_argument(&controls)), Err(Unread::TooLarge));
    let binary = with_argument(b"\x93\xc4\x00\xc4\x00\xc4\x00");
    assert_eq!(event("/", &binary), Err(Unread::TooLarge));
}

#[test]
fn what_is_no_event_is_malformed() {
    let cases: [&[u8]; 14] = [
        b"",
        b"\xc0",
        b"\x90",
        b"\x92\xa1x\x80",
        // The sender is a number.
        b"\x93\x01\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa1e\x81\xa5rooms\x90",
        // A CONNECT, and a type that is a text.
        b"\x93\xa1x\x83\xa4type\x00\xa3nsp\xa1/\xa4data\x91\xa1e\x81\xa5rooms\x90",
        b"\x93\xa1x\x83\xa4type\xa12\xa3nsp\xa1/\xa4data\x91\xa1e\x81\xa5rooms\x90",
        // No data, and data twice.
        b"\x93\xa1x\x82\xa4type\x02\xa3nsp\xa1/\x81\xa5rooms\x90",
        b"\x93\xa1x\x84\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa1e\xa4data\x91\xa1f\x81\xa5rooms\x90",
        // No rooms, rooms that are no list, and rooms that are no names.
        b"\x93\xa1x\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa1e\x80",
        b"\x93\xa1x\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa1e\x81\xa5rooms\xa1a",
        b"\x93\xa1x\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa1e\x81\xa5rooms\x91\x90",
        b"\x93\xa1x\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa1e\x81\xa5rooms\x91\xc4\x01x",
        // A reserved key, which would become the prototype of an object.
        b"\x93\xa1x\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1e\x81\xa9__proto__\x80\x81\xa5rooms\x90",
    ];
    for case in cases {
        assert_eq!(event("/", case), Err(Unread::Malformed), "{}", String::from_utf8_lossy(case));
    }
    // A map that looks like a placeholder beside bytes.
    let forged = b"\x92\xc4\x01x\x82\xac_placeholder\xc3\xa3num\x00";
    assert_eq!(event("/", &with_argument(forged)), Err(Unread::Malformed));
    // Extensions that no server writes.
    assert_eq!(event("/", &with_argument(b"\xc7\x01\x05x")), Err(Unread::Malformed));
}

#[test]
fn requests_are_read_and_answered() {
    let sockets: Vec<(SocketId, Vec<Arc<str>>)> =
        vec![(id(1), vec!["a".into(), "b".into()]), (id(2), Vec::new())];
    let (first, second) = (id(1).encode(), id(2).encode());
    let all = Answer::Sockets(sockets);
    let rooms = Answer::Rooms(vec!["a".into()]);
    let about = |rooms, except| Question::Sockets { rooms: names(rooms), except: names(except) };
    let fetched = json!([
        { "id": first, "handshake": {}, "rooms": ["a", "b"], "data": {} },
        { "id": second, "handshake": {}, "rooms": [], "data": {} },
    ]);
    let cases = [
        (
            r#"{"requestId":"r","type":0,"rooms":["a",7]}"#,
            Question::SocketIds { rooms: names(&["a", "7"]) },
            &all,
            json!({ "requestId": "r", "sockets": [first, second] }),
        ),
        (
            r#"{"uid":"aB3xYz","requestId":"r","type":1}"#,
            Question::Rooms,
            &rooms,
            json!({ "requestId": "r", "rooms": ["a"] }),
        ),
        (
            r#"{"uid":"aB3xYz","requestId":"r","type":5,"opts":{"rooms":["a"],"except":["b"]}}"#,
            about(&["a"], &["b"]),
            &all,
            json!({ "requestId": "r", "sockets": fetched }),
        ),
        (
            r#"{"uid":"aB3xYz","requestId":"r","type":5,"opts":{"rooms":[],"except":[]}}"#,
            about(&[], &[]),
            &Answer::Nothing,
            json!({ "requestId": "r", "sockets": [] }),
        ),
        (
            r#"{"uid":"aB3xYz","requestId":"r","type":6,"data":["event",1]}"#,
            Question::ServerEvent,
            &Answer::Nothing,
            json!({ "type": 6, "requestId": "r", "data": null }),
        ),
    ];
    for (message, question, answer, expected) in cases {
        let read = request(message).unwrap();

        assert_eq!((&*read.id, &read.question), ("r", &question), "{message}");
        let written: Json = serde_json::from_slice(&request::write(&read, answer)).unwrap();
        assert_eq!(written, expected, "{message}");
    }
    let acks = request(bytes(ACKS)).unwrap();
    assert_eq!((&*acks.id, &acks.question), ("r4Q1zz", &Question::Acks));
    let written: Json = serde_json::from_slice(&request::write(&acks, &all)).unwrap();
    assert_eq!(written, json!({ "type": 8, "requestId": "r4Q1zz", "clientCount": 0 }));
}

fn id(number: u8) -> SocketId {
    struct Same(u8);
    impl doorward_core::Entropy for Same {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }
    SocketId::generate(&Same(number))
}

#[test]
fn commands_and_unknown_requests_are_refused() {
    for kind in [2, 3, 4, 8, 9, 99] {
        let message = format!(
            r#"{{"type":{kind},"requestId":"r","opts":{{"rooms":[],"except":[]}},"rooms":["a"],"close":true}}"#
        );
        assert_eq!(request(message), Err(Unread::Refused), "{kind}");
    }
    let told = r#"{"uid":"emitter","type":6,"data":["event"]}"#;
    assert_eq!(request(told), Err(Unread::Refused), "no answer is wanted");
}

#[test]
fn what_is_no_request_is_malformed() {
    let long = format!(r#"{{"type":1,"requestId":"{}"}}"#, "x".repeat(257));
    let cases = [
        "",
        "{",
        "[]",
        "null",
        r#"{"requestId":"r"}"#,
        r#"{"type":"1","requestId":"r"}"#,
        r#"{"type":1}"#,
        r#"{"type":1,"requestId":7}"#,
        r#"{"type":0,"requestId":"r","rooms":"a"}"#,
        r#"{"type":0,"requestId":"r","rooms":[{}]}"#,
        r#"{"type":5,"requestId":"r","opts":7}"#,
        r#"{"type":1,"type":1,"requestId":"r"}"#,
        &long,
    ];
    for case in cases {
        assert_eq!(request(case), Err(Unread::Malformed), "{case}");
    }
    assert_eq!(request(b"{\"type\":1,\"requestId\":\"\xff\"}"), Err(Unread::Malformed));
}

/// Its subscriptions are lost, and Redis still answers.
#[tokio::test]
async fn a_connection_that_answers_and_hears_nothing_is_noticed() {
    let server = RedisServer::start(&[]).await;
    let bridge = RedisOptions::default().socket_io(&server.url()).unwrap();
    bridge.open(&["/".into()], BOUNDS).await.unwrap();
    let open = bridge.current().unwrap();
    open.test().await.unwrap();

    let deaf = Open { own: Some("another channel".into()), ..open };

    let Err(StoreError::Unavailable(cause)) = deaf.test().await else { panic!("it has heard") };
    assert_eq!(cause.to_string(), "the bridge did not receive its own message");
}

proptest! {
    /// Random bytes are dropped, or become an event within the bounds.
    #[test]
    fn any_bytes_are_read_within_the_bounds(message in proptest::collection::vec(any::<u8>(), 0..200)) {
        check(&message);
    }

    /// Changed bytes of a real message reach further into the parser.
    #[test]
    fn changed_messages_are_read_within_the_bounds(
        which in 0..3_usize,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut message = bytes([NEWS, FROM_EMITTER, ACKS][which]);
        for (at, byte) in changes {
            let length = message.len();
            message[at.index(length)] = byte;
        }
        check(&message);
    }
}

fn check(message: &[u8]) {
    if let Ok(Some(read)) = event("/", message) {
        assert!(serde_json::from_str::<Json>(&read.data).is_ok());
        assert!(read.data.len() <= BOUNDS.bytes && read.attachments.len() <= BOUNDS.attachments);
    }
    if let Ok(read) = request(message) {
        assert!(read.id.len() <= 256);
        assert!(serde_json::from_slice::<Json>(&request::write(&read, &Answer::Nothing)).is_ok());
    }
}
