//! Clients that poll: which request is answered when, and what ends a link.

use std::time::Duration;

use doorward::{Revoke, audit::Decision, prelude::*, server::Clock as _};
use doorward_testkit::{Poller, RawClient, Response, Seen as Frame, echo_across_an_upgrade};
use serde_json::{Value, json};

use crate::fixture::{Fixture, GOOD, tight, while_time_passes};

/// Connects a client to `/` as alice.
async fn alice(fixture: &Fixture) -> Poller {
    connected(fixture, "").await
}

async fn connected(fixture: &Fixture, headers: &str) -> Poller {
    let poller = Poller::open_with(fixture.address, headers).await;
    assert_eq!(poller.post(GOOD).await.body, "ok");
    let answer = poller.get().await;
    assert!(answer.body.starts_with("40{"), "{answer:?}");
    poller
}

fn packets(response: &Response) -> Vec<&str> {
    assert_eq!(response.status, 200, "{response:?}");
    response.body.split('\x1e').collect()
}

fn is_refused(response: &Response) -> bool {
    response.status == 400
}

/// Waits until the server has read what was sent before. It answers requests of later connections
/// after that.
async fn settled(fixture: &Fixture) {
    for _ in 0..2 {
        let answer = Poller::at(fixture.address).send("GET", "EIO=3&transport=polling", "").await;
        assert_eq!(answer.status, 400);
    }
}

