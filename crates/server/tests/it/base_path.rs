//! Servers below a path of their host, and servers with several host names.

use doorward_testkit::RawClient;

use crate::support::Server;

const CONFIG: &str = "public_url = 'https://example.org/app/'\n";
const HOST: &str = "Host: example.org\r\n";

#[test]
fn all_routes_are_below_the_path_of_the_public_url() {
    let server = Server::start_with(CONFIG, |_| {});
    let ask =
        |path: &str| server.request_with("GET", path, &format!("{HOST}Accept: text/html\r\n"));

    for (path, status) in [
        ("/app/", 200),
        ("/app/assets/view.js", 200),
        ("/app/socket.io/socket.io.esm.min.js", 200),
        ("/app/.well-known/jwks.json", 200),
        ("/app/auth/me", 401),
        ("/", 404),
        ("/account", 404),
        ("/socket.io/", 404),
        ("/application/", 404),
    ] {
        assert_eq!(ask(path).status, status, "{path}");
    }
    // Pages refer to their files by relative paths.
    let page = ask("/app/");
    assert!(page.text().contains("src=\"assets/home.js\""), "{}", page.text());
    // If a proxy strips the path, the answer tells the operator what to change.
    let stripped = ask("/socket.io/");
    assert!(
        stripped.text().contains("below /app/") && stripped.text().contains("unchanged"),
        "{stripped:?}"
    );
    assert_eq!(stripped.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn redirects_lead_below_the_path() {
    let server = Server::start_with(CONFIG, |_| {});
    let ask =
        |path: &str| server.request_with("GET", path, &format!("{HOST}Accept: text/html\r\n"));

    for (path, status, location) in [
        ("/app", 308, "https://example.org/app/"),
        ("/app/account", 303, "/app/?next=/app/account"),
        ("/app/chat?room=a", 303, "/app/?next=/app/chat%3Froom%3Da"),
        ("/app//evil.example", 303, "/app/?next=/app//evil.example"),
    ] {
        let answer = ask(path);

        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("location"), Some(location), "{path}");
    }
}

/// An orchestrator sends probes to the address of the server itself.
#[test]
fn health_probes_need_neither_the_path_nor_the_host_name() {
    let server = Server::start_with(CONFIG, |_| {});

    for path in ["/healthz", "/readyz"] {
        for host in [HOST, "Host: 10.1.2.3:3000\r\n"] {
            assert_eq!(server.request_with("GET", path, host).status, 200, "{path} {host}");
        }
    }
}

#[tokio::test]
async fn links_are_opened_below_the_path_with_and_without_the_last_slash() {
    let server = Server::start_with(CONFIG, |_| {});

    for path in ["/app/socket.io/", "/app/socket.io"] {
        let request = format!(
            "GET {path}?EIO=4&transport=websocket HTTP/1.1\r\n{HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let (mut client, head) = RawClient::request(server.address(), request.as_bytes()).await;

        assert!(head.starts_with("HTTP/1.1 101 "), "{path}: {head}");
        client.json("0").await;
    }
}

/// The prefix `__Host-` keeps other hosts of the domain from planting a cookie, and requires `Path=/`
/// (draft-ietf-httpbis-rfc6265bis, section 4.1.3.2). A narrower path would not protect the cookie from pages of this host.
#[test]
fn cookies_keep_the_host_prefix_below_a_path() {
    let server = Server::start_with(CONFIG, |_| {});
    let body = r#"{"challenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}"#;
    let headers = format!(
        "{HOST}Origin: https://example.org\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n",
        body.len()
    );

    let answer =
        server.request_with_body("POST", "/app/auth/passkeys/authenticate", &headers, body);

    assert_eq!(answer.status, 200, "{answer:?}");
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-doorward-ceremony="), "{cookie}");
    assert!(cookie.contains("; Path=/; Secure; HttpOnly;"), "{cookie}");
}

#[test]
fn further_host_names_are_accepted_and_the_refusal_of_others_names_the_setting() {
    let server = Server::start_with(
        "public_url = 'https://chat.example.org'\n[hosts]\nallow = ['doorward', 'chat.internal:3000']\n",
        |_| {},
    );
    let ask = |host: &str| server.request_with("GET", "/", &format!("Host: {host}\r\n"));

    for host in ["chat.example.org", "doorward:3000", "doorward", "chat.internal:3000"] {
        assert_eq!(ask(host).status, 200, "{host}");
    }
    let refused = ask("chat.internal");
    assert_eq!(refused.status, 421);
    for setting in ["public_url", "hosts.allow"] {
        assert!(refused.text().contains(setting), "{}", refused.text());
    }
}
