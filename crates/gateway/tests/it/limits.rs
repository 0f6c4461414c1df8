//! Limits on what clients send, and on the connections of an address.

use std::time::Duration;

use doorward::{
    Doorward, Gateway, Limits, audit::Decision, auth::RefusalReason, server::Listeners,
};
use doorward_protocol::ws::Opcode;
use doorward_testkit::{ManualClock, RawClient, Seen as Frame};

use crate::fixture::{Fixture, in_time};

/// Opens a link, sends `bytes`, and returns the close code.
async fn closed_after(fixture: &Fixture, bytes: &[u8]) -> Option<u16> {
    let mut client = RawClient::open(fixture.address).await;
    client.bytes(bytes).await;
    closed(client).await
}

/// Reads to the end of the link and returns the close code.
async fn closed(mut client: RawClient) -> Option<u16> {
    match client.rest().await.pop() {
        Some(Frame::Closed(code)) => code,
        other => panic!("{other:?}"),
    }
}

/// Attack 43: the limit is 16 KiB before admission and 64 KiB after it.
#[tokio::test]
async fn a_message_over_the_limit_closes_the_link() {
    let fixture = Fixture::start().await;
    let event = format!(r#"42["echo","{}"]"#, "x".repeat(16 * 1024));
    let frame = RawClient::frame(Opcode::Text, event.as_bytes());
    // 1009 is a message that is too big (RFC 6455, section 7.4.1).
    assert_eq!(closed_after(&fixture, &frame).await, Some(1009));
    assert_eq!(fixture.authentications(), 0);

    let mut client = fixture.alice().await;
    let head = r#"420["echo",""]"#.len();
    let fits = format!(r#"420["echo","{}"]"#, "x".repeat(64 * 1024 - head));
    client.text(&fits).await;
    assert_eq!(client.packet().await.unwrap().len(), fits.len() - r#""echo","#.len());
    client.text(&fits.replace("xx\"]", "xxx\"]")).await;
    assert_eq!(closed(client).await, Some(1009));
    assert_eq!(fixture.handlers(), 1);
}

/// Attack 43: fragments without payload would otherwise never reach a limit of bytes.
#[tokio::test]
async fn a_message_in_many_tiny_parts_closes_the_link() {
    let fixture = Fixture::start().await;
    // Without the bit FIN the message continues (RFC 6455, section 5.4).
    let mut part = RawClient::frame(Opcode::Continuation, b"");
    part[0] &= 0x7F;
    let mut bytes = RawClient::frame(Opcode::Text, b"");
    bytes[0] &= 0x7F;
    for _ in 0..100 {
        bytes.extend_from_slice(&part);
    }

    assert_eq!(closed_after(&fixture, &bytes).await, Some(1009));
}

/// Attacks 41, 44, 45 and 46, and malformed frames. The codes are those of RFC 6455, section 7.4.1:
/// 1002 protocol error, 1007 invalid UTF-8, 1008 policy violation, 1009 too big.
#[tokio::test]
async fn protocol_violations_close_the_link() {
    let deep = format!(r#"420["echo",{}1{}]"#, "[".repeat(40), "]".repeat(40));
    let text = |text: &str| RawClient::frame(Opcode::Text, text.as_bytes());
    let cases = [
        (text(""), 1008),
        (text("x"), 1008),
        (text("2"), 1008),
        (text("4"), 1008),
        (text("49"), 1008),
        (text("42"), 1008),
        (text("42{}"), 1008),
        (text("42[null]"), 1008),
        (text(r#"42["echo""#), 1008),
        (text(r#"42["connect"]"#), 1008),
        (text(r#"42["disconnect"]"#), 1008),
        (text(r#"42["removeListener"]"#), 1008),
        (text(r#"451000000000-["echo"]"#), 1008),
        (text(&deep), 1008),
        (RawClient::frame(Opcode::Binary, b"x"), 1008),
        (RawClient::frame(Opcode::Text, b"42[\"\xff\"]"), 1007),
        // Not masked, reserved bits, a reserved opcode, and a length of 2^63 - 1.
        (b"\x81\x02hi".to_vec(), 1002),
        (b"\xf1\x80\0\0\0\0".to_vec(), 1002),
        (b"\x83\x80\0\0\0\0".to_vec(), 1002),
        (b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff".to_vec(), 1009),
    ];
    let fixture = Fixture::start().await;

    for (bytes, code) in cases {
        let mut client = fixture.alice().await;
        client.bytes(&bytes).await;
        assert_eq!(closed(client).await, Some(code), "{:?}", String::from_utf8_lossy(&bytes));
    }

    assert_eq!(fixture.handlers(), 0);
    assert_eq!(fixture.doorward.connections(), 0);
}

#[tokio::test]
async fn an_unauthenticated_link_may_send_at_most_64_kib() {
    let fixture = Fixture::start().await;
    let ping = RawClient::frame(Opcode::Ping, &[0; 125]);

    let code = closed_after(&fixture, &ping.repeat(600)).await;

    assert_eq!(code, Some(1008));
    assert_eq!(fixture.audit.outcomes(), [Decision::Closed(RefusalReason::ProtocolViolation)]);
}

/// Attack 50: links that never authenticate, all from one address.
#[tokio::test]
async fn the_unauthenticated_links_of_an_address_are_bounded_and_known_ones_do_not_count() {
    let limits = |limits: &mut Limits| limits.max_unauthenticated_links = 2;
    let fixture = Fixture::with(|builder, _| builder.limits(limits)).await;
    let upgrade = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n\
                   Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    let mut known = Vec::new();
    for _ in 0..5 {
        known.push(fixture.alice().await);
    }
    let first = RawClient::open(fixture.address).await;
    let _second = RawClient::open(fixture.address).await;
    let (_, head) = RawClient::request(fixture.address, upgrade.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 429 "), "{head}");
    assert!(head.to_lowercase().contains("retry-after: 1"), "{head}");

    drop(first);
    // The place is free as soon as the server has seen the first link end.
    let free_again = async {
        loop {
            let (_, head) = RawClient::request(fixture.address, upgrade.as_bytes()).await;
            if head.starts_with("HTTP/1.1 101 ") {
                break;
            }
        }
    };
    in_time(free_again).await;
}

#[tokio::test]
async fn an_anonymous_client_has_few_events_and_a_short_lifetime() {
    let public = Gateway::at("/open").on("e", || async { 1 });
    let fixture = Fixture::with(|builder, _| builder.public(public)).await;
    let mut client = RawClient::open(fixture.address).await;
    client.text("40/open,").await;
    client.json("40/open,").await;

    client.texts((0..21).map(|id| format!(r#"42/open,{id}["e"]"#))).await;
    for id in 0..20 {
        assert_eq!(client.packet().await.unwrap(), format!("43/open,{id}[1]"));
    }
    assert_eq!(client.rest().await.last(), Some(&Frame::Closed(Some(1008))));

    // The lifetime of 6 minutes ends after 14 heartbeats and 10 s.
    let mut client = RawClient::open(fixture.address).await;
    client.text("40/open,").await;
    client.json("40/open,").await;
    for _ in 0..14 {
        fixture.clock.advance(Duration::from_secs(25));
        assert_eq!(client.packet().await.as_deref(), Some("2"));
        client.texts(["3", "41/nowhere,"]).await;
        let ping = RawClient::frame(Opcode::Ping, b"seen");
        client.bytes(&ping).await;
        assert_eq!(client.next().await, Frame::Pong(b"seen".to_vec()));
    }
    fixture.clock.advance(Duration::from_secs(10));
    let ended = client.json("42/open,").await;
    assert_eq!(ended[1]["code"], "expired");
}

#[tokio::test]
async fn the_namespaces_of_a_link_are_bounded() {
    let limits = |limits: &mut Limits| limits.max_namespaces = 2;
    let fixture = Fixture::with(|builder, _| builder.limits(limits)).await;
    let mut client = fixture.alice().await;
    client.text(r#"40/chat,{"token":"good:alice"}"#).await;
    client.json("40/chat,").await;

    client.text(r#"40/third,{"token":"good:alice"}"#).await;

    let answer = client.json("44/third,").await;
    assert_eq!(answer["data"]["code"], "too_many_namespaces");
    client.text(r#"420["echo",1]"#).await;
    assert_eq!(client.packet().await.as_deref(), Some("430[1]"));
}

/// This happens with a token that has too many claims, or with a whole profile in `auth`. The
/// client must receive the reason, regardless of the size of its message.
#[tokio::test]
async fn a_connect_that_is_too_long_is_refused_without_authentication() {
    let fixture = Fixture::start().await;
    for length in [17 * 1024, 60 * 1024, 100 * 1024, 1024 * 1024] {
        for namespace in ["", "/chat,"] {
            let mut client = RawClient::open(fixture.address).await;
            let connect = format!(r#"40{namespace}{{"token":"{}"}}"#, "x".repeat(length));

            client.bytes(&RawClient::frame(Opcode::Text, connect.as_bytes())).await;

            let answer = client.json(&format!("44{namespace}")).await;
            assert_eq!(answer["data"]["code"], "bad_handshake", "{length} {namespace}");
            assert_eq!(answer["data"]["retry"], "never");
            assert_eq!(client.packet().await.as_deref(), Some("1"));
        }
    }
    assert_eq!(fixture.authentications(), 0);
    let refused = Decision::Refused(RefusalReason::AuthMalformed);
    assert_eq!(fixture.audit.outcomes(), [refused; 8]);
}

/// The other sockets of the link reconnect by themselves, and the refused one does not try again.
#[tokio::test]
async fn a_second_connect_that_is_too_long_is_refused_before_the_link_closes() {
    let fixture = Fixture::start().await;
    let mut client = fixture.alice().await;
    let connect = format!(r#"40/chat,{{"token":"{}"}}"#, "x".repeat(70_000));

    client.text(&connect).await;

    assert_eq!(client.json("44/chat,").await["data"]["code"], "bad_handshake");
    assert_eq!(closed(client).await, Some(1009));
}

#[tokio::test]
async fn an_auth_payload_that_is_too_deep_is_a_bad_handshake() {
    let fixture = Fixture::start().await;
    let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
    let mut stranger = RawClient::open(fixture.address).await;
    stranger.text(&format!(r#"40{{"token":{deep}}}"#)).await;
    assert_eq!(stranger.json("44").await["data"]["code"], "bad_handshake");
    assert_eq!(closed(stranger).await, Some(1000));

    let mut client = fixture.alice().await;
    client.text(&format!(r#"40/chat,{{"token":{deep}}}"#)).await;
    assert_eq!(client.json("44/chat,").await["data"]["code"], "bad_handshake");
    client.text(r#"420["echo",1]"#).await;
    assert_eq!(client.packet().await.as_deref(), Some("430[1]"));
}

#[tokio::test]
async fn a_long_connect_that_arrives_in_pieces_is_refused_early() {
    let fixture = Fixture::start().await;
    let mut client = RawClient::open(fixture.address).await;
    let connect = format!(r#"40/chat,{{"token":"{}"}}"#, "x".repeat(20_000));
    let frame = RawClient::frame(Opcode::Text, connect.as_bytes());

    let (head, rest) = frame.split_at(20);
    client.bytes(head).await;
    // The answer must not wait for the rest of the frame.
    client.bytes(&rest[..10_000]).await;

    assert_eq!(client.json("44/chat,").await["data"]["code"], "bad_handshake");
}

/// Attack 52: a client may ping as fast as it reads the pongs.
#[tokio::test]
async fn a_flood_of_pings_is_answered_while_the_client_reads() {
    let fixture = Fixture::start().await;
    let mut client = fixture.alice().await;
    let ping = RawClient::frame(Opcode::Ping, b"x");

    client.bytes(&ping.repeat(5_000)).await;

    for _ in 0..5_000 {
        assert_eq!(client.next().await, Frame::Pong(b"x".to_vec()));
    }
}

#[tokio::test]
async fn frames_may_arrive_in_pieces_of_any_size() {
    let fixture = Fixture::start().await;
    let mut client = fixture.alice().await;
    let text = "x".repeat(40_000);
    let event = format!(r#"420["echo","{text}"]"#);
    let frame = RawClient::frame(Opcode::Text, event.as_bytes());

    for piece in frame.chunks(7_001).chain(frame.chunks(1_000)) {
        client.bytes(piece).await;
        tokio::task::yield_now().await;
    }

    for _ in 0..2 {
        assert_eq!(client.packet().await.unwrap(), format!(r#"430["{text}"]"#));
    }
}

/// A client that keeps HTTP connections open and idle must not use up the server's connections.
#[tokio::test]
async fn the_http_connections_of_an_address_are_bounded() {
    let limits = |limits: &mut Limits| limits.max_http_connections = 3;
    let fixture = Fixture::with(|builder, _| builder.limits(limits)).await;
    let mut idle = Vec::new();
    for _ in 0..3 {
        let mut client = RawClient::connect(fixture.address).await;
        client.bytes(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(client.head().await.starts_with("HTTP/1.1 404 "));
        idle.push(client);
    }

    let mut fourth = RawClient::connect(fixture.address).await;
    assert_eq!(fourth.body().await, b"");

    // Connections that became links do not count, so an address may have more than three links.
    drop(idle);
    let mut links = Vec::new();
    let five = async {
        while links.len() < 5 {
            let mut client = RawClient::connect(fixture.address).await;
            client.bytes(&upgrade()).await;
            if client.is_answered().await {
                links.push(client);
            }
        }
    };
    in_time(five).await;
}

fn upgrade() -> Vec<u8> {
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
      Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
      Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        .to_vec()
}

#[tokio::test]
async fn an_anonymous_client_has_the_attempts_of_an_unauthenticated_link() {
    let public = Gateway::at("/open").on("e", || async { 1 });
    let fixture = Fixture::with(|builder, _| builder.public(public)).await;
    let mut client = RawClient::open(fixture.address).await;
    client.text("40/open,").await;
    client.json("40/open,").await;

    client.texts((0..1_000).map(|number| format!("40/{number},"))).await;

    let seen = client.rest().await;
    assert_eq!(seen.last(), Some(&Frame::Closed(Some(1000))));
    assert!(seen.len() <= 7, "{}", seen.len());
}

/// A client that requests a large response and does not read it must not keep the connection.
#[tokio::test]
async fn a_response_that_is_not_read_times_out() {
    const SIZE: usize = 64 * 1024 * 1024;
    let clock = ManualClock::new();
    let doorward =
        Doorward::builder().public(Gateway::at("/")).clock(clock.clone()).build().unwrap();
    let app = axum::Router::new().route("/", axum::routing::get(|| async { vec![0_u8; SIZE] }));
    let listeners = Listeners::bind("127.0.0.1:0").await.unwrap();
    let address = listeners.addresses()[0];
    let serving =
        tokio::spawn(
            async move { doorward.serve_with(listeners, app, std::future::pending()).await },
        );
    let (mut client, head) =
        RawClient::request(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200 "));

    for _ in 0..10_000 {
        clock.advance(Duration::from_millis(100));
        tokio::task::yield_now().await;
    }

    // What the kernel had buffered still arrives before the end.
    assert!(client.body().await.len() < SIZE);
    serving.abort();
}
