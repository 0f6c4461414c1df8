//! Protects routes of an application that require a session.

use http::{Method, StatusCode, header};
use serde_json::json;

use crate::world::{URL, World};

/// Header with which browsers request a page.
const PAGE: (&str, &str) = ("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");

#[tokio::test]
async fn a_page_request_is_redirected_to_the_sign_in_and_back() {
    let world = World::new().await;
    let mut browser = world.browser();

    for (path, expected) in
        [("/private", "/?next=/private"), ("/private?a=b&c=d", "/?next=/private%3Fa%3Db%26c%3Dd")]
    {
        let answer = browser.send(Method::GET, path, None, &[PAGE]).await;

        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert_eq!(answer.headers[header::LOCATION], expected);
    }
}

#[tokio::test]
async fn a_program_reads_the_error_session_required() {
    let world = World::new().await;
    let mut browser = world.browser();

    let read = browser.get("/private").await;
    let written = browser.send(Method::POST, "/private", None, &[PAGE, ("origin", URL)]).await;

    assert_eq!(read.code(), (401, "session_required"));
    assert_eq!(written.code(), (401, "session_required"));
    assert_eq!(read.json["title"], "Sign in first");
    assert_eq!(read.json["type"], "about:blank");
    assert_eq!(read.json["status"], 401);
}

#[tokio::test]
async fn with_a_session_the_handler_receives_it() {
    let world = World::new().await;
    let (_, mut browser) = world.sign_up("alice").await;

    let read =
        browser.send(Method::GET, "/private", None, &[("sec-fetch-site", "same-origin")]).await;
    let written = browser.post("/private", &json!({})).await;

    assert_eq!((read.status, written.status), (StatusCode::OK, StatusCode::OK));
}

/// Attack 53: a navigation from a foreign page is redirected to the sign-in page and does not reach
/// the route.
#[tokio::test]
async fn a_foreign_page_cannot_send_requests_with_the_session_cookie() {
    let world = World::new().await;
    let (_, mut browser) = world.sign_up("alice").await;
    let foreign = [PAGE, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];

    let read = browser.send(Method::GET, "/private", None, &foreign).await;
    let written = browser.send(Method::POST, "/private", None, &foreign).await;

    assert_eq!(read.headers[header::LOCATION], "/?next=/private");
    assert_eq!(written.code(), (401, "session_required"));
}