/// Waits until the only link has ended.
async fn ended(fixture: &Fixture) {
    while fixture.doorward.connections() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_client_is_admitted_and_exchanges_events_by_polling() {
    let fixture = Fixture::start().await;
    let poller = Poller::open(fixture.address).await;

    assert_eq!(poller.post(r#"40{"token":"good:alice"}"#).await.body, "ok");
    let connected = poller.get().await;
    assert!(packets(&connected)[0].starts_with(r#"40{"sid":"#), "{connected:?}");
    assert!(connected.head.contains("content-type: text/plain; charset=utf-8"));
    assert!(connected.head.contains("cache-control: no-store"));

    let several = "420[\"echo\",1]\x1e421[\"echo\",2]\x1e422[\"whoami\"]";
    assert_eq!(poller.post(several).await.body, "ok");
    assert_eq!(packets(&poller.get().await), ["430[1]", "431[2]", "432[\"alice\"]"]);
    assert_eq!(fixture.handlers(), 2);
}

/// A load balancer chooses the node by the cookie.
#[tokio::test]
async fn a_cookie_names_the_node_of_a_client_that_polls() {
    let fixture = Fixture::with(|builder, _| builder.node_cookie("node")).await;
    let poller = Poller::at(fixture.address);
    let opened = poller.send("GET", "EIO=4&transport=polling", "").await;
    assert!(
        opened.head.contains("set-cookie: node=this%20server; path=/; httponly; samesite=lax"),
        "{opened:?}"
    );

    // Only the request that opens a link sets it.
    let poller = alice(&fixture).await;
    poller.post("420[\"whoami\"]").await;
    assert!(!poller.get().await.head.contains("set-cookie"));
    let silent = Fixture::start().await;
    let opened = Poller::at(silent.address).send("GET", "EIO=4&transport=polling", "").await;
    assert!(!opened.head.contains("set-cookie"), "{opened:?}");
}

/// A stock client with its default options reads from this packet that it may upgrade.
#[tokio::test]
async fn the_first_packet_offers_the_upgrade_and_a_websocket_offers_none() {
    let fixture = Fixture::start().await;
    let poller = Poller::open(fixture.address).await;
    let query = "EIO=4&transport=polling";
    let opened = poller.send("GET", query, "").await;
    let open: Value = serde_json::from_str(opened.body.trim_start_matches('0')).unwrap();
    assert_eq!(open["upgrades"], json!(["websocket"]));
    assert_ne!(open["sid"], poller.sid.as_str());

    let (_client, open) = RawClient::open_with(fixture.address, b"").await;
    assert_eq!(open["upgrades"], json!([]));
}

#[tokio::test]
async fn a_second_get_ends_the_link() {
    let fixture = Fixture::start().await;
    let poller = alice(&fixture).await;
    let mut first = poller.begin("GET", &poller.query(), "").await;
    // The server has read the first GET when it answers a POST that was sent later.
    assert_eq!(poller.post("3").await.body, "ok");

    assert!(is_refused(&poller.get().await));
    assert_eq!(packets(&Poller::finish(&mut first).await), ["1"]);
    assert!(is_refused(&poller.get().await));
    ended(&fixture).await;
}

#[tokio::test]
async fn a_second_post_ends_the_link() {
    let fixture = Fixture::start().await;
    let poller = alice(&fixture).await;
    // The body of the first POST does not arrive.
    let head = format!(
        "POST /socket.io/?{} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n",
        poller.query()
    );
    let mut first = RawClient::connect(fixture.address).await;
    first.bytes(head.as_bytes()).await;
    settled(&fixture).await;

    assert!(is_refused(&poller.post("3").await));
    assert!(is_refused(&poller.get().await));
    ended(&fixture).await;
}

#[tokio::test]
async fn a_close_packet_answers_the_waiting_get_with_a_noop() {
    let fixture = Fixture::start().await;
    let poller = alice(&fixture).await;
    let mut get = poller.begin("GET", &poller.query(), "").await;
    assert_eq!(poller.post("3").await.body, "ok");

    // Packets behind the close packet are ignored.
    assert_eq!(poller.post("1\x1e42[\"echo\",1]").await.body, "ok");

    assert_eq!(packets(&Poller::finish(&mut get).await), ["6"]);
    assert!(is_refused(&poller.get().await));
    ended(&fixture).await;
    assert_eq!(fixture.handlers(), 0);
    let outcomes = fixture.audit.wait_for(2).await;
    assert_eq!(outcomes[1], Decision::Ended(DisconnectReason::ClientLeft));
}

#[tokio::test]
async fn a_cancelled_get_ends_the_link() {
    let fixture = Fixture::start().await;
    let poller = alice(&fixture).await;
    let get = poller.begin("GET", &poller.query(), "").await;
    assert_eq!(poller.post("3").await.body, "ok");

    drop(get);

    let outcomes = fixture.audit.wait_for(2).await;
    assert_eq!(outcomes[1], Decision::Ended(DisconnectReason::TransportClosed));
    assert!(is_refused(&poller.get().await));
}

/// The GET beside a POST that fails must not wait for ever.
#[tokio::test]
async fn a_post_that_fails_answers_the_waiting_get() {
    let fixture = Fixture::start().await;
    for is_cancelled in [false, true] {
        let poller = alice(&fixture).await;
        let mut get = poller.begin("GET", &poller.query(), "").await;
        assert_eq!(poller.post("3").await.body, "ok");

        if is_cancelled {
            let head = format!(
                "POST /socket.io/?{} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n3",
                poller.query()
            );
            let mut post = RawClient::connect(fixture.address).await;
            post.bytes(head.as_bytes()).await;
            settled(&fixture).await;
            drop(post);
        } else {
            assert_eq!(poller.post(&"x".repeat(2_000_000)).await.status, 413);
        }

        assert!(is_refused(&Poller::finish(&mut get).await), "{is_cancelled}");
        ended(&fixture).await;
    }
}

#[tokio::test]
async fn an_invalid_payload_is_refused_and_ends_the_link() {
    let fixture = Fixture::start().await;
    for body in ["", "\x1e", "3\x1e", "abc", "b?", "bAQID", "2probe", "5", "42{}"] {
        let poller = alice(&fixture).await;

        assert!(is_refused(&poller.post(body).await), "{body:?}");
        assert!(is_refused(&poller.get().await), "{body:?}");
    }
    ended(&fixture).await;
}

#[tokio::test]
async fn a_body_that_is_not_text_is_refused() {
    let fixture = Fixture::start().await;
    let poller = alice(&fixture).await;
    let mut client = RawClient::connect(fixture.address).await;
    let head = format!(
        "POST /socket.io/?{} HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n",
        poller.query()
    );
    client.bytes(&[head.as_bytes(), b"42\xFF\xFE"].concat()).await;
    assert!(is_refused(&Poller::finish(&mut client).await));

    let poller = alice(&fixture).await;
    let binary = Poller { headers: "x: y\r\n".into(), ..poller.clone() };
    let mut client = RawClient::connect(fixture.address).await;
    let head = format!(
        "POST /socket.io/?{} HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\n\
         content-length: 1\r\n\r\n3",
        binary.query()
    );
    client.bytes(head.as_bytes()).await;
    assert!(is_refused(&Poller::finish(&mut client).await));
    ended(&fixture).await;
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_and_ends_its_link() {
    let fixture = Fixture::with(|builder, _| builder.limits(tight)).await;
    let poller = Poller::open(fixture.address).await;
    let long = "x".repeat(1024 * 1024);

    let response = poller.post(&long).await;

    assert_eq!(response.status, 413, "{response:?}");
    assert!(is_refused(&poller.get().await));
    // A body without a length.
    let poller = Poller::open(fixture.address).await;
    let mut client = RawClient::connect(fixture.address).await;
    let head = format!(
        "POST /socket.io/?{} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n",
        poller.query()
    );
    client.bytes(format!("{head}100000\r\n{long}\r\n0\r\n\r\n").as_bytes()).await;
    assert!(client.head().await.starts_with("HTTP/1.1 413 "));
    assert!(is_refused(&poller.get().await));
}

/// A link that has ended waits only a while for the request that would read its end.
#[tokio::test]
async fn a_link_whose_client_does_not_read_its_end_is_forgotten() {
    let fixture = Fixture::start().await;
    let poller = alice(&fixture).await;
    fixture.doorward.principals().revoke(Revoke::User("alice".into())).await.unwrap();

    while_time_passes(&fixture.clock, async {
        while fixture.doorward.links() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;

    let late = poller.get().await;
    assert!(is_refused(&late) && late.body.contains("\"code\":1"), "{late:?}");
}

/// socket.io-client closes the link when it is refused. An error would be red in the console of the
/// browser.
#[tokio::test]
async fn a_client_that_is_refused_may_close_the_link_itself() {
    let fixture = Fixture::start().await;
    let poller = Poller::open(fixture.address).await;
    assert_eq!(poller.post("40{\"token\":\"bad\"}").await.body, "ok");
    assert!(poller.get().await.body.starts_with("44{"));

    assert_eq!(packets(&poller.get().await), ["1"]);
    assert_eq!(poller.post("1").await.body, "ok");

    assert!(is_refused(&poller.get().await));
    assert_eq!(fixture.doorward.links(), 0);
}

/// A developer reads it in `details.context.responseText`.
#[tokio::test]
async fn the_answer_to_a_request_says_why_the_link_has_ended() {
    let fixture = Fixture::start().await;
    let poller = alice(&fixture).await;
    let mut get = poller.begin("GET", &poller.query(), "").await;
    let long = format!("42[\"echo\",\"{}\"]", "x".repeat(100_000));
    let post = poller.post(&long).await;
    assert_eq!((post.status, &*post.body), (400, r#"{"code":3,"message":"message is too large"}"#));
    assert_eq!(Poller::finish(&mut get).await.body, post.body);

    // The `auth` function of the client never calls back.
    let poller = Poller::open(fixture.address).await;
    let mut get = poller.begin("GET", &poller.query(), "").await;
    settled(&fixture).await;
    fixture.clock.advance(Duration::from_secs(5));
    let refused = Poller::finish(&mut get).await;
    assert!(refused.body.contains("auth function call back"), "{refused:?}");
}

/// Some networks lose the address of a phone, and the connection stays half open.
#[tokio::test]
async fn a_client_that_vanishes_while_nothing_is_sent_ends_at_its_ping_timeout() {
    let fixture = Fixture::start().await;
    let poller = alice(&fixture).await;
    let get = poller.begin("GET", &poller.query(), "").await;
    settled(&fixture).await;

    // The ping is due after 25 seconds. Its pong, or a GET for what follows, never comes.
    fixture.clock.advance(Duration::from_secs(25));
    settled(&fixture).await;
    assert_eq!(fixture.doorward.connections(), 1);
    fixture.clock.advance(Duration::from_secs(20));

    ended(&fixture).await;
    drop(get);
    let outcomes = fixture.audit.outcomes();
    assert_eq!(outcomes.last(), Some(&Decision::Ended(DisconnectReason::PingTimeout)));
}

#[tokio::test]
async fn a_body_that_arrives_too_slowly_ends_its_link() {
    let fixture = Fixture::start().await;
    let poller = alice(&fixture).await;
    let mut client = RawClient::connect(fixture.address).await;
    let head = format!(
        "POST /socket.io/?{} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\n4\r\n",
        poller.query()
    );
    client.bytes(head.as_bytes()).await;
    settled(&fixture).await;

    fixture.clock.advance(Duration::from_secs(31));

    ended(&fixture).await;
    assert!(is_refused(&poller.get().await));
    drop(client);
}

/// Otherwise a stock client would send it again with each new link.
#[tokio::test]
async fn a_connect_that_is_too_long_is_refused_with_a_packet() {
    let fixture = Fixture::start().await;
    for length in [20_000, 70_000, 250_000] {
        let poller = Poller::open(fixture.address).await;
        let mut get = poller.begin("GET", &poller.query(), "").await;

        let post = poller.post(&format!("40{{\"token\":\"{}\"}}", "x".repeat(length))).await;

        assert_eq!(post.body, "ok", "{length}: {post:?}");
        let refused = Poller::finish(&mut get).await.body;
        assert!(refused.starts_with("44{") && refused.contains("bad_handshake"), "{refused}");
        assert_eq!(packets(&poller.get().await), ["1"]);
    }
    // An attachment whose end was not read is not passed on.
    let poller = alice(&fixture).await;
    let head = "451-[\"echo\",{\"_placeholder\":true,\"num\":0}]";
    let filler = "3\u{1e}".repeat(500_000);
    let cut = format!("{filler}{head}\u{1e}b{}", "A".repeat(400_000));
    assert_eq!(poller.post(&cut).await.status, 413);
    assert_eq!(fixture.handlers(), 0);
    // A client that is connected violates its limit with any other packet.
    let poller = alice(&fixture).await;
    let post = poller.post(&format!("42[\"echo\",\"{}\"]", "x".repeat(3_000_000))).await;
    assert_eq!(post.status, 413, "{post:?}");
}

#[tokio::test]
async fn clients_that_poll_are_told_when_the_server_stops() {
    let fixture = Fixture::start().await;
    let known = alice(&fixture).await;
    let unknown = Poller::open(fixture.address).await;
    let mut get = known.begin("GET", &known.query(), "").await;
    let mut other = unknown.begin("GET", &unknown.query(), "").await;
    settled(&fixture).await;

    fixture.stop.notify_one();

    assert!(Poller::finish(&mut get).await.body.starts_with("42[\"session_ended\""));
    // A close packet would be final for python-socketio.
    for ended in [known.get().await, Poller::finish(&mut other).await] {
        assert_eq!((ended.status, &*ended.body), (400, r#"{"code":3,"message":"shutdown"}"#));
    }
}

/// A program that sends its first event in the handler of `connect`.
#[tokio::test]
async fn the_first_event_after_the_admission_may_be_as_large_as_any_other() {
    let fixture = Fixture::start().await;
    let poller = Poller::open(fixture.address).await;
    assert_eq!(poller.post(GOOD).await.body, "ok");
    assert!(poller.get().await.body.starts_with("40{"));

    let event = format!("420[\"echo\",\"{}\"]", "x".repeat(60_000));
    assert_eq!(poller.post(&event).await.body, "ok");

    assert!(poller.get().await.body.starts_with("430[\"xxx"));
}

/// A stock client sends its packets by one POST after the other.
#[tokio::test]
async fn posts_are_answered_within_two_seconds_although_handlers_are_slow() {
    let fixture = Fixture::with(|builder, _| {
        let slow = Gateway::at("/slow").on("wait", |Payload(value): Payload<Value>| async move {
            std::future::pending::<()>().await;
            value
        });
        builder.gateway(slow).limits(|limits| {
            tight(limits);
            limits.handler_timeout = Duration::from_secs(3600);
        })
    })
    .await;
    let poller = Poller::open(fixture.address).await;
    assert_eq!(poller.post(r#"40/slow,{"token":"good:alice"}"#).await.body, "ok");
    poller.get().await;
    let events = ["42/slow,[\"wait\",1]"; 10].join("\x1e");
    for _ in 0..3 {
        let mut post = poller.begin("POST", &poller.query(), &events).await;
        settled(&fixture).await;

        fixture.clock.advance(Duration::from_secs(2));

        assert_eq!(Poller::finish(&mut post).await.body, "ok");
    }
    let mut get = poller.begin("GET", &poller.query(), "").await;
    settled(&fixture).await;
    fixture.clock.advance(Duration::from_secs(27));
    let answer = Poller::finish(&mut get).await;
    assert!(["2", "6"].contains(&&*answer.body), "the link lives: {answer:?}");
}

#[tokio::test]
async fn binary_events_pass_in_both_directions() {
    let fixture = Fixture::with(|builder, _| {
        builder.gateway(
            Gateway::at("/raw").on("raw", |raw: doorward::event::RawArguments| async { raw }),
        )
    })
    .await;
    let poller = Poller::open(fixture.address).await;
    assert_eq!(poller.post(r#"40/raw,{"token":"good:alice"}"#).await.body, "ok");
    poller.get().await;

    let event = "451-/raw,7[\"raw\",{\"_placeholder\":true,\"num\":0}]\x1ebAQIDBA==";
    assert_eq!(poller.post(event).await.body, "ok");

    let answer = "461-/raw,7[{\"_placeholder\":true,\"num\":0}]";
    assert_eq!(packets(&poller.get().await), [answer, "bAQIDBA=="]);
}

#[tokio::test]
async fn a_get_is_answered_with_a_noop_before_its_request_times_out() {
    let fixture = Fixture::with(|builder, _| {
        builder.limits(|limits| {
            limits.request_timeout = Duration::from_secs(10);
        })
    })
    .await;
    let poller = alice(&fixture).await;
    let mut get = poller.begin("GET", &poller.query(), "").await;
    assert_eq!(poller.post("3").await.body, "ok");

    fixture.clock.advance(Duration::from_secs(9));

    assert_eq!(packets(&Poller::finish(&mut get).await), ["6"]);
}

#[tokio::test]
async fn a_ping_is_sent_and_its_pong_keeps_the_link() {
    let fixture = Fixture::start().await;
    let poller = alice(&fixture).await;
    for _ in 0..3 {
        let mut get = poller.begin("GET", &poller.query(), "").await;
        assert_eq!(poller.post("420[\"echo\",1]").await.body, "ok");
        assert_eq!(packets(&Poller::finish(&mut get).await), ["430[1]"]);
        let mut get = poller.begin("GET", &poller.query(), "").await;
        assert_eq!(poller.post("3").await.body, "ok");
        fixture.clock.advance(Duration::from_secs(25));
        assert_eq!(packets(&Poller::finish(&mut get).await), ["2"]);
        assert_eq!(poller.post("3").await.body, "ok");
    }

    // The next ping waits for a GET that does not come.
    fixture.clock.advance(Duration::from_secs(25));
    settled(&fixture).await;
    fixture.clock.advance(Duration::from_secs(20));

    let outcomes = fixture.audit.wait_for(2).await;
    assert!(matches!(outcomes[1], Decision::Ended(_)), "{outcomes:?}");
    assert!(is_refused(&poller.get().await));
}

/// Clients handle `1` before the packets in front of it in the same payload.
#[tokio::test]
async fn the_packet_that_closes_a_link_is_alone_in_its_answer() {
    let fixture = Fixture::start().await;
    let poller = Poller::open(fixture.address).await;
    assert_eq!(poller.post(r#"40{"token":"bad"}"#).await.body, "ok");

    let refused = poller.get().await;
    assert!(packets(&refused)[0].starts_with("44{"), "{refused:?}");
    assert_eq!(packets(&refused).len(), 1);
    assert_eq!(packets(&poller.get().await), ["1"]);
    assert!(is_refused(&poller.get().await));
}

#[tokio::test]
async fn a_client_that_polls_no_more_is_ended_by_the_stall_and_its_socket_is_gone() {
    let fixture = Fixture::start().await;
    let poller = alice(&fixture).await;
    assert_eq!(poller.post("420[\"echo\",1]").await.body, "ok");

    // The ack waits for the next GET.
    fixture.clock.advance(Duration::from_secs(10));

    let outcomes = fixture.audit.wait_for(2).await;
    assert_eq!(outcomes[1], Decision::Ended(DisconnectReason::SlowConsumer));
    ended(&fixture).await;
    assert!(is_refused(&poller.get().await));
}

#[tokio::test]
async fn a_revoked_client_reads_the_end_and_nothing_that_was_queued() {
    for is_waiting in [false, true] {
        let fixture = Fixture::start().await;
        let hub = fixture.doorward.hub::<crate::fixture::User>("/").unwrap();
        let poller = alice(&fixture).await;
        let get = match is_waiting {
            true => Some(poller.begin("GET", &poller.query(), "").await),
            false => None,
        };
        assert_eq!(poller.post("3").await.body, "ok");
        if !is_waiting {
            hub.emit("secret", 1).unwrap();
        }

        fixture.doorward.principals().revoke(Revoke::User("alice".into())).await.unwrap();

        let answer = match get {
            Some(mut get) => Poller::finish(&mut get).await,
            None => poller.get().await,
        };
        let seen = packets(&answer).join(" ");
        assert!(seen.contains("session_ended") || seen.contains("41"), "{seen}");
        assert!(!seen.contains("secret"), "{seen}");
    }
}

/// The answer of a GET is far larger than the buffers of the kernel, and its client reads slowly.
#[tokio::test]
async fn an_answer_that_is_on_its_way_is_cut_by_a_revocation() {
    let fixture =
        Fixture::with(|builder, _| builder.limits(|limits| limits.outbox = 128 * 1024 * 1024))
            .await;
    let hub = fixture.doorward.hub::<crate::fixture::User>("/").unwrap();
    let poller = alice(&fixture).await;
    hub.emit("secret", "s".repeat(32 * 1024 * 1024)).unwrap();
    let mut get = poller.begin("GET", &poller.query(), "").await;
    assert!(get.head().await.starts_with("HTTP/1.1 200 "));

    fixture.doorward.principals().revoke(Revoke::User("alice".into())).await.unwrap();

    let read = get.body().await.len();
    assert!(read < 16 * 1024 * 1024, "{read} bytes arrived");
    ended(&fixture).await;
    assert!(is_refused(&poller.get().await));
}

/// A client on a slow line reads a large answer for longer than the write stall, while other packets
/// wait for its next GET.
#[tokio::test]
async fn a_client_that_reads_a_large_answer_slowly_stays() {
    let fixture =
        Fixture::with(|builder, _| builder.limits(|limits| limits.outbox = 128 * 1024 * 1024))
            .await;
    let hub = fixture.doorward.hub::<crate::fixture::User>("/").unwrap();
    let poller = alice(&fixture).await;
    hub.emit("large", "x".repeat(32 * 1024 * 1024)).unwrap();
    let mut get = poller.begin("GET", &poller.query(), "").await;
    assert!(get.head().await.starts_with("HTTP/1.1 200 "));
    hub.emit("next", 1).unwrap();

    // More than the write stall in all, and less than the time of a ping.
    for _ in 0..4 {
        assert!(get.body_of(4 * 1024 * 1024).await);
        settled(&fixture).await;
        fixture.clock.advance(Duration::from_secs(5));
        settled(&fixture).await;
    }
    assert!(get.body_of(16 * 1024 * 1024).await);

    assert!(poller.get().await.body.contains("next"));
}

/// The connection breaks while the client reads an answer, so it cannot know what it has missed.
#[tokio::test]
async fn an_answer_that_does_not_arrive_ends_the_link() {
    let fixture =
        Fixture::with(|builder, _| builder.limits(|limits| limits.outbox = 128 * 1024 * 1024))
            .await;
    let hub = fixture.doorward.hub::<crate::fixture::User>("/").unwrap();
    let poller = alice(&fixture).await;
    hub.emit("lost", "x".repeat(32 * 1024 * 1024)).unwrap();
    let mut get = poller.begin("GET", &poller.query(), "").await;
    assert!(get.head().await.starts_with("HTTP/1.1 200 "));

    drop(get);

    ended(&fixture).await;
    assert!(is_refused(&poller.get().await));
}

/// An office behind one address: each user has a GET that waits, and sends with a POST beside it.
#[tokio::test]
async fn waiting_gets_of_admitted_clients_take_no_place_of_their_address() {
    let fixture =
        Fixture::with(|builder, _| builder.limits(|limits| limits.max_http_connections = 8)).await;
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let poller = alice(&fixture).await;
        waiting.push(poller.begin("GET", &poller.query(), "").await);
        assert_eq!(poller.post("3").await.body, "ok");
    }
    fixture.alice().await;

    // An answered connection that is idle takes a place again.
    fixture.doorward.hub::<crate::fixture::User>("/").unwrap().emit("all", 1).unwrap();
    for get in &mut waiting {
        assert_eq!(Poller::finish(get).await.body, "42[\"all\",1]");
    }
    let mut refused = RawClient::connect(fixture.address).await;
    refused.bytes(b"GET /socket.io/ HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(!refused.is_answered().await, "the address has too many connections");
    waiting.clear();
    settled_places(&fixture).await;

    // GETs of clients that are not admitted do.
    let mut strangers = Vec::new();
    for _ in 0..8 {
        let poller = Poller::open(fixture.address).await;
        strangers.push(poller.begin("GET", &poller.query(), "").await);
    }
    let mut refused = RawClient::connect(fixture.address).await;
    refused.bytes(b"GET /socket.io/ HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(!refused.is_answered().await, "the address has too many connections");
}

/// Waits until the server has noticed that connections were closed.
async fn settled_places(fixture: &Fixture) {
    loop {
        let mut client = RawClient::connect(fixture.address).await;
        client.bytes(b"GET /socket.io/ HTTP/1.1\r\nhost: x\r\n\r\n").await;
        if client.is_answered().await {
            return;
        }
    }
}

#[tokio::test]
async fn requests_that_no_stock_client_sends_are_refused() {
    let fixture = Fixture::start().await;
    let poller = alice(&fixture).await;
    let sid = &poller.sid;
    for (method, query, status) in [
        ("GET", "EIO=3&transport=polling".to_owned(), 400),
        ("GET", "transport=polling".to_owned(), 400),
        ("POST", "EIO=4&transport=polling".to_owned(), 400),
        ("PUT", "EIO=4&transport=polling".to_owned(), 400),
        ("GET", "EIO=4&transport=polling&j=0".to_owned(), 400),
        ("GET", "EIO=4&transport=polling&sid=unknown".to_owned(), 400),
        ("GET", format!("EIO=4&transport=polling&sid={sid}&sid={sid}"), 400),
        ("PUT", poller.query(), 400),
        ("DELETE", poller.query(), 400),
        ("GET", format!("EIO=4&transport=websocket&sid={sid}"), 426),
        ("GET", format!("EIO=4&transport=other&sid={sid}"), 400),
    ] {
        let response = poller.send(method, &query, "").await;
        assert_eq!(response.status, status, "{method} {query} {response:?}");
    }
    // The link has not noticed.
    assert_eq!(poller.post("420[\"echo\",1]").await.body, "ok");
    assert_eq!(packets(&poller.get().await), ["430[1]"]);
}

#[tokio::test]
async fn polling_can_be_turned_off_and_the_refusal_says_what_to_write() {
    let fixture = Fixture::with(|builder, _| builder.websocket_only()).await;

    let refused = Poller::at(fixture.address).send("GET", "EIO=4&transport=polling", "").await;

    assert_eq!(refused.status, 400);
    assert!(refused.body.contains(r#"transports: [\"websocket\"]"#), "{refused:?}");
    fixture.alice().await;
}

/// Sends each request that may belong to a link. The last one asks for a WebSocket.
async fn steal(thief: &Poller) -> [Response; 3] {
    let headers = format!(
        "{}connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
        sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        thief.headers
    );
    let upgrade = Poller { headers, ..thief.clone() };
    let socket = thief.query().replace("polling", "websocket");
    [thief.get().await, thief.post("42[\"echo\",1]").await, upgrade.send("GET", &socket, "").await]
}

mod origins {
    use super::*;

    async fn with_page() -> Fixture {
        Fixture::with(|builder, _| builder.pages(["https://app.example.org"])).await
    }

    const NAMED: &str = "origin: https://app.example.org\r\n";

    #[tokio::test]
    async fn a_page_that_is_not_named_is_refused_before_its_body_is_read() {
        let fixture = with_page().await;
        let poller = alice(&fixture).await;
        for headers in [
            "origin: https://evil.example\r\n",
            "origin: null\r\n",
            "origin: https://app.example.org.evil.example\r\n",
            "sec-fetch-site: cross-site\r\n",
        ] {
            let page = Poller { headers: headers.into(), ..poller.clone() };
            for (method, query) in [
                ("GET", "EIO=4&transport=polling".to_owned()),
                ("GET", page.query()),
                ("POST", page.query()),
                ("OPTIONS", page.query()),
            ] {
                let refused = page.send(method, &query, "").await;
                assert_eq!(refused.status, 403, "{method} {headers}");
                assert!(!refused.head.contains("access-control"), "{refused:?}");
            }
        }
        assert_eq!(poller.post("420[\"echo\",1]").await.body, "ok");
        assert_eq!(packets(&poller.get().await), ["430[1]"]);
    }

    #[tokio::test]
    async fn a_named_page_may_read_the_answers() {
        let fixture = with_page().await;
        let page = connected(&fixture, NAMED).await;

        let preflight = page.send("OPTIONS", &page.query(), "").await;
        assert_eq!(preflight.status, 204);
        assert!(preflight.head.contains("access-control-allow-methods: get, post"));
        for response in [preflight, page.post("420[\"echo\",1]").await, page.get().await] {
            let head = &response.head;
            let origin = "access-control-allow-origin: https://app.example.org\r\n";
            assert!(head.contains(origin), "{head}");
            assert!(head.contains("access-control-allow-credentials: true\r\n"), "{head}");
            assert!(head.contains("vary: origin\r\n"), "{head}");
        }
    }

    /// nginx forwards the name of the upstream as the host unless it is told otherwise.
    #[tokio::test]
    async fn a_page_behind_a_proxy_that_changes_the_host_keeps_its_link() {
        let fixture = Fixture::with(|builder, _| {
            builder
                .trusted_proxies(["127.0.0.1"])
                .pages(["https://app.example.org", "https://other.example.org"])
        })
        .await;
        let client = "x-forwarded-for: 203.0.113.7\r\n";
        let own = connected(&fixture, client).await;
        let with = |headers: &str| Poller { headers: format!("{client}{headers}"), ..own.clone() };

        // Chromium sends `Sec-Fetch-Site` with requests, and only `Origin` with a WebSocket.
        for headers in ["sec-fetch-site: same-origin\r\n", NAMED, "", NAMED] {
            assert_eq!(with(headers).post("3").await.body, "ok", "{headers}");
        }
        let other = with("origin: https://other.example.org\r\n");
        assert!(is_refused(&other.post("3").await));
        let named = connected(&fixture, &format!("{client}{NAMED}")).await;
        let without = Poller { headers: client.into(), ..named };
        assert!(is_refused(&without.post("3").await));
    }

    /// An id that has leaked is useless to a page of another origin, and to a client without one.
    #[tokio::test]
    async fn the_id_of_a_link_opens_nothing_for_another_origin() {
        let fixture = with_page().await;
        for (owner, other) in [(NAMED, ""), ("", NAMED)] {
            let owner = connected(&fixture, owner).await;
            let thief = Poller { headers: other.into(), ..owner.clone() };

            let unknown = r#"{"code":1,"message":"Session ID unknown"}"#;
            for response in steal(&thief).await {
                assert_eq!((response.status, &*response.body), (400, unknown));
            }

            assert_eq!(owner.post("420[\"echo\",1]").await.body, "ok");
            assert_eq!(packets(&owner.get().await), ["430[1]"]);
        }
        assert_eq!(fixture.handlers(), 2);
    }
}

mod sessions {
    use doorward::{
        auth::{AuthenticateError, Authenticator, Handshake, RefusalReason},
        session::SessionId,
    };

    use super::*;

    /// Admits every client. The cookie `id=SESSION.VERSION` names a session; `away` has no answer.
    struct ByCookie;

    impl Authenticator for ByCookie {
        type Principal = ();

        async fn authenticate(&self, _: Handshake) -> Result<Grant<()>, AuthenticateError> {
            Ok(Grant::new((), "anyone"))
        }

        async fn session_of(
            &self,
            handshake: &Handshake,
        ) -> Result<Option<SessionId>, AuthenticateError> {
            let cookie = handshake.credentials.get_str("cookie").unwrap_or_default();
            match cookie.strip_prefix("id=").and_then(|value| value.split_once('.')) {
                Some(("away", _)) => Err(AuthenticateError::Unavailable("away".into())),
                Some(("guess", _)) => {
                    Err(Refusal::unauthenticated(RefusalReason::SessionUnknown).into())
                }
                Some((session, _)) => Ok(Some(SessionId::new(session))),
                None => Ok(None),
            }
        }
    }

    async fn server() -> (std::net::SocketAddr, tokio::task::JoinHandle<()>) {
        let echo = Gateway::at("/").on("echo", |Payload(value): Payload<Value>| async { value });
        let doorward = Doorward::builder()
            .authenticate(ByCookie)
            .limits(|limits| limits.max_unauthenticated_links = 1000)
            .gateway(echo)
            .build()
            .expect("the server starts");
        let listeners =
            doorward::server::Listeners::bind("127.0.0.1:0").await.expect("the server starts");
        let address = listeners.addresses()[0];
        let task = tokio::spawn(async move {
            let service = doorward.service();
            doorward
                .serve_with(listeners, service, std::future::pending())
                .await
                .expect("the server starts");
        });
        (address, task)
    }

    fn with_cookie(poller: &Poller, cookie: &str) -> Poller {
        let headers =
            if cookie.is_empty() { String::new() } else { format!("cookie: {cookie}\r\n") };
        Poller { headers, ..poller.clone() }
    }

    /// A cookie is rotated while the client polls, and a thief has the id of the link.
    #[tokio::test]
    async fn the_id_of_a_link_opens_nothing_for_another_session() {
        let (address, task) = server().await;
        let owner = Poller::open_with(address, "cookie: id=mine.1\r\n").await;
        assert_eq!(owner.post("40").await.body, "ok");
        owner.get().await;

        for (cookie, status) in [
            ("", 400),
            ("other=1", 400),
            ("id=yours.1", 400),
            ("id=away.1", 503),
            ("id=mine.2", 200),
            ("id=mine.2", 200),
            ("id=yours.1", 400),
            ("id=mine.1", 200),
        ] {
            let client = with_cookie(&owner, cookie);
            let answer = client.post("420[\"echo\",1]").await;
            assert_eq!(answer.status, status, "{cookie} {answer:?}");
            if status == 200 {
                assert_eq!(packets(&client.get().await), ["430[1]"]);
            } else {
                let stolen = steal(&client).await;
                assert!(stolen.iter().all(|stolen| stolen.status == status), "{cookie} {stolen:?}");
            }
        }
        task.abort();
    }

    /// A phone has another address in its network, and a thief is in another network.
    #[tokio::test]
    async fn a_link_may_be_bound_to_the_address_of_its_client() {
        let fixture = Fixture::with(|builder, _| {
            builder.trusted_proxies(["127.0.0.1"]).bind_polling_to_address()
        })
        .await;
        let from = |address| format!("x-forwarded-for: {address}\r\n");
        let owner = Poller::open_with(fixture.address, &from("2001:db8:1:2::5")).await;
        assert_eq!(owner.post(GOOD).await.body, "ok");
        owner.get().await;

        for thief in ["2001:db8:1:3::5", "203.0.113.7"] {
            let thief = Poller { headers: from(thief), ..owner.clone() };
            assert!(steal(&thief).await.iter().all(is_refused));
        }
        let moved = Poller { headers: from("2001:db8:1:2::99"), ..owner.clone() };
        assert_eq!(moved.post("420[\"echo\",1]").await.body, "ok");
        assert_eq!(packets(&owner.get().await), ["430[1]"]);

        // By default the address does not count.
        let fixture = Fixture::with(|builder, _| builder.trusted_proxies(["127.0.0.1"])).await;
        let owner = Poller::open_with(fixture.address, &from("2001:db8:1:2::5")).await;
        let moved = Poller { headers: from("203.0.113.7"), ..owner.clone() };
        assert_eq!(moved.post(GOOD).await.body, "ok");
    }

    /// A client tries cookies. When the budget of its address is used up, no cookie is looked up, and
    /// a link belongs to the very cookies that opened it.
    #[tokio::test]
    async fn cookies_that_are_guessed_use_up_the_budget_of_their_address() {
        let (address, task) = server().await;
        for number in 0..100 {
            let guess = with_cookie(&Poller::at(address), &format!("id=guess.{number}"));
            assert_eq!(guess.send("GET", "EIO=4&transport=polling", "").await.status, 200);
        }

        // `away` would be answered with 503 if it was looked up.
        let client = Poller::open_with(address, "cookie: id=away.1\r\n").await;
        assert_eq!(client.post("3").await.body, "ok");
        assert_eq!(with_cookie(&client, "id=away.2").post("3").await.status, 400);
        assert_eq!(with_cookie(&client, "").post("3").await.status, 400);
        task.abort();
    }

    #[tokio::test]
    async fn a_client_without_a_cookie_may_get_one_later() {
        let (address, task) = server().await;
        let client = Poller::open(address).await;
        for cookie in ["", "id=mine.1", "id=yours.1", ""] {
            assert_eq!(with_cookie(&client, cookie).post("3").await.body, "ok", "{cookie}");
        }
        task.abort();
    }

    #[tokio::test]
    async fn a_session_that_cannot_be_looked_up_opens_no_link() {
        let (address, task) = server().await;
        let client = with_cookie(&Poller::at(address), "id=away.1");
        let answer = client.send("GET", "EIO=4&transport=polling", "").await;
        assert_eq!(answer.status, 503);
        task.abort();
    }
}

/// The same messages over both transports: packets, answers, disconnects and audit are the same.
#[tokio::test]
async fn a_client_that_polls_is_served_as_one_with_a_websocket() {
    let scripts: [&[&str]; 7] = [
        &[GOOD, "420[\"echo\",1]", "421[\"echo\",\"\u{1f6aa}\"]", "422[\"no such event\"]", "41"],
        &["40{\"token\":\"bad\"}"],
        &["420[\"too early\"]"],
        &[
            GOOD,
            "40/chat,{\"token\":\"good:alice\"}",
            "42/chat,7[\"echo\",[]]",
            "41/chat,",
            "423[\"echo\",{}]",
        ],
        &[GOOD, "not a packet"],
        &[GOOD, "42[\"connect\"]"],
        &["40/nowhere,", GOOD],
    ];
    for script in scripts {
        let fixture = Fixture::start().await;
        let mut client = RawClient::open(fixture.address).await;
        for message in script.iter().chain(&["1"]) {
            if fixture.doorward.links() > 0 {
                client.text(message).await;
                settled(&fixture).await;
            }
        }
        let mut by_socket = Vec::new();
        while let Some(packet) = client.packet().await {
            by_socket.push(packet);
        }
        let records = settled_records(&fixture).await;

        let fixture = Fixture::start().await;
        let poller = Poller::open(fixture.address).await;
        // A violation ends the link, and a close of the client comes too late then.
        for message in script {
            if poller.post(message).await.body != "ok" {
                break;
            }
            settled(&fixture).await;
        }
        let mut by_polling: Vec<String> = Vec::new();
        loop {
            let mut get = poller.begin("GET", &poller.query(), "").await;
            let answer = tokio::select! {
                biased;
                answer = Poller::finish(&mut get) => answer,
                () = settled(&fixture) => {
                    poller.post("1").await;
                    Poller::finish(&mut get).await
                }
            };
            if answer.status != 200 {
                break;
            }
            by_polling.extend(packets(&answer).into_iter().map(str::to_owned));
        }

        by_polling.retain(|packet| packet != "6");
        let same = |packets: &[String]| {
            packets.iter().map(|packet| without_ids(packet)).collect::<Vec<_>>()
        };
        assert_eq!(same(&by_polling), same(&by_socket), "{script:?}");
        assert_eq!(settled_records(&fixture).await, records, "{script:?}");
    }
}

/// Returns the outcomes and namespaces of all audit records once the only link has ended.
async fn settled_records(fixture: &Fixture) -> Vec<String> {
    ended(fixture).await;
    let records = fixture.audit.records();
    records.iter().map(|record| format!("{:?} {:?}", record.outcome, record.namespace)).collect()
}

/// Replaces the ids in a packet, which are random.
fn without_ids(packet: &str) -> String {
    let mut parts = packet.split("id\":\"");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        format!("{text}id\":\"_{}", part.split_once('"').map_or("", |(_, rest)| rest))
    })
}

mod upgrades {
    use super::*;

    /// Opens a WebSocket for the link.
    async fn socket(fixture: &Fixture, poller: &Poller) -> RawClient {
        let (client, head) = attempt(fixture, poller).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        client
    }

    async fn attempt(fixture: &Fixture, poller: &Poller) -> (RawClient, String) {
        let request = format!(
            "GET /socket.io/?EIO=4&transport=websocket&sid={} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            poller.sid
        );
        RawClient::request(fixture.address, request.as_bytes()).await
    }

    async fn probed(fixture: &Fixture, poller: &Poller) -> RawClient {
        let mut client = socket(fixture, poller).await;
        client.text("2probe").await;
        assert_eq!(client.packet().await.as_deref(), Some("3probe"));
        client
    }

    #[tokio::test]
    async fn a_client_upgrades_and_its_packets_go_on_in_order() {
        let fixture = Fixture::start().await;
        let poller = alice(&fixture).await;
        // Acks that no GET has fetched leave on the WebSocket.
        assert_eq!(poller.post("420[\"echo\",0]\x1e421[\"echo\",1]").await.body, "ok");
        let mut client = probed(&fixture, &poller).await;
        assert_eq!(poller.post("422[\"echo\",2]").await.body, "ok");

        // The packets behind `5` arrive in the same read.
        client.texts(["5", "423[\"echo\",3]", "424[\"echo\",4]"]).await;

        for number in 0..5 {
            let expected = format!("43{number}[{number}]");
            assert_eq!(client.packet().await.unwrap(), expected);
        }
    }

    /// `cargo xtask endure upgrade` does this fifty times with latency.
    #[tokio::test]
    async fn no_packet_is_lost_or_reordered_by_an_upgrade_under_load() {
        let fixture = Fixture::start().await;
        for before in [0, 1, 200, 999] {
            let time_passes = async {
                loop {
                    settled(&fixture).await;
                    fixture.clock.advance(Duration::from_millis(5));
                }
            };
            let seen = tokio::select! {
                seen = echo_across_an_upgrade(fixture.address, GOOD, 1_000, before) => seen,
                () = time_passes => unreachable!("time never ends"),
            };

            let expected: Vec<_> =
                (0..1_000).map(|number| format!("43{number}[{number}]")).collect();
            assert_eq!(seen, expected, "{before}");
        }
    }

    #[tokio::test]
    async fn requests_after_an_upgrade_are_refused_and_the_websocket_goes_on() {
        let fixture = Fixture::start().await;
        let poller = alice(&fixture).await;
        let mut client = probed(&fixture, &poller).await;
        client.text("5").await;
        client.text("420[\"echo\",1]").await;
        assert_eq!(client.packet().await.unwrap(), "430[1]");

        assert!(is_refused(&poller.get().await));
        assert!(is_refused(&poller.post("3").await));
        let mut second = socket(&fixture, &poller).await;
        assert_eq!(second.next().await, Frame::Closed(None));

        client.text("421[\"echo\",2]").await;
        assert_eq!(client.packet().await.unwrap(), "431[2]");
    }

    #[tokio::test]
    async fn each_get_during_a_probe_is_answered_and_posts_are_served() {
        let fixture = Fixture::start().await;
        let poller = alice(&fixture).await;
        let mut get = poller.begin("GET", &poller.query(), "").await;
        assert_eq!(poller.post("3").await.body, "ok");
        let _client = probed(&fixture, &poller).await;
        for _ in 0..3 {
            fixture.clock.advance(Duration::from_millis(100));
            assert_eq!(packets(&Poller::finish(&mut get).await), ["6"]);
            get = poller.begin("GET", &poller.query(), "").await;
            assert_eq!(poller.post("3").await.body, "ok");
        }
        assert_eq!(poller.post("420[\"echo\",1]").await.body, "ok");
        assert_eq!(packets(&Poller::finish(&mut get).await), ["430[1]"]);
    }

    #[tokio::test]
    async fn a_probe_that_says_anything_else_leaves_the_client_polling() {
        let fixture = Fixture::start().await;
        let poller = alice(&fixture).await;
        for wrong in ["2", "5", "40", "2probe2", "42[\"echo\",1]"] {
            let mut client = socket(&fixture, &poller).await;
            client.text(wrong).await;
            assert_eq!(client.next().await, Frame::Closed(None), "{wrong}");
        }
        let mut client = probed(&fixture, &poller).await;
        client.text("6").await;
        assert_eq!(client.next().await, Frame::Closed(None));

        assert_eq!(poller.post("420[\"echo\",1]").await.body, "ok");
        assert_eq!(packets(&poller.get().await), ["430[1]"]);
        assert_eq!(fixture.handlers(), 1);

        let mut client = probed(&fixture, &poller).await;
        let mut second = socket(&fixture, &poller).await;
        assert_eq!(second.next().await, Frame::Closed(None), "only one WebSocket is probed");
        client.text("5").await;
        client.text("421[\"echo\",2]").await;
        assert_eq!(client.packet().await.unwrap(), "431[2]");
    }

    /// Clients behind one address all upgrade at once.
    #[tokio::test]
    async fn a_connection_that_is_probed_needs_no_place_of_its_address_and_ends_with_the_link() {
        let fixture = Fixture::with(|builder, _| {
            builder.limits(|limits| limits.max_unauthenticated_links = 3)
        })
        .await;
        let mut pollers = Vec::new();
        for _ in 0..3 {
            pollers.push(Poller::open(fixture.address).await);
        }
        let mut probed = Vec::new();
        for poller in &pollers {
            probed.push(socket(&fixture, poller).await);
        }

        // The link of the first one ends, and its probe with it.
        assert_eq!(pollers[0].post("1").await.body, "ok");
        assert_eq!(packets(&pollers[0].get().await), ["6"]);
        assert_eq!(probed[0].next().await, Frame::Closed(None));
    }

    /// The client has sent more than the server may keep before it upgrades, and finishes its POST
    /// and its GET first. The answers leave on the WebSocket.
    #[tokio::test]
    async fn a_post_does_not_hold_up_the_upgrade_although_the_client_reads_no_answers() {
        let fixture = Fixture::start().await;
        let poller = alice(&fixture).await;
        let event = format!("[\"echo\",\"{}\"]", "x".repeat(30_000));
        // The answers fill the outbox, and the server handles no more events.
        let body = |ids: std::ops::Range<usize>| {
            ids.map(|id| format!("42{id}{event}")).collect::<Vec<_>>().join("\u{1e}")
        };
        assert_eq!(poller.post(&body(0..8)).await.body, "ok");
        let mut post = poller.begin("POST", &poller.query(), &body(8..20)).await;
        settled(&fixture).await;
        let mut client = probed(&fixture, &poller).await;
        settled(&fixture).await;
        fixture.clock.advance(Duration::from_millis(100));
        assert_eq!(Poller::finish(&mut post).await.body, "ok");

        client.texts(["5", "42100[\"echo\",1]"]).await;

        for id in (0..20).map(|id| id.to_string()).chain(["100".to_owned()]) {
            let packet = client.packet().await.unwrap();
            assert!(packet.starts_with(&format!("43{id}[")), "{id}");
        }
    }

    /// python-socketio gives a request up after five seconds, and rejects bodies with more than 16
    /// packets.
    #[tokio::test]
    async fn requests_are_answered_as_python_clients_expect() {
        let fixture = Fixture::start().await;
        let poller = alice(&fixture).await;
        let events: Vec<_> = (0..40).map(|id| format!("42{id}[\"echo\",{id}]")).collect();
        assert_eq!(poller.post(&events.join("\u{1e}")).await.body, "ok");
        let mut seen = Vec::new();
        while seen.len() < 40 {
            let answer = poller.get().await;
            let packets = packets(&answer);
            assert!(packets.len() <= 16, "{}", packets.len());
            seen.extend(packets.into_iter().map(str::to_owned));
        }
        assert_eq!(seen[39], "4339[39]");
    }

    /// socket.io-client polls no more after `3probe`. If its WebSocket closed before it has sent `5`,
    /// it would wait for its ping timeout.
    #[tokio::test]
    async fn a_websocket_stays_open_between_the_last_packets_of_the_probe() {
        let fixture = Fixture::start().await;
        let poller = Poller::open(fixture.address).await;
        let mut client = probed(&fixture, &poller).await;

        // The link ends without a packet for the client.
        let mut get = poller.begin("GET", &poller.query(), "").await;
        assert_eq!(poller.post("1").await.body, "ok");
        assert_eq!(packets(&Poller::finish(&mut get).await), ["6"]);
        ended(&fixture).await;
        tokio::select! {
            biased;
            frame = client.next() => panic!("{frame:?}"),
            () = settled(&fixture) => {}
        }
        client.text("5").await;

        assert_eq!(client.next().await, Frame::Closed(None));
    }

    /// A page that reloads in the middle of its upgrade polls no more. Its link must not stay until the
    /// next ping times out.
    #[tokio::test]
    async fn a_client_that_leaves_in_the_middle_of_its_upgrade_ends_within_the_write_stall() {
        let fixture = Fixture::start().await;
        let poller = alice(&fixture).await;
        let client = probed(&fixture, &poller).await;

        drop(client);

        let begun = fixture.clock.now();
        while_time_passes(&fixture.clock, ended(&fixture)).await;
        let took = fixture.clock.now() - begun;
        assert!(took < Duration::from_secs(12), "{took:?}");
    }

    /// A client that polls again, even if late, has nothing to fear.
    #[tokio::test]
    async fn a_client_whose_upgrade_failed_answers_a_ping_and_stays() {
        let fixture = Fixture::start().await;
        let poller = alice(&fixture).await;
        drop(probed(&fixture, &poller).await);
        settled(&fixture).await;
        fixture.clock.advance(Duration::from_secs(1));

        // A noop may answer the first GET, because the probe had not ended.
        let ping = while_time_passes(&fixture.clock, async {
            loop {
                let body = poller.get().await.body;
                if body != "6" {
                    break body;
                }
            }
        });
        assert_eq!(ping.await, "2");
        assert_eq!(poller.post("3\x1e429[\"echo\",1]").await.body, "ok");
        assert!(poller.get().await.body.contains("439[1]"));
    }

    #[tokio::test]
    async fn a_client_that_is_revoked_during_a_probe_gets_nothing_on_the_websocket() {
        let fixture = Fixture::start().await;
        let poller = alice(&fixture).await;
        let mut client = probed(&fixture, &poller).await;
        let hub = fixture.doorward.hub::<crate::fixture::User>("/").unwrap();
        hub.emit("secret", 1).unwrap();

        fixture.doorward.principals().revoke(Revoke::User("alice".into())).await.unwrap();
        client.text("5").await;

        loop {
            match client.next().await {
                Frame::Text(text) => assert!(!text.contains("secret"), "{text}"),
                Frame::Binary(_) | Frame::Pong(_) => {}
                Frame::Closed(_) => break,
            }
        }
    }

    /// Moments in the life of a link that polls.
    #[derive(Clone, Copy, Debug)]
    enum Moment {
        BetweenPolls,
        WaitingGet,
        Opened,
        Probed,
        Upgraded,
    }

    /// The end of a socket reaches the client at each moment, and nothing that was queued does.
    #[tokio::test]
    async fn a_revocation_and_an_expiry_reach_the_client_at_each_moment() {
        use Moment::{BetweenPolls, Opened, Probed, Upgraded, WaitingGet};
        for moment in [BetweenPolls, WaitingGet, Opened, Probed, Upgraded] {
            for is_revoked in [true, false] {
                let fixture = Fixture::start().await;
                let poller = Poller::open(fixture.address).await;
                let connect = r#"40{"token":"brief:alice"}"#;
                assert_eq!(poller.post(connect).await.body, "ok");
                assert!(poller.get().await.body.starts_with("40{"));
                let mut get = None;
                let mut websocket = match moment {
                    BetweenPolls => None,
                    WaitingGet => {
                        get = Some(poller.begin("GET", &poller.query(), "").await);
                        settled(&fixture).await;
                        None
                    }
                    Opened => Some(socket(&fixture, &poller).await),
                    Probed => Some(probed(&fixture, &poller).await),
                    Upgraded => {
                        let mut client = probed(&fixture, &poller).await;
                        client.texts(["5", "429[\"echo\",0]"]).await;
                        assert_eq!(client.packet().await.unwrap(), "439[0]");
                        Some(client)
                    }
                };

                if is_revoked {
                    if matches!(moment, BetweenPolls | Opened | Probed) {
                        let hub = fixture.doorward.hub::<crate::fixture::User>("/").unwrap();
                        hub.emit("secret", 1).unwrap();
                    }
                    let user = Revoke::User("alice".into());
                    fixture.doorward.principals().revoke(user).await.unwrap();
                } else {
                    fixture.clock.advance(Duration::from_secs(2));
                }

                let mut seen = String::new();
                if let Some(get) = &mut get {
                    seen += &Poller::finish(get).await.body;
                }
                if matches!(moment, BetweenPolls | Opened) {
                    seen += &poller.get().await.body;
                }
                if let (Probed, Some(client)) = (moment, &mut websocket) {
                    client.text("5").await;
                }
                if let (Probed | Upgraded, Some(client)) = (moment, &mut websocket) {
                    while !seen.contains("session_ended") {
                        seen += &client.packet().await.unwrap();
                    }
                }
                let code = if is_revoked { "revoked" } else { "expired" };
                assert!(seen.contains("session_ended") && seen.contains(code), "{moment:?} {seen}");
                assert!(!seen.contains("secret"), "{moment:?} {seen}");
                assert_eq!(fixture.doorward.connections(), 0, "{moment:?}");
            }
        }
    }
}
