//! Sockets of the built-in gateway on `/`, and the host names of WebSocket requests.

use std::path::Path;

use doorward_testkit::RawClient;

use crate::support::{Server, path, run, token};

/// Connects with a token, and returns the client and the answer.
async fn enter(server: &Server, token: &str) -> (RawClient, String) {
    let mut client = RawClient::open(server.address()).await;
    client.text(&format!("40{{\"token\":\"{token}\"}}")).await;
    let packet = client.packet().await.unwrap();
    (client, packet)
}

/// Secret that a client puts where it does not belong.
const CANARY: &str = "canary-hunter2";

/// Makes a token with the configuration file of a server.
fn configured_token(config: &Path, data_dir: &Path) -> String {
    let paths = ["--config", path(config), "--data-dir", path(data_dir)];
    let made = run(&[&["token", "--sub", "alice"][..], &paths].concat());
    made.stdout.trim_end().to_owned()
}

#[tokio::test]
async fn echo_returns_arguments_as_they_were_written() {
    let server = Server::start();
    let (mut client, admitted) = enter(&server, &token(server.data_dir())).await;
    assert!(admitted.starts_with("40{\"sid\":"), "{admitted}");

    for argument in ["\"hello\"", "null", "1.0", "123456789012345678901234", "{\"b\":1,\"a\":[ ]}"]
    {
        client.text(&format!("427[\"echo\",{argument}]")).await;

        assert_eq!(client.packet().await.unwrap(), format!("437[{argument}]"));
    }
    client.text("428[\"echo\"]").await;
    assert_eq!(client.packet().await.unwrap(), "438[]");
    client.text("429[\"echo\",1,\"two\"]").await;
    assert_eq!(client.packet().await.unwrap(), "439[1,\"two\"]");
}

#[tokio::test]
async fn whoami_returns_user_name_and_time() {
    let server = Server::start();
    let (mut client, _) = enter(&server, &token(server.data_dir())).await;

    client.text("420[\"whoami\"]").await;
    let answer = client.json("430").await;

    assert_eq!(answer[0]["user"], "alice");
    let connected_at = answer[0]["connectedAt"].as_str().unwrap();
    assert!(connected_at.ends_with('Z') && connected_at.len() == 24, "{connected_at}");
    connected_at.parse::<jiff::Timestamp>().unwrap();
    // `#` marks an id of a token, because an account may have the user name `alice`.
    assert_eq!(answer[0]["name"], "#alice");
    assert_eq!(answer[0].as_object().unwrap().len(), 3);
}

#[tokio::test]
async fn a_token_of_another_server_is_refused() {
    let server = Server::start();
    let elsewhere = tempfile::tempdir().unwrap();

    for token in ["", "not.a.token", &token(elsewhere.path())] {
        let (_, packet) = enter(&server, token).await;

        assert!(packet.starts_with("44{\"message\":\"Unauthorized\""), "{packet}");
        assert!(packet.contains("\"code\":\"unauthenticated\""), "{packet}");
    }
}

#[tokio::test]
async fn issuer_and_audience_are_taken_from_the_configuration() {
    let config = "[token]\nissuer = 'https://id.example.org'\naudience = 'chat'\n";
    let server = Server::start_with(config, |_| {});

    let (_, own) = enter(&server, &configured_token(&server.config(), server.data_dir())).await;
    let (_, default) = enter(&server, &token(server.data_dir())).await;

    assert!(own.starts_with("40{"), "{own}");
    assert!(default.starts_with("44{"), "{default}");
}

#[tokio::test]
async fn a_server_uses_an_existing_key() {
    let folder = tempfile::tempdir().unwrap();
    let token = token(folder.path());

    let server = Server::start_in(folder.path());
    let (_, packet) = enter(&server, &token).await;

    assert!(packet.starts_with("40{"), "{packet}");
}

/// Requests a WebSocket with the header `Host: {host}`, and returns the head of the response.
async fn upgrade(server: &Server, host: &str) -> String {
    let request = format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    RawClient::request(server.address(), request.as_bytes()).await.1
}

