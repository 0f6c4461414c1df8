//! Routes of an axum application that are protected by the authenticator of the sockets.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::FromRef,
    http::{HeaderMap, Method, Request, StatusCode, header},
    middleware,
    routing::{get, post},
};
use doorward::{
    Revoke, UserId,
    auth::{
        AuthenticateError, FirstOf, Issuer, Origins, RefusalCode, RefusalReason, authenticate_fn,
        authenticate_with, cookie_fn, user_by_id,
    },
    prelude::*,
    routes::{Authenticated, Authentication, AuthenticationError},
    server::{Clock as _, Listeners, PeerAddr},
};
use doorward_testkit::{AuditLog, Log, ManualClock, RawClient, Seen};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower_service::Service as _;
use tracing::Level;

const SECRET: &str = "4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT";
const SITE: &str = "https://app.example.org";

/// User of an application that has its own users, and its own cookies.
#[derive(Clone, Debug)]
struct User {
    name: String,
}

/// Application with a server, a clock and a table of its cookies.
struct World {
    doorward: Arc<Doorward>,
    app: Router,
    clock: ManualClock,
    audit: AuditLog,
    cookies: Arc<Mutex<HashMap<String, String>>>,
}

fn world() -> World {
    let (clock, audit) = (ManualClock::new(), AuditLog::default());
    let cookies = Arc::new(Mutex::new(HashMap::from([("c-alice".to_owned(), "alice".to_owned())])));
    let known = Arc::clone(&cookies);
    let users = Arc::new(user_by_id(|id: UserId| async move {
        match id.as_str() {
            "down" => Err("the database is down".into()),
            "unknown" => Ok(None),
            name => Ok(Some(User { name: name.to_owned() })),
        }
    }));
    let cookie = cookie_fn("sid", Origins::new(SITE).unwrap(), move |sid: String| {
        let user = known.lock().unwrap().get(&sid).cloned();
        async move { Ok(user.map(|name| Grant::new(User { name: name.clone() }, name))) }
    });
    let tokens = Jwt::hs256(SECRET).unwrap().load(users);
    let doorward = Doorward::builder()
        .authenticate(FirstOf::new(tokens).or(cookie))
        .clock(clock.clone())
        .audit(audit.clone())
        .limits(|limits| limits.max_address_refusals = 3)
        .trusted_proxies(["10.0.0.1"])
        .refusal_text(RefusalCode::Unauthenticated, "Please sign in.")
        .gateway(
            Gateway::at("/").on("whoami", |me: Principal<User>| async move { me.name.clone() }),
        )
        .build()
        .unwrap();
    let authentication: Authentication<User> = doorward.authentication().unwrap();
    let private =
        middleware::from_extractor_with_state::<Authenticated<User>, _>(authentication.clone());
    let app = Router::new()
        .route("/closed", get(|| async { "inside" }))
        .route_layer(private)
        .route("/me", get(me).post(me))
        .route("/maybe", get(maybe))
        .with_state(authentication);
    World { doorward: Arc::new(doorward), app, clock, audit, cookies }
}

async fn me(user: Authenticated<User>) -> String {
    format!("{} {}", user.name, user.user().as_str())
}

async fn maybe(user: Option<Authenticated<User>>) -> String {
    user.map_or("a stranger".to_owned(), |user| user.name.clone())
}

/// Response as a test reads it.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl World {
    fn token(&self, user: &str) -> String {
        let issuer = Issuer::hs256(SECRET).unwrap();
        issuer
            .issue(user, Duration::from_secs(60), self.clock.wall(), &format!("t-{user}"))
            .unwrap()
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.extension(PeerAddr(([192, 0, 2, 7], 1).into()));
        let request = request.body(Body::empty()).unwrap();
        let response = self.app.clone().call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask(Method::GET, path, headers).await
    }
}

