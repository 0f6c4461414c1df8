//! Sessions of the running server: by cookie, by token, and in Redis.

use doorward_testkit::{RawClient, RedisServer, Seen};

use crate::support::{Server, by_session, by_token, path, run, session, token};

/// Opens a link with these headers, sends a CONNECT with `auth`, and returns the answer.
async fn enter(server: &Server, headers: &str, auth: &str) -> String {
    let request = format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost:{}\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n",
        server.port()
    );
    let (mut client, head) = RawClient::request(server.address(), request.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    client.packet().await.unwrap();
    client.text(&format!("40{auth}")).await;
    client.packet().await.unwrap()
}

fn cookie(session: &str) -> String {
    format!("Cookie: a=b; __Host-doorward={session}; c=d\r\n")
}

fn is_admitted(packet: &str) -> bool {
    packet.starts_with("40{\"sid\"")
}

/// Attack 53: cross-site WebSocket hijacking, with origins that resemble an allowed one.
#[tokio::test]
async fn a_session_cookie_counts_for_own_and_allowed_pages_only() {
    let config = "[origins]\nallow = [\"http://localhost:5173\", \"https://app.example.org\"]\n";
    let server = Server::start_with(config, |_| {});
    let session = session(server.data_dir(), "alice");
    let port = server.port();
    let own = format!("http://localhost:{port}");
    let from = |origin: &str| format!("{}Origin: {origin}\r\n", cookie(&session));

    for origin in [own.as_str(), "http://localhost:5173", "https://app.example.org"] {
        assert!(is_admitted(&enter(&server, &from(origin), "").await), "{origin}");
    }
    let foreign = [
        "null",
        "https://evil.example",
        "https://app.example.org.evil.com",
        "http://app.example.org",
        "https://app.example.org:444",
        "https://app.example.org.",
        "https://user@app.example.org",
        "https://app.example.org/",
        "https://xapp.example.org",
        "http://localhost",
        &format!("https://localhost:{port}"),
        &format!("http://127.0.0.1:{port}"),
        "",
    ];
    for origin in foreign {
        let packet = enter(&server, &from(origin), "").await;
        assert!(
            packet.starts_with("44") && packet.contains("unauthenticated"),
            "{origin}: {packet}"
        );
    }
    let without = enter(&server, &cookie(&session), "").await;
    assert!(without.starts_with("44"), "{without}");
    let two = format!("{}Origin: {own}\r\nOrigin: {own}\r\n", cookie(&session));
    assert!(enter(&server, &two, "").await.starts_with("44"));
    let log = server.stop();
    assert!(log.contains("origins.allow"), "the log names the setting");
    assert!(!log.contains(&session));
}

