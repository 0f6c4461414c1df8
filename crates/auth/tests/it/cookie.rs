//! Authenticates browsers by session cookies.

use std::sync::{Arc, Mutex};

use doorward_auth::{
    AuthenticateError, Authenticator, BoxError, Handshake, Origins, RefusalReason, SessionCookie,
    SignedIn,
};
use doorward_core::{
    AuthPayload, HandshakeRequest, Headers, Issued, Refusal, RefusalCode, SessionToken,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    forge::ask,
    log::logged,
    world::{HOUR, MINUTE, Random, World, done},
};

pub(crate) const PAGE: (&str, &str) = ("origin", "https://app.example.org");
const UPGRADE: (&str, &str) = ("upgrade", "websocket");
const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");

pub(crate) fn cookie(world: &World) -> SessionCookie {
    let origins = Origins::new("https://app.example.org").unwrap();
    SessionCookie::new(Arc::clone(&world.sessions), Arc::new(origins))
}

/// Makes a WebSocket handshake from the page of the server, with this cookie and `auth` payload.
pub(crate) fn from_page(world: &World, token: Option<&SessionToken>, auth: &str) -> Handshake {
    let cookie = token.map(|token| format!("__Host-doorward={}", token.expose()));
    let mut headers = vec![PAGE, UPGRADE];
    headers.extend(cookie.as_deref().map(|cookie| ("cookie", cookie)));
    handshake(world, &headers, "EIO=4&transport=websocket", auth)
}

pub(crate) fn handshake(
    world: &World,
    headers: &[(&str, &str)],
    query: &str,
    auth: &str,
) -> Handshake {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    let (open, secret) = Headers::split(&map);
    let request = Arc::new(HandshakeRequest::new(open, query, None));
    Handshake::new(request, "/", AuthPayload::parse(auth).unwrap(), world.now())
        .with_credentials(Arc::new(secret))
}

pub(crate) fn refused<A: Authenticator>(authenticator: &A, handshake: Handshake) -> Refusal {
    match ask(authenticator, handshake) {
        Err(AuthenticateError::Refused(refusal)) => refusal,
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it is let in"),
    }
}

#[test]
fn a_cookie_authenticates_its_user() {
    let world = World::new();
    let (token, session) = world.sign_in("alice");
    world.pass(MINUTE);

    let grant = ask(&cookie(&world), from_page(&world, Some(&token), "{}")).unwrap();

    assert_eq!(grant.user.as_str(), "alice");
    assert_eq!(grant.session, Some(session.id.clone()));
    assert_eq!(grant.issued, Some(Issued::Generation(session.generation)));
    assert_eq!(grant.signed_in_at, Some(session.signed_in_at));
    assert_eq!(grant.expires_at, Some(session.ends_at));
    assert_eq!(grant.principal.user(), &session.user);
    assert_eq!(grant.principal.session(), &session.id);
    assert_eq!(grant.principal.created_at(), session.created_at);
    assert_eq!(grant.principal.signed_in_at(), session.signed_in_at);
    // The handshake counts as activity.
    assert_eq!(grant.lease.unwrap().expires_at(), Some(world.now() + HOUR));
}

