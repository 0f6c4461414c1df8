//! Tests for handshakes, and for the grants and guard contexts that are created from them.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use doorward_core::{
    Action, AuthPayload, BoxFuture, Clock as _, Grant, Guard, GuardContext, Handshake,
    HandshakeRequest, Headers, Issued, Lease, LeaseError, ManualClock, SessionId, SocketId,
    TokenId, UniqueObject, UserId, Verdict, short_type_name,
};
use http::{HeaderMap, HeaderValue};
use serde_json::json;

use super::Filled;

fn headers(name: &'static str, value: &'static str) -> Headers {
    let mut map = HeaderMap::new();
    map.insert(name, HeaderValue::from_static(value));
    Headers::from(&map)
}

#[test]
fn a_handshake_keeps_request_payload_and_credentials() {
    let peer: SocketAddr = "203.0.113.7:4711".parse().unwrap();
    let request = HandshakeRequest::new(headers("host", "localhost"), "EIO=4", Some(peer));
    assert_eq!((request.query(), request.peer()), ("EIO=4", Some(peer)));
    assert_eq!(request.client_ip(), Some(IpAddr::from([203, 0, 113, 7])));
    let auth = AuthPayload::parse(r#"{"token":"t","age":7}"#).unwrap();
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1);

    let handshake = Handshake::new(Arc::new(request), "/chat", auth, at);

    assert_eq!((&*handshake.namespace, handshake.at), ("/chat", at));
    assert_eq!(handshake.request.headers().get_str("Host"), Some("localhost"));
    assert_eq!(handshake.auth.get_str("token"), Some("t"));
    assert_eq!(handshake.auth.get("age"), Some(&json!(7)));
    assert_eq!((handshake.auth.get_str("age"), handshake.auth.get_str("other")), (None, None));
    assert_eq!(
        handshake.auth.decode::<serde_json::Value>().unwrap(),
        json!({"token": "t", "age": 7})
    );
    assert_eq!(handshake.credentials.get("cookie"), None);
    let with = handshake.with_credentials(Arc::new(headers("cookie", "a=b")));
    assert_eq!(with.credentials.get_str("cookie"), Some("a=b"));
    assert_eq!(with.auth.get_str("token"), Some("t"));
}

#[test]
fn a_header_value_with_a_delete_character_is_no_text() {
    let mut map = HeaderMap::new();
    map.insert("x-tilde", HeaderValue::from_bytes(b"~ ").unwrap());
    map.insert("x-tab", HeaderValue::from_bytes(b"a\tb").unwrap());
    let headers = Headers::from(&map);

    assert_eq!(headers.get_str("x-tilde"), Some("~ "));
    assert_eq!(headers.get_str("x-tab"), None);
    assert_eq!(headers.get("x-tab"), Some(&b"a\tb"[..]));
}

/// The object contains a value of every JSON type.
#[test]
fn an_object_without_duplicates_is_read_as_it_is() {
    let text = r#"{"a":"\u0041","b":[null,false,true,-1,1,1.5,"x"],"c":{},"d":null}"#;

    let UniqueObject(read) = serde_json::from_str(text).unwrap();

    let expected: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::Value::Object(read), expected);
}

struct Kept;

impl Lease for Kept {
    fn touch(&self, _: SystemTime) {}

    fn expires_at(&self) -> Option<SystemTime> {
        Some(SystemTime::UNIX_EPOCH)
    }

    fn renew(&self, _: SystemTime) -> BoxFuture<'_, Result<(), LeaseError>> {
        Box::pin(async { Err(LeaseError::Ended) })
    }
}

#[test]
fn a_grant_keeps_all_that_it_is_given() {
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let (session, token) = (SessionId::new("s"), TokenId::new("t"));
    let grant = Grant::new("admin", "alice")
        .session(session.clone())
        .token(token.clone())
        .issued(Issued::Generation(7))
        .signed_in_at(at(1))
        .expires_at(at(2))
        .lease(Arc::new(Kept))
        .reload(Arc::new(|| Box::pin(async { Ok(Some("user")) })));
    assert!(grant.lease.is_some() && grant.reload.is_some());

    let other = grant.with_principal(5);

    assert_eq!((other.principal, other.user), (5, UserId::new("alice")));
    assert_eq!((other.session, other.token), (Some(session), Some(token)));
    assert_eq!(other.issued, Some(Issued::Generation(7)));
    assert_eq!((other.signed_in_at, other.expires_at), (Some(at(1)), Some(at(2))));
    // The reload function is dropped, because it returns the previous principal type.
    assert!(other.lease.is_some() && other.reload.is_none());
}

struct Everyone<T>(T);

impl<T: Send + Sync + 'static> Guard<()> for Everyone<T> {
    async fn check(&self, _: GuardContext<'_, ()>) -> Verdict {
        Verdict::Allow
    }
}

#[test]
fn a_guard_is_named_after_its_type() {
    assert_eq!(Guard::name(&Everyone(Vec::<u8>::new())), "Everyone");
    assert_eq!(short_type_name::<String>(), "String");
    assert_eq!(short_type_name::<u8>(), "u8");
}

#[test]
fn a_context_knows_the_time_since_the_sign_in_only_if_it_is_told() {
    let request = HandshakeRequest::new(Headers::default(), "", None);
    let (user, socket) = (UserId::new("alice"), SocketId::generate(&Filled(1)));
    let now = ManualClock::new().now();

    let context = GuardContext::new(Action::Join("r"), &7, &user, socket, "/", &request, now);

    assert_eq!(
        (context.action, context.principal, context.socket),
        (Action::Join("r"), &7, socket)
    );
    assert_eq!((context.namespace, context.now, context.since_sign_in), ("/", now, None));
    let ago = Some(Duration::from_secs(3));
    assert_eq!(context.since_sign_in(ago).since_sign_in, ago);
}