#[tokio::test]
async fn one_token_opens_sockets_and_routes() {
    let world = world();
    let token = world.token("alice");
    let bearer = format!("Bearer {token}");

    for path in ["/me", "/closed", "/maybe"] {
        assert_eq!(world.get(path, &[("authorization", &bearer)]).await.status, 200, "{path}");
    }
    assert_eq!(world.get("/me", &[("authorization", &bearer)]).await.text, "alice alice");
    // The scheme is not case-sensitive (RFC 9110 section 11.1).
    let lower = format!("bearer  {token}");
    assert_eq!(world.get("/me", &[("authorization", &lower)]).await.status, 200);
    let listeners = Listeners::bind("localhost:0").await.unwrap();
    let address = listeners.addresses()[0];
    let (doorward, service) = (Arc::clone(&world.doorward), world.doorward.service());
    let task = tokio::spawn(async move {
        doorward.serve_with(listeners, service, std::future::pending()).await
    });
    let mut client = RawClient::open(address).await;
    client.text(&format!(r#"40{{"token":"{token}"}}"#)).await;
    client.json("40").await;

    // A revocation applies to both.
    world.doorward.principals().revoke(Revoke::User(UserId::new("alice"))).await.unwrap();
    assert!(matches!(client.rest().await.last(), Some(Seen::Closed(_))));
    let refused = world.get("/me", &[("authorization", &bearer)]).await;
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (StatusCode::UNAUTHORIZED, &json!("unauthenticated"))
    );
    task.abort();
}

/// RFC 6750 section 3.1, RFC 9457.
#[tokio::test]
async fn a_request_without_a_valid_credential_is_answered_as_a_connect_would_be() {
    let world = world();

    let missing = world.get("/me", &[]).await;
    assert_eq!(missing.status, StatusCode::UNAUTHORIZED);
    assert_eq!(missing.header(header::WWW_AUTHENTICATE), Some("Bearer"));
    assert_eq!(missing.header(header::CONTENT_TYPE), Some("application/problem+json"));
    assert_eq!(missing.header(header::CACHE_CONTROL), Some("no-store"));
    assert_eq!(
        missing.json(),
        json!({"type": "about:blank", "title": "Please sign in.", "status": 401, "code": "unauthenticated", "retry": "after_login"})
    );
    assert_eq!(world.get("/closed", &[]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.get("/maybe", &[]).await.text, "a stranger");
    assert_eq!(world.audit.outcomes().len(), 0);

    let token = world.token("alice");
    world.clock.advance(Duration::from_secs(61));
    let expired = world.get("/maybe", &[("authorization", &format!("Bearer {token}"))]).await;
    assert_eq!(expired.status, StatusCode::UNAUTHORIZED);
    assert_eq!(expired.header(header::WWW_AUTHENTICATE), Some(r#"Bearer error="invalid_token""#));
    assert_eq!(expired.json()["code"], "token_expired");
    assert_eq!(expired.json()["retry"], "after_refresh");
    // The record has the id that the client reads.
    let records = world.audit.records();
    assert_eq!(records.len(), 1);
    assert_eq!(expired.json()["id"], records[0].id);
}

#[tokio::test]
async fn a_user_that_the_application_does_not_know_is_refused_and_a_failing_lookup_decides_nothing()
{
    let world = world();
    let bearer = |user| format!("Bearer {}", world.token(user));

    let unknown = world.get("/me", &[("authorization", &bearer("unknown"))]).await;
    assert_eq!(
        (unknown.status, &unknown.json()["code"]),
        (StatusCode::UNAUTHORIZED, &json!("unauthenticated"))
    );
    let down = world.get("/me", &[("authorization", &bearer("down"))]).await;
    assert_eq!(
        (down.status, &down.json()["code"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("unavailable"))
    );
    assert_eq!(down.header(header::RETRY_AFTER), Some("2"));
    assert!(!down.text.contains("database"), "{}", down.text);
    assert_eq!(
        world.get("/maybe", &[("authorization", &bearer("down"))]).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
}

/// Attack 53.
#[tokio::test]
async fn a_cookie_counts_only_for_pages_of_the_application() {
    let world = world();
    let cookie = ("cookie", "sid=c-alice");
    let same = ("sec-fetch-site", "same-origin");
    let origin = ("origin", SITE);

    assert_eq!(world.get("/me", &[cookie, same]).await.text, "alice alice");
    assert_eq!(world.ask(Method::POST, "/me", &[cookie, origin]).await.status, 200);
    for (method, headers) in [
        (Method::GET, vec![cookie]),
        (Method::GET, vec![cookie, ("origin", "https://evil.example")]),
        (Method::POST, vec![cookie, same]),
        (Method::POST, vec![cookie]),
        (Method::POST, vec![cookie, ("origin", "null")]),
        // The request of a socket is a read unless it is an upgrade, but this is not the request of one.
        (Method::POST, vec![cookie, same, ("upgrade", "h2c")]),
    ] {
        let answer = world.ask(method, "/me?transport=polling", &headers).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{headers:?}");
    }
    // Signed out.
    world.cookies.lock().unwrap().clear();
    assert_eq!(world.get("/me", &[cookie, same]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn other_forms_of_the_header_are_no_token() {
    let world = world();
    let token = world.token("alice");
    let codes = |answer: Answer| {
        (answer.status.as_u16(), answer.json()["code"].as_str().unwrap().to_owned())
    };
    let unauthenticated = (401, "unauthenticated".to_owned());

    for value in ["Basic YWxpY2U6c2VjcmV0", &token, "", "Negotiate"] {
        let answer = world.get("/me", &[("authorization", value)]).await;
        assert_eq!(answer.header(header::WWW_AUTHENTICATE), Some("Bearer"), "{value}");
        assert_eq!(codes(answer), unauthenticated, "{value}");
    }
    let cookie = ("cookie", "sid=c-alice");
    for value in [
        "Bearer",
        "Bearer ",
        "Bearer\ta.b.c",
        "Bearer=a.b.c",
        "Bearer,a.b.c",
        "bearer:a.b.c",
        "Bearer a.b.c",
        "Bearer \"x\"",
    ] {
        // A cookie of another user does not stand in for a token that cannot be read.
        let both = [("authorization", value), cookie, ("sec-fetch-site", "same-origin")];
        assert_eq!(codes(world.get("/me", &both).await), unauthenticated, "{value}");
        world.clock.advance(Duration::from_secs(60));
        assert_eq!(
            codes(world.get("/me", &[("authorization", value)]).await),
            unauthenticated,
            "{value}"
        );
        // Guesses have a budget.
        world.clock.advance(Duration::from_secs(60));
    }
    let good = format!("Bearer {token}");
    let twice = world.get("/me", &[("authorization", &good), ("authorization", &good)]).await;
    assert_eq!(codes(twice), unauthenticated);
    // A token in the query is not read.
    assert_eq!(
        codes(world.get(&format!("/me?token={token}&access_token={token}"), &[]).await),
        unauthenticated
    );
}

#[tokio::test]
async fn malformed_headers_have_the_budget_of_guesses() {
    let world = world();
    for _ in 0..3 {
        let answer = world.get("/me", &[("authorization", "Bearer=x")]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }

    let stopped = world.get("/me", &[("authorization", "Bearer=x")]).await;

    assert_eq!(stopped.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn guesses_at_routes_and_sockets_share_the_budget_of_an_address() {
    let world = world();
    for _ in 0..3 {
        assert_eq!(
            world.get("/me", &[("authorization", "Bearer a.b.c")]).await.status,
            StatusCode::UNAUTHORIZED
        );
    }

    let stopped = world.get("/me", &[("authorization", "Bearer a.b.c")]).await;
    assert_eq!(
        (stopped.status, &stopped.json()["code"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("too_many_attempts"))
    );
    assert!(stopped.header(header::RETRY_AFTER).unwrap().parse::<u64>().unwrap() >= 1);
    // A request without a credential is no guess.
    assert_eq!(world.get("/me", &[]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.get("/maybe", &[]).await.text, "a stranger");
    // A token that can be verified is not a guess. It works at the same address.
    let good = format!("Bearer {}", world.token("alice"));
    for _ in 0..200 {
        assert_eq!(world.get("/me", &[("authorization", &good)]).await.status, 200);
    }
}

/// Requests of a user do not use up the attempts to connect that the user has.
#[tokio::test]
async fn requests_do_not_count_as_attempts_to_connect() {
    let world = world();
    let good = format!("Bearer {}", world.token("alice"));

    for _ in 0..1_000 {
        assert_eq!(world.get("/me", &[("authorization", &good)]).await.status, 200);
    }
    assert_eq!(world.audit.outcomes().len(), 0);
}

/// A handler of another principal type is found when the application starts, and a state of the
/// application may contain more than the authentication.
#[tokio::test]
async fn the_state_of_the_routes_has_the_principal_of_the_server() {
    #[derive(Clone)]
    struct App {
        authentication: Authentication<User>,
    }
    impl FromRef<App> for Authentication<User> {
        fn from_ref(app: &App) -> Self {
            app.authentication.clone()
        }
    }
    let mut world = world();
    let authentication = world.doorward.authentication().unwrap();

    world.app = Router::new().route("/me", post(me)).with_state(App { authentication });
    let good = format!("Bearer {}", world.token("alice"));
    assert_eq!(world.ask(Method::POST, "/me", &[("authorization", &good)]).await.status, 200);
    let wrong = world.doorward.authentication::<Claims>().unwrap_err();
    assert_eq!(wrong, AuthenticationError::Principal { principal: "User".into() });
    let open = Doorward::builder().public(Gateway::at("/")).build().unwrap();
    assert_eq!(open.authentication::<User>().unwrap_err(), AuthenticationError::NoAuthenticator);
}

/// A slow lookup ends at the deadline of an admission.
#[tokio::test]
async fn a_lookup_that_never_ends_is_not_waited_for() {
    let (clock, begun) = (ManualClock::new(), Arc::new(Notify::new()));
    let slow = authenticate_with(Arc::clone(&begun), |begun: Arc<Notify>, _| async move {
        begun.notify_one();
        std::future::pending::<()>().await;
        Err::<Grant<User>, _>(AuthenticateError::Undecided(RefusalReason::Unavailable))
    });
    let doorward = Doorward::builder()
        .authenticate(slow)
        .clock(clock.clone())
        .gateway(Gateway::<User>::at("/"))
        .build()
        .unwrap();
    let app = Router::new().route("/me", get(me)).with_state(doorward.authentication().unwrap());
    let request = Request::get("/me").body(Body::empty()).unwrap();

    let log = Log::default();
    let kept = log.keep(Level::ERROR);
    let (response, ()) = tokio::join!(app.clone().call(request), async {
        begun.notified().await;
        clock.advance(Duration::from_secs(5));
    });
    drop(kept);

    assert_eq!(response.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    // The operator learns of it.
    assert_eq!(log.lines_with("no answer in time").len(), 1, "{:?}", log.lines());
}

#[tokio::test]
async fn a_replaced_text_reaches_sockets_and_a_text_of_a_refusal_stays() {
    let authenticator = authenticate_fn(|handshake| async move {
        let refusal = match handshake.auth.get_str("case") {
            Some("own") => {
                Refusal::unauthenticated(RefusalReason::UserUnknown).with_message("Unknown key")
            }
            Some("other") => Refusal::forbidden(),
            _ => Refusal::unauthenticated(RefusalReason::UserUnknown),
        };
        Err::<Grant<User>, _>(refusal.into())
    });
    let doorward = Doorward::builder()
        .authenticate(authenticator)
        .refusal_text(RefusalCode::Unauthenticated, "Please sign in.")
        .gateway(Gateway::<User>::at("/"))
        .build()
        .unwrap();
    let listeners = Listeners::bind("localhost:0").await.unwrap();
    let address = listeners.addresses()[0];
    let task = tokio::spawn(async move {
        let service = doorward.service();
        doorward.serve_with(listeners, service, std::future::pending()).await
    });

    for (auth, message, code) in [
        ("{}", "Please sign in.", "unauthenticated"),
        (r#"{"case":"own"}"#, "Unknown key", "unauthenticated"),
        (r#"{"case":"other"}"#, "Forbidden", "forbidden"),
    ] {
        let mut client = RawClient::open(address).await;
        client.text(&format!("40{auth}")).await;
        let refused = client.json("44").await;
        assert_eq!(
            (&refused["message"], &refused["data"]["code"]),
            (&json!(message), &json!(code))
        );
    }
    task.abort();
}