/// Attack 53.
#[test]
fn a_cookie_from_a_foreign_page_is_ignored() {
    let world = World::new();
    let (token, _) = world.sign_in("alice");
    let value = format!("__Host-doorward={}", token.expose());
    let (polling, websocket) = ("EIO=4&transport=polling", "EIO=4&transport=websocket");
    let evil = ("origin", "https://app.example.org.evil.example");
    let key = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let version = ("sec-websocket-version", "13");
    let reason = |headers: &[(&str, &str)], query| {
        let headers = [headers, &[("cookie", &*value)]].concat();
        let handshake = handshake(&world, &headers, query, "{}");
        ask(&cookie(&world), handshake).err().map(|error| match error {
            AuthenticateError::Refused(refusal) => {
                assert_eq!(refusal.code(), RefusalCode::Unauthenticated);
                refusal.reason()
            }
            error => panic!("{error:?}"),
        })
    };

    assert_eq!(reason(&[PAGE, UPGRADE], websocket), None);
    assert_eq!(reason(&[PAGE], polling), None);
    assert_eq!(reason(&[SAME], polling), None);
    for (headers, query) in [
        (&[evil, UPGRADE][..], websocket),
        (&[evil], polling),
        (&[evil, SAME], polling),
        (&[("origin", "null")], polling),
        (&[], polling),
        (&[UPGRADE], websocket),
        (&[SAME, UPGRADE], websocket),
        // Contradictory headers and queries count as an upgrade.
        (&[SAME, UPGRADE], polling),
        (&[SAME, key], polling),
        (&[SAME, version], polling),
        (&[SAME], websocket),
    ] {
        let forbidden = Some(RefusalReason::OriginForbidden);
        assert_eq!(reason(headers, query), forbidden, "{headers:?} {query}");
    }
}

/// A foreign page must not learn if there is a session.
#[test]
fn the_origin_is_checked_before_the_cookie() {
    let world = World::new();
    for value in ["__Host-doorward=a", "__Host-doorward=a; __Host-doorward=b"] {
        let headers = [("origin", "https://evil.example"), ("cookie", value)];

        let refusal = refused(&cookie(&world), handshake(&world, &headers, "", "{}"));

        assert_eq!(refusal.reason(), RefusalReason::OriginForbidden);
        let fault = refusal.fault().unwrap().to_string();
        assert_eq!(fault, "header origin: not_allowed");
    }
}

#[test]
fn an_invalid_cookie_is_refused() {
    let world = World::new();
    let (token, _) = world.sign_in("alice");
    let text = token.expose();
    let unknown = SessionToken::generate(&Random).expose();
    for (value, expected) in [
        (format!("__Host-doorward={unknown}"), RefusalReason::SessionUnknown),
        (format!("__Host-doorward=\"{text}\""), RefusalReason::SessionUnknown),
        (format!("__Host-doorward={text}="), RefusalReason::SessionUnknown),
        (format!("__Host-doorward={text} {text}"), RefusalReason::SessionUnknown),
        ("__Host-doorward=".to_owned(), RefusalReason::SessionUnknown),
        (
            format!("__Host-doorward={text}; __Host-doorward={text}"),
            RefusalReason::CredentialAmbiguous,
        ),
        (format!("__host-doorward={text}"), RefusalReason::CredentialMissing),
        (format!("doorward={text}"), RefusalReason::CredentialMissing),
        (format!("__Host-doorward ={text}"), RefusalReason::CredentialMissing),
    ] {
        let headers = [PAGE, UPGRADE, ("cookie", &value)];
        let refusal = refused(&cookie(&world), handshake(&world, &headers, "", "{}"));

        assert_eq!(refusal.reason(), expected, "{value}");
        assert_eq!(refusal.code(), RefusalCode::Unauthenticated);
    }
}

/// Only the owner of a session has its token, so the refusal may say that it has ended.
#[test]
fn a_client_learns_that_its_session_has_ended() {
    let world = World::apart();
    let (revoked, session) = world.sign_in("alice");
    let (over, _) = world.sign_in("bob");
    done(doorward_core::RevocationStore::bump(&world.memory, &session.user, world.now())).unwrap();
    let refusal_of = |token: &SessionToken| {
        let refusal = refused(&cookie(&world), from_page(&world, Some(token), "{}"));
        (refusal.code(), refusal.reason())
    };

    assert_eq!(refusal_of(&revoked), (RefusalCode::SessionExpired, RefusalReason::Revoked));
    world.pass(HOUR);
    assert_eq!(refusal_of(&over), (RefusalCode::SessionExpired, RefusalReason::SessionExpired));
}

