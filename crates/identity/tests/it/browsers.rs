//! Refuses cross-site requests, which a browser sends for pages of other origins.

use http::{Method, StatusCode};
use serde_json::json;

use crate::world::{PEER, URL, World, ask, pair};

/// Methods and paths of all routes that change data.
const CHANGES: &[(Method, &str)] = &[
    (Method::POST, "/auth/session"),
    (Method::DELETE, "/auth/session"),
    (Method::POST, "/auth/token"),
    (Method::POST, "/auth/passkeys/register"),
    (Method::POST, "/auth/passkeys/register/verify"),
    (Method::POST, "/auth/passkeys/authenticate"),
    (Method::POST, "/auth/passkeys/authenticate/verify"),
    (Method::PATCH, "/auth/passkeys/AQID"),
    (Method::DELETE, "/auth/passkeys/AQID"),
    (Method::POST, "/auth/recovery"),
    (Method::POST, "/auth/recovery-codes"),
    (Method::DELETE, "/auth/account"),
    (Method::DELETE, "/auth/sessions?scope=others"),
    (Method::DELETE, "/auth/sessions/any"),
];

/// Attack 62: cross-site request forgery, with every kind of foreign origin and fetch metadata.
#[tokio::test]
async fn requests_of_foreign_pages_change_nothing() {
    let world = World::new().await;
    let (_, mut browser) = world.sign_up("alice").await;

    for (method, path) in CHANGES {
        for headers in [
            &[][..],
            &[("sec-fetch-site", "same-origin")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("origin", "http://localhost:3001")],
            &[("origin", "https://localhost:3000")],
            &[("origin", "http://localhost:3000.evil.example")],
            &[("origin", "http://LOCALHOST:3000")],
            &[("origin", "http://localhost:3000/")],
            &[("origin", URL), ("origin", URL)],
            &[("origin", URL), ("sec-fetch-site", "cross-site")],
            &[("origin", URL), ("sec-fetch-site", "same-site")],
            &[("origin", URL), ("sec-fetch-site", "none")],
            &[("origin", URL), ("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "navigate")],
        ] {
            let answer = browser.send(method.clone(), path, Some(&json!({})), headers).await;

            assert_eq!(answer.code(), (403, "forbidden"), "{method} {path} {headers:?}");
        }
    }
    assert_eq!(browser.get("/auth/me").await.status, StatusCode::OK);
}

/// A form of a foreign page can send `text/plain`, but not `application/json`.
#[tokio::test]
async fn a_body_without_the_content_type_of_json_is_refused() {
    let world = World::new().await;
    let mut browser = world.browser();

    let headers = [("origin", URL), ("content-type", "text/plain")];
    let answer = browser.send(Method::POST, "/auth/session", None, &headers).await;

    assert_eq!(answer.code(), (400, "bad_request"));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let world = World::new().await;
    let body = |length: usize| json!({ "ticket": "x".repeat(length), "verifier": "x" });

    let large = world.browser().post("/auth/session", &body(16 * 1024)).await;
    let small = world.browser().post("/auth/session", &body(15 * 1024)).await;

    assert_eq!(large.code(), (400, "bad_request"));
    assert_eq!(small.code(), (400, "ticket_invalid"));
}

/// Attack 53, for reading routes.
#[tokio::test]
async fn a_session_cookie_counts_for_own_pages_only() {
    let world = World::new().await;
    let (_, mut browser) = world.sign_up("alice").await;

    for (headers, expected) in [
        (&[("sec-fetch-site", "same-origin")][..], StatusCode::OK),
        (&[("origin", URL)], StatusCode::OK),
        (&[], StatusCode::UNAUTHORIZED),
        (&[("sec-fetch-site", "cross-site")], StatusCode::UNAUTHORIZED),
        (&[("sec-fetch-site", "same-site")], StatusCode::UNAUTHORIZED),
        (&[("sec-fetch-site", "none")], StatusCode::UNAUTHORIZED),
        (&[("origin", "https://evil.example")], StatusCode::UNAUTHORIZED),
        (&[("origin", "null"), ("sec-fetch-site", "same-origin")], StatusCode::UNAUTHORIZED),
    ] {
        for path in ["/auth/me", "/auth/passkeys", "/auth/sessions", "/private"] {
            let answer = browser.send(Method::GET, path, None, headers).await;

            assert_eq!(answer.status, expected, "{path} {headers:?}");
        }
    }
}

/// An operator may give pages of another origin the same rights as the pages of the server.
#[tokio::test]
async fn a_page_of_an_allowed_origin_may_use_every_route() {
    let world = World::with(|builder| builder.allow_origin("http://app.localhost:5173")).await;
    let (_, mut browser) = world.sign_up("alice").await;
    let theirs = [("origin", "http://app.localhost:5173"), ("sec-fetch-site", "same-site")];

    let me = browser.send(Method::GET, "/auth/me", None, &theirs).await;
    let token = browser.send(Method::POST, "/auth/token", Some(&json!({})), &theirs).await;

    assert_eq!((me.status, token.status), (StatusCode::OK, StatusCode::OK));
}

/// A foreign page can open sockets from the browser of its visitor. It must not use up the budget of the
/// visitor.
#[tokio::test]
async fn a_foreign_page_starts_no_ceremony_and_uses_no_budget() {
    let world = World::new().await;
    for origin in ["https://evil.example", "null", "http://localhost:3001"] {
        let visitor = world.server.visitor().header("origin", origin);
        let mut foreign = visitor.peer(PEER.into()).connect("/auth", ()).await;
        let (_, challenge) = pair();

        for event in ["webauthn:authenticate", "webauthn:register"] {
            let wish = json!({ "username": "eve", "challenge": challenge });
            assert_eq!(ask(&mut foreign, event, &wish).await["code"], "forbidden", "{origin}");
        }
    }

    world.sign_up("alice").await;
}

#[tokio::test]
async fn two_session_cookies_count_as_none() {
    let world = World::new().await;
    let (_, mut browser) = world.sign_up("alice").await;
    let doubled = format!("x; __Host-doorward={}", browser.session_cookie().unwrap());
    browser.cookies.insert("__Host-doorward".into(), doubled);

    assert_eq!(browser.get("/auth/me").await.code(), (401, "session_required"));
}

/// Pages in an application use the cookies of the application's web view.
#[tokio::test]
async fn a_page_of_an_application_may_use_every_route_where_its_origin_is_allowed() {
    let allowed = World::with(|builder| builder.allow_origin("capacitor://localhost")).await;
    for (world, expected) in [(World::new().await, 403), (allowed, 200)] {
        let (_, mut browser) = world.sign_up("alice").await;
        let headers = [("origin", "capacitor://localhost"), ("sec-fetch-site", "cross-site")];

        let answer = browser.send(Method::POST, "/auth/token", Some(&json!({})), &headers).await;

        assert_eq!(answer.status.as_u16(), expected, "{answer:?}");
    }
}
