//! Tests of requests that open a link, and of requests that do not.

use http::Request;

use super::*;

/// Checks a valid request of a WebSocket after `change`. Clients may not poll.
fn checked(change: impl FnOnce(&mut Parts)) -> Result<Offer, Rejection> {
    match wanted(false, change) {
        Ok(Wanted::Socket(offer)) => Ok(offer),
        Ok(wanted) => panic!("{wanted:?}"),
        Err(rejection) => Err(rejection),
    }
}

fn wanted(is_polling: bool, change: impl FnOnce(&mut Parts)) -> Result<Wanted, Rejection> {
    let (mut parts, ()) = valid().into_parts();
    change(&mut parts);
    check(&parts, is_polling)
}

fn valid() -> Request<()> {
    Request::get("/socket.io/?EIO=4&transport=websocket")
        .header("connection", "keep-alive, Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(())
        .unwrap()
}

fn with_query(query: &str) -> Result<Offer, Rejection> {
    let uri = format!("/socket.io/?{query}").parse();
    checked(|parts| parts.uri = uri.expect("the tests write valid queries"))
}

#[test]
fn the_example_of_the_rfc_is_answered_as_the_rfc_says() {
    let offer = checked(|_| {}).unwrap();

    let response = switch(offer);

    assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn the_first_subprotocol_is_answered_as_the_javascript_server_answers_it() {
    let answered = |offered: &'static str| {
        let offered = HeaderValue::from_static(offered);
        let offer = checked(|parts| {
            parts.headers.insert("sec-websocket-protocol", offered);
        });
        offer.map(|offer| switch(offer).headers().get("sec-websocket-protocol").cloned())
    };

    assert_eq!(answered("chat").unwrap().unwrap(), "chat");
    assert_eq!(answered("v1.chat, superchat").unwrap().unwrap(), "v1.chat");
    assert_eq!(switch(checked(|_| {}).unwrap()).headers().get("sec-websocket-protocol"), None);
    for broken in ["", ",chat", "a b", "a/b", "\"chat\"", "a=b"] {
        assert!(matches!(answered(broken), Err(Rejection::BadRequest(_))), "{broken}");
    }
}

/// Stock clients begin with polling by default. Here the page is on another port, as with a
/// development server.
#[test]
fn a_page_of_another_origin_reads_that_there_is_no_polling() {
    let response = Rejection::Polling.response();

    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    assert_eq!(Rejection::UnknownSid.response().headers().get("access-control-allow-origin"), None);
}

#[test]
fn a_request_that_is_no_handshake_is_rejected_with_the_reason() {
    assert_eq!(with_query("EIO=4&transport=polling"), Err(Rejection::Polling));
    assert_eq!(with_query("EIO=4"), Err(Rejection::UnknownTransport));
    assert_eq!(
        with_query("EIO=4&transport=websocket&transport=polling"),
        Err(Rejection::UnknownTransport)
    );
    assert_eq!(with_query("transport=websocket"), Err(Rejection::Protocol));
    // Attack 38: an old client connects to "/" without a credential.
    assert_eq!(with_query("EIO=3&transport=websocket"), Err(Rejection::Protocol));
    assert_eq!(with_query("EIO=4&transport=websocket&sid=x"), Err(Rejection::UnknownSid));
    assert_eq!(checked(|parts| parts.method = Method::POST), Err(Rejection::Method));
}

#[test]
fn a_request_that_is_no_upgrade_is_refused() {
    let without = |name: &'static str| {
        checked(|parts| {
            parts.headers.remove(name);
        })
    };

    assert_eq!(without("connection"), Err(Rejection::Upgrade));
    assert_eq!(without("upgrade"), Err(Rejection::Upgrade));
    assert_eq!(without("sec-websocket-version"), Err(Rejection::Upgrade));
    assert!(matches!(without("sec-websocket-key"), Err(Rejection::BadRequest(_))));
    let short = HeaderValue::from_static("c2hvcnQ=");
    let replaced = checked(|parts| {
        parts.headers.insert("sec-websocket-key", short);
    });
    assert!(matches!(replaced, Err(Rejection::BadRequest(_))));
}

/// Request smuggling: the bytes of a body are no frames.
#[test]
fn an_upgrade_with_a_body_is_a_bad_request() {
    for (name, value, is_good) in [
        (header::CONTENT_LENGTH, "40", false),
        (header::CONTENT_LENGTH, "0", true),
        (header::TRANSFER_ENCODING, "chunked", false),
    ] {
        let checked = checked(|parts| {
            parts.headers.insert(name, HeaderValue::from_static(value));
        });
        assert_eq!(checked.is_ok(), is_good, "{value}");
        assert!(is_good || matches!(checked, Err(Rejection::BadRequest(_))), "{value}");
    }
}

#[test]
fn a_request_of_a_client_that_polls_is_told_from_the_others() {
    let asked = |method: Method, query: &str| {
        let uri = format!("/socket.io/?{query}").parse().unwrap();
        wanted(true, |parts| (parts.method, parts.uri) = (method, uri))
    };
    let sid = || "x".to_owned();

    assert_eq!(asked(Method::GET, "EIO=4&transport=polling"), Ok(Wanted::Open));
    assert_eq!(asked(Method::GET, "EIO=4&transport=polling&sid=x"), Ok(Wanted::Get { sid: sid() }));
    assert_eq!(
        asked(Method::POST, "EIO=4&transport=polling&sid=x"),
        Ok(Wanted::Post { sid: sid() })
    );
    assert_eq!(asked(Method::OPTIONS, "EIO=4&transport=polling"), Ok(Wanted::Preflight));
    let upgrade = asked(Method::GET, "EIO=4&transport=websocket&sid=x");
    assert!(matches!(upgrade, Ok(Wanted::Upgrade { sid, .. }) if sid == "x"));
    for (method, query, rejection) in [
        (Method::POST, "EIO=4&transport=polling", Rejection::Method),
        (Method::HEAD, "EIO=4&transport=polling", Rejection::Method),
        (Method::PUT, "EIO=4&transport=polling&sid=x", Rejection::Method),
        (Method::HEAD, "EIO=4&transport=polling&sid=x", Rejection::Method),
        (Method::POST, "EIO=4&transport=websocket&sid=x", Rejection::Method),
        (Method::GET, "EIO=3&transport=polling", Rejection::Protocol),
        (
            Method::GET,
            "EIO=4&transport=polling&j=0",
            Rejection::BadRequest("JSONP is not supported"),
        ),
        (Method::GET, "EIO=4&transport=other&sid=x", Rejection::UnknownTransport),
    ] {
        assert_eq!(asked(method, query), Err(rejection), "{query}");
    }
}