/// A client that sends a token must not be authenticated by its cookie, even if no authenticator
/// reads the token.
#[test]
fn a_cookie_does_not_replace_a_token_that_was_sent() {
    let world = World::new();
    let (token, _) = world.sign_in("alice");
    for auth in [r#"{"token":"a.b.c"}"#, r#"{"token":null}"#, r#"{"sessionToken":""}"#] {
        let refusal = refused(&cookie(&world), from_page(&world, Some(&token), auth));
        assert_eq!(refusal.reason(), RefusalReason::CredentialAmbiguous, "{auth}");
    }
}

#[test]
fn a_cookie_is_set_and_cleared() {
    let world = World::new();
    let (token, _) = world.sign_in("alice");
    let (text, lax) = (token.expose(), cookie(&world));
    let strict = cookie(&world).name("__Host-chat").unwrap().same_site_strict();

    assert_eq!(
        lax.set_cookie(&token),
        format!("__Host-doorward={text}; Path=/; Secure; HttpOnly; SameSite=Lax"),
    );
    assert_eq!(
        lax.clear_cookie(),
        "__Host-doorward=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0",
    );
    assert_eq!(
        strict.set_cookie(&token),
        format!("__Host-chat={text}; Path=/; Secure; HttpOnly; SameSite=Strict"),
    );

    let headers = [PAGE, UPGRADE, ("cookie", &*format!("__Host-chat={text}"))];
    assert!(ask(&strict, handshake(&world, &headers, "", "{}")).is_ok());
}

#[test]
fn a_cookie_keeps_the_prefix_that_browsers_protect() {
    let world = World::new();
    let long = format!("__Host-{}", "a".repeat(65));
    for name in
        ["", "session", "__Host-", "__host-a", "__Secure-a", "__Host-a b", "__Host-a;", &long]
    {
        assert!(cookie(&world).name(name).is_err(), "{name}");
    }
}

#[test]
fn the_application_loads_its_user_and_can_reload_it() {
    let world = World::new();
    let (token, _) = world.sign_in("alice");
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let loaded = cookie(&world).load(move |me: SignedIn| {
        let mut calls = seen.lock().unwrap();
        calls.push(me.user().clone());
        let count = calls.len();
        async move { Ok::<_, BoxError>((count < 3).then_some(count)) }
    });

    let grant = ask(&loaded, from_page(&world, Some(&token), "{}")).unwrap();
    let reload = grant.reload.clone().unwrap();

    assert_eq!(grant.principal, 1);
    assert!(grant.lease.is_some() && grant.session.is_some());
    assert_eq!(done(reload()).unwrap(), Some(2));
    assert_eq!(done(reload()).unwrap(), None);
    assert!(calls.lock().unwrap().iter().all(|user| user.as_str() == "alice"));
    let refusal = refused(&loaded, from_page(&world, Some(&token), "{}"));
    assert_eq!(refusal.reason(), RefusalReason::UserUnknown);
}

/// Attack 100, attack 101.
#[test]
fn a_refusal_for_its_origin_names_the_setting_and_no_cookie() {
    let world = World::new();
    let (token, _) = world.sign_in("alice");
    let value = format!("__Host-doorward={}", token.expose());
    // Text that is not an origin may be anything, such as a password.
    for (origin, told) in [
        ("https://app.example", Some("https://app.example")),
        ("https://evil.example\" level=error", None),
        ("https://user:canary@evil.example", None),
    ] {
        let shown = handshake(&world, &[("origin", origin), ("cookie", &*value)], "", "{}");

        let (refusal, log) = logged(|| refused(&cookie(&world), shown));

        assert_eq!(refusal.reason(), RefusalReason::OriginForbidden);
        assert!(log.contains("origins.allow"), "{log}");
        assert!(log.contains(&format!("origin={told:?}")), "{log}");
        assert!(!log.contains(&token.expose()), "{log}");
        assert_eq!(log.lines().count(), 1, "{log}");
    }
}
