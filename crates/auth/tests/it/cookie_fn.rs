//! Authenticates browsers by a cookie of the application, and by the application's own state.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use doorward_auth::{
    AuthenticateError, Authenticator, FirstOf, Grant, Handshake, Jwt, Origins, RefusalReason,
    Shown, ShowsCredential, authenticate_with, cookie_fn, user_by_id,
};
use doorward_core::{HandshakeRequest, RequestKind, SessionId};
use serde_json::json;

use crate::{
    cookie::{PAGE, handshake, refused},
    forge::{SECRET, ask},
    world::{World, done},
};

const UPGRADE: (&str, &str) = ("upgrade", "websocket");

fn origins() -> Origins {
    Origins::new("https://app.example.org").unwrap()
}

/// Returns an authenticator that knows the cookies `alice` and `bob`, and the number of its lookups.
fn cookies() -> (impl ShowsCredential<Principal = String>, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let cookie = cookie_fn("connect.sid", origins(), move |sid: String| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            match &*sid {
                "alice" => {
                    Ok(Some(Grant::new(sid.clone(), sid).session(SessionId::new("s-alice"))))
                }
                "bob" => Ok(Some(Grant::new(sid.clone(), sid))),
                "down" => Err("the database is down".into()),
                _ => Ok(None),
            }
        }
    });
    (cookie, asked)
}

fn with_cookie(world: &World, page: &[(&str, &str)], cookie: &str) -> Handshake {
    let cookie = format!("a=1; {cookie}; b=2");
    handshake(world, &[page, &[("cookie", &*cookie)]].concat(), "", "{}")
}

#[test]
fn a_cookie_of_the_application_is_looked_up_as_it_was_sent() {
    let (world, (cookies, _)) = (World::new(), cookies());
    let shown = with_cookie(&world, &[PAGE, UPGRADE], "connect.sid=alice");

    assert_eq!(cookies.shown(&shown), Shown::Ambient);
    assert_eq!(ask(&cookies, shown).unwrap().user.as_str(), "alice");
    let unknown = with_cookie(&world, &[PAGE, UPGRADE], "connect.sid=s%3Aalice.sig");
    assert_eq!(refused(&cookies, unknown).reason(), RefusalReason::SessionUnknown);
    let down = with_cookie(&world, &[PAGE, UPGRADE], "connect.sid=down");
    assert!(matches!(ask(&cookies, down), Err(AuthenticateError::Unavailable(_))));
    let none = handshake(&world, &[PAGE, UPGRADE], "", "{}");
    assert_eq!(cookies.shown(&none), Shown::Absent);
    assert_eq!(refused(&cookies, none).reason(), RefusalReason::CredentialMissing);
}

/// Attack 53.
#[test]
fn a_page_of_another_origin_cannot_make_the_application_look_up_its_cookie() {
    let (world, (cookies, asked)) = (World::new(), cookies());
    let evil = ("origin", "https://evil.example");
    for page in [
        &[evil, UPGRADE][..],
        &[UPGRADE],
        &[("origin", "null"), UPGRADE],
        &[PAGE, evil, UPGRADE],
        &[evil],
        &[],
    ] {
        let shown = with_cookie(&world, page, "connect.sid=alice");
        assert_eq!(
            refused(&cookies, shown.clone()).reason(),
            RefusalReason::OriginForbidden,
            "{page:?}"
        );
        assert!(done(cookies.session_of(&shown)).is_err());
    }
    // Two cookies of one name: one of them may be planted.
    let twice = with_cookie(&world, &[PAGE, UPGRADE], "connect.sid=alice; connect.sid=bob");
    assert_eq!(refused(&cookies, twice).reason(), RefusalReason::CredentialAmbiguous);

    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

/// Attack 53.
#[test]
fn a_request_that_changes_data_needs_an_origin_and_a_read_does_not() {
    let (world, (cookies, _)) = (World::new(), cookies());
    let of_kind = |headers: &[(&str, &str)], kind| {
        let shown = with_cookie(&world, headers, "connect.sid=alice");
        let request = HandshakeRequest::clone(&shown.request).of_kind(kind);
        let credentials = Arc::clone(&shown.credentials);
        ask(
            &cookies,
            Handshake::new(Arc::new(request), "/", shown.auth, shown.at)
                .with_credentials(credentials),
        )
        .is_ok()
    };
    let same = ("sec-fetch-site", "same-origin");

    assert!(of_kind(&[same], RequestKind::Read));
    assert!(!of_kind(&[same], RequestKind::Write));
    assert!(of_kind(&[PAGE], RequestKind::Write));
    assert!(!of_kind(&[], RequestKind::Read));
}

#[test]
fn a_link_is_bound_to_the_session_or_to_the_cookie() {
    let (world, (cookies, _)) = (World::new(), cookies());
    let session =
        |cookie: &str| done(cookies.session_of(&with_cookie(&world, &[PAGE, UPGRADE], cookie)));

    assert_eq!(session("connect.sid=alice").unwrap().unwrap().as_str(), "s-alice");
    // SHA-256 of `bob`, so that the id does not reveal the cookie.
    assert_eq!(
        session("connect.sid=bob").unwrap().unwrap().as_str(),
        "81b637d8fcd2c6da6359e6963113a1170de795e4b725b84d1e0b4cfd9ec58ce9"
    );
    assert_eq!(session("other=1").unwrap(), None);
    assert!(session("connect.sid=mallory").is_err());
}

/// Attack 25.
#[test]
fn a_cookie_does_not_stand_in_for_an_explicit_credential() {
    let (world, (cookies, asked)) = (World::new(), cookies());
    let auth = json!({"token": "a.b.c"}).to_string();
    let shown = handshake(&world, &[PAGE, UPGRADE, ("cookie", "connect.sid=alice")], "", &auth);

    assert_eq!(refused(&cookies, shown.clone()).reason(), RefusalReason::CredentialAmbiguous);
    let users = user_by_id(|id| async move { Ok(Some(id.as_str().to_owned())) });
    let both = FirstOf::new(Jwt::hs256(SECRET).unwrap().load(users)).or(cookies);
    assert_eq!(refused(&both, shown).reason(), RefusalReason::TokenMalformed);
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[test]
fn a_closure_receives_the_state_of_the_application() {
    let world = World::new();
    let counter = Arc::new(AtomicUsize::new(0));
    let guests =
        authenticate_with(Arc::clone(&counter), |counter: Arc<AtomicUsize>, shown| async move {
            let number = counter.fetch_add(1, Ordering::SeqCst);
            Ok(Grant::new(shown.namespace.to_string(), format!("guest-{number}")))
        });

    assert_eq!(ask(&guests, handshake(&world, &[], "", "{}")).unwrap().user.as_str(), "guest-0");
    let second = ask(&guests, handshake(&world, &[], "", "{}")).unwrap();
    assert_eq!((second.user.as_str(), &*second.principal), ("guest-1", "/"));
}