/// One credential is used, and the server does not fall back from an invalid credential to the next.
#[tokio::test]
async fn one_credential_counts_and_an_invalid_one_is_not_skipped() {
    let server = Server::start();
    let (alice, bob) = (session(server.data_dir(), "alice"), session(server.data_dir(), "bob"));
    let token = token(server.data_dir());
    let own = format!("Origin: http://localhost:{}\r\n", server.port());
    let with = |session: &str| format!("{}{own}", cookie(session));
    let by_token = by_token(&token);

    assert!(is_admitted(&enter(&server, "", &by_session(&alice)).await));
    assert!(is_admitted(&enter(&server, "", &by_token).await));
    // The token is used; the cookie belongs to the same user.
    assert!(is_admitted(&enter(&server, &with(&alice), &by_token).await));
    let refused = [
        (with(&bob), by_token.clone()),
        (with(&alice), r#"{"token":"not.a.token"}"#.to_owned()),
        (with(&alice), by_session("not a session")),
        (with(&alice), r#"{"token":""}"#.to_owned()),
        (with(&alice), r#"{"token":null}"#.to_owned()),
        (String::new(), format!(r#"{{"token":"{token}","sessionToken":"{alice}"}}"#)),
        (format!("{}{}{own}", cookie(&alice), cookie(&alice)), String::new()),
        (own.clone(), String::new()),
    ];
    for (headers, auth) in refused {
        let packet = enter(&server, &headers, &auth).await;
        assert!(packet.starts_with("44") && packet.contains("unauthenticated"), "{auth}: {packet}");
    }
}

/// Attack 66: CORS with credentials is allowed for named origins only, such as a front end on another port.
#[test]
fn pages_of_allowed_origins_may_read_answers_with_credentials() {
    let config = "[origins]\nallow = [\"http://localhost:5173\"]\n";
    let server = Server::start_with(config, |_| {});
    let host = format!("Host: localhost:{}\r\n", server.port());
    let ask = |method: &str, origin: &str, more: &str| {
        let headers = format!("{host}Origin: {origin}\r\n{more}");
        server.request_with(method, "/.well-known/jwks.json", &headers)
    };

    let allowed = ask("GET", "http://localhost:5173", "");
    let preflight = ask(
        "OPTIONS",
        "http://localhost:5173",
        "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n",
    );
    let foreign = ask("GET", "https://evil.example", "");

    let origin = "access-control-allow-origin";
    assert_eq!(allowed.header(origin), Some("http://localhost:5173"));
    assert_eq!(allowed.header("access-control-allow-credentials"), Some("true"));
    assert_eq!((preflight.status, preflight.header(origin)), (200, Some("http://localhost:5173")));
    assert!(preflight.header("access-control-allow-methods").unwrap().contains("POST"));
    assert_eq!(foreign.header(origin), None);
    assert!(allowed.header("vary").unwrap().to_ascii_lowercase().contains("origin"));
}

#[tokio::test]
async fn sessions_are_stored_in_a_configured_redis() {
    let mut redis = RedisServer::start(&[]).await;
    let url = redis.url();
    let server = Server::start_with("", |command| {
        command.env("REDIS_URL", &url);
    });
    let session = session(server.data_dir(), "alice");
    let auth = by_session(&session);
    assert!(is_admitted(&enter(&server, "", &auth).await));

    let server = server.restart_with(|command| {
        command.env("REDIS_URL", &url);
    });
    assert!(is_admitted(&enter(&server, "", &auth).await));

    // An outage later leaves the CONNECT undecided; a refusal would be final for a stock client.
    redis.kill();
    let mut client = RawClient::open(server.address()).await;
    client.text(&format!("40{auth}")).await;
    let rest = client.rest().await;
    assert!(rest.iter().all(|seen| !matches!(seen, Seen::Text(text) if text.starts_with("44"))));
    assert!(matches!(rest.last(), Some(Seen::Closed(_))), "{rest:?}");
}

#[test]
fn an_unreachable_redis_at_the_start_is_an_error_that_hides_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = crate::support::doorward(&["serve", "--listen", "localhost:0"]);
    command.args(["--data-dir", path(folder.path())]);
    // The listener is closed again at once, so nothing listens on its port.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    command.env("REDIS_URL", format!("redis://:canary-hunter2@127.0.0.1:{port}"));

    let done = crate::support::finish(&mut command);

    assert_eq!(done.code, Some(2), "{done:?}");
    assert!(done.stderr.contains("Redis") && done.stderr.contains(&port.to_string()), "{done:?}");
    assert!(!done.stderr.contains("canary-hunter2"), "{done:?}");
}

/// Attack 105: a file that is no database must not be overwritten or ignored.
#[test]
fn an_invalid_database_file_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("doorward.db"), "this is no database, it is a text").unwrap();

    let done = run(&["serve", "--listen", "localhost:0", "--data-dir", path(folder.path())]);

    assert_eq!(done.code, Some(2), "{done:?}");
    assert!(done.stderr.contains("doorward.db"), "{done:?}");
    assert_eq!(done.stderr.lines().count(), 1, "{done:?}");
}

/// The log at its most verbose level must not hold a credential.
#[tokio::test]
async fn no_credential_is_logged_at_any_level() {
    let server = Server::start_with("", |command| {
        command.env("DOORWARD_LOG", "trace");
    });
    let session = session(server.data_dir(), "alice");
    let jwt = token(server.data_dir());
    let own = format!("Origin: http://localhost:{}\r\n", server.port());
    let wrong = "d3JvbmctY2FuYXJ5LXdyb25nLWNhbmFyeS13cm9uZy0";
    let by_cookie = format!("{}{own}", cookie(&session));
    assert!(is_admitted(&enter(&server, &by_cookie, "").await));
    for auth in [by_session(&session), by_token(&jwt)] {
        assert!(is_admitted(&enter(&server, "", &auth).await));
    }
    for auth in [by_session(wrong), by_token(wrong)] {
        assert!(enter(&server, "", &auth).await.starts_with("44"));
    }
    let metrics = server.request("GET", "/metrics").text().to_owned();
    let log = server.stop();
    assert!(log.contains("session_unknown") && log.contains("token_malformed"), "{log}");
    for secret in [session.as_str(), jwt.as_str(), wrong] {
        assert!(!log.contains(secret), "{log}");
        assert!(!metrics.contains(secret));
    }
}