#[tokio::test]
async fn a_websocket_opens_under_the_host_names_of_the_server_only() {
    let server = Server::start();
    let port = server.port();

    for host in ["localhost", "127.0.0.1", "[::1]"] {
        let head = upgrade(&server, &format!("{host}:{port}")).await;

        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(!head.to_ascii_lowercase().contains("content-security-policy"), "{head}");
    }
    for host in ["evil.example", "localhost"] {
        let head = upgrade(&server, host).await;

        assert!(head.starts_with("HTTP/1.1 421 "), "{head}");
    }
}

#[tokio::test]
async fn the_limit_of_unauthenticated_links_is_taken_from_the_configuration() {
    let server = Server::start_with("[limits]\nmax_unauthenticated_links = 1\n", |_| {});
    let _unknown = RawClient::open(server.address()).await;

    let head = upgrade(&server, &format!("localhost:{}", server.port())).await;

    assert!(head.starts_with("HTTP/1.1 429 "), "{head}");
}

#[tokio::test]
async fn no_credential_appears_in_any_log() {
    let server = Server::start_with("", |command| {
        command.env("DOORWARD_LOG", "trace");
    });
    let elsewhere = tempfile::tempdir().unwrap();
    let (good, bad) = (token(server.data_dir()), token(elsewhere.path()));

    let (mut admitted, _) = enter(&server, &good).await;
    admitted.text(&format!("421[\"echo\",\"{good}\"]")).await;
    let echoed = admitted.packet().await;
    admitted.text(&format!("42[\"unknown\",\"{good}\"]")).await;
    let unknown = admitted.packet().await;
    let (mut refused, _) = enter(&server, &bad).await;
    refused.rest().await;
    let said = server.stop();

    assert!(echoed.is_some() && unknown.is_some());
    assert!(said.contains("alice") && said.contains("DEBUG"), "{said}");
    // The header of a token is the same for all tokens, so it is not compared.
    for part in [&good, &bad].into_iter().flat_map(|token| token.split('.').skip(1)) {
        assert!(!said.contains(part), "a part of a token is in: {said}");
    }
}

/// Clients put secrets into event names, namespaces, queries and hosts by mistake; none may be logged.
#[tokio::test]
async fn a_secret_in_a_wrong_place_appears_in_no_log() {
    let server = Server::start_with("", |command| {
        command.env("DOORWARD_LOG", "trace");
    });
    let good = token(server.data_dir());

    let (mut admitted, _) = enter(&server, &good).await;
    admitted.text(&format!("42[\"{CANARY}\",1]")).await;
    let mut answers = vec![admitted.packet().await];
    for connect in ["40/chat?token=CANARY,", "40/CANARY,{\"token\":\"CANARY\"}"] {
        admitted.text(&connect.replace("CANARY", CANARY)).await;
        answers.push(admitted.packet().await);
    }
    for token in ["", &good] {
        let mut unknown = RawClient::open(server.address()).await;
        unknown.text(&format!("40/chat?token={CANARY},{{\"token\":\"{token}\"}}")).await;
        answers.push(unknown.packet().await);
        unknown.rest().await;
    }
    let authority = format!("alice:{CANARY}@localhost:{}", server.port());
    let upgraded = upgrade(&server, &authority).await;
    let headers = format!("Host: {authority}\r\n");
    let absolute = server.request_with("GET", &format!("http://{authority}/?{CANARY}"), &headers);
    let said = server.stop();

    // Each packet has arrived and was answered, so the server has read the secret.
    assert!(answers.iter().flatten().all(|answer| answer.contains(CANARY)), "{answers:?}");
    assert_eq!(answers.iter().flatten().count(), 5, "{answers:?}");
    assert!(upgraded.starts_with("HTTP/1.1 421 "), "{upgraded}");
    assert_eq!(absolute.status, 421, "{absolute:?}");
    assert!(said.contains("Wrong host.") && said.contains("unknown_event"), "{said}");
    assert!(!said.contains(CANARY), "{said}");
}
