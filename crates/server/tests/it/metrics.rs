//! Metrics, and the documents that name them.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
};

use doorward_testkit::RawClient;

use crate::support::{Server, by_token, token};

/// Returns the address of the metrics, which the log names.
pub(crate) fn metrics_of(server: &Server) -> String {
    server.logged("Metrics.").rsplit_once("address=").unwrap().1.trim().to_owned()
}

/// Returns all metrics.
pub(crate) fn scrape(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn decisions_are_counted_and_no_text_of_a_client_is_a_label() {
    let config = "[metrics]\nlisten = \"127.0.0.1:0\"\n[connections]\nper_user = 5\n";
    let server = Server::start_with(config, |_| {});
    let address = metrics_of(&server);
    let mut bad = RawClient::open(server.address()).await;
    bad.text(r#"40{"token":"canary-hunter2"}"#).await;
    bad.json("44").await;
    let mut client = server.connect(&by_token(&token(server.data_dir()))).await;
    client.text(r#"420["canary-event",1]"#).await;
    client.json("430").await;

    let text = scrape(&address);

    for line in [
        r#"doorward_handshakes_total{outcome="admitted"} 1"#,
        r#"doorward_handshakes_total{outcome="token_malformed"} 1"#,
        r#"doorward_refusals_total{code="unauthenticated"} 1"#,
        "doorward_sockets 1",
        "doorward_seats 1",
        "doorward_events_total 1",
        "doorward_ack_seconds_count 1",
        "doorward_admission_seconds_count 2",
        r#"doorward_event_failures_total{code="unknown_event"} 1"#,
        r#"doorward_away{what="sessions"} 0"#,
        "doorward_audit_dropped_total 0",
    ] {
        assert!(text.lines().any(|own| own == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("canary") && !text.contains("alice"), "{text}");
    assert_eq!(server.operate(&["revoke", "--user", "alice"]).code, Some(0));
    client.rest().await;
    let text = scrape(&address);
    for line in [
        r#"doorward_ends_total{reason="revoked"} 1"#,
        "doorward_revocations_total 1",
        "doorward_revocation_seconds_count 1",
        "doorward_sockets 0",
        "doorward_seats 0",
    ] {
        assert!(text.lines().any(|own| own == line), "{line} is not in\n{text}");
    }
    assert_eq!(server.request("GET", "/metrics").status, 401);
}

/// Strikes have no rate limit, so the metric is how operators notice a player who floods them.
#[tokio::test]
async fn strikes_in_the_game_are_counted_by_outcome() {
    let server = Server::start_with("[metrics]\nlisten = \"127.0.0.1:0\"\n", |_| {});
    let address = metrics_of(&server);
    let mut player = RawClient::open(server.address()).await;
    player.text(&format!(r#"40/mole,{{"token":"{}"}}"#, token(server.data_dir()))).await;
    player.json("40/mole,").await;
    player.text(r#"42/mole,0["join",{"room":"alone"}]"#).await;
    answer(&mut player, "43/mole,0").await;

    for id in 1..=3 {
        player.text(&format!(r#"42/mole,{id}["strike",{{"hole":5}}]"#)).await;
        let judged = answer(&mut player, &format!("43/mole,{id}")).await;
        assert_eq!(judged[0]["reason"], "not_playing");
    }

    let text = scrape(&address);
    let line = r#"doorward_mole_strikes_total{outcome="not_playing"} 3"#;
    assert!(text.lines().any(|own| own == line), "{line} is not in\n{text}");
}

/// Skips events of the game until the answer with this prefix.
async fn answer(client: &mut RawClient, prefix: &str) -> serde_json::Value {
    loop {
        let packet = client.packet().await.unwrap();
        if let Some(json) = packet.strip_prefix(prefix) {
            return serde_json::from_str(json).unwrap();
        }
    }
}

/// Connections to the metrics must not use up the descriptors of the server.
#[tokio::test]
async fn silent_scrapers_are_closed_and_use_bounded_descriptors() {
    let server = Server::start_with("[metrics]\nlisten = \"127.0.0.1:0\"\n", |_| {});
    let address = metrics_of(&server);
    let count = || std::fs::read_dir(format!("/proc/{}/fd", server.id())).unwrap().count();
    let before = count();
    let silent: Vec<_> = (0..30).map(|_| TcpStream::connect(&address).unwrap()).collect();
    // This request was accepted after the scrapers, so each scraper is being served or waits.
    assert_eq!(server.request("GET", "/healthz").status, 200);

    let open = count();
    assert!(open <= before + 18, "{before} descriptors, and {open} with 30 silent scrapers");
    // Silent scrapers time out, so that this request is served.
    assert!(scrape(&address).contains("doorward_sockets 0"));
    drop(silent);
}

/// docs/metrics.md must list every metric of the sources.
#[test]
fn every_metric_has_its_row_in_the_documentation() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut names = BTreeSet::new();
    for name in ["apps", "gateway", "identity", "server"] {
        collect(&crates.join(name).join("src"), &mut names);
    }
    let docs = include_str!("../../../../docs/metrics.md");

    assert!(names.len() > 30, "{names:?}");
    for name in names {
        assert!(docs.contains(&format!("| `{name}` |")), "{name}");
    }
}

/// Operators search for the metrics and log lines that these documents name, so each must exist.
#[test]
fn metrics_and_log_lines_named_for_operators_exist() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut names = BTreeSet::new();
    let mut sources = String::new();
    for name in ["apps", "auth", "gateway", "identity", "server", "sql"] {
        collect(&crates.join(name).join("src"), &mut names);
        read_all(&crates.join(name).join("src"), &mut sources);
    }
    for page in
        [include_str!("../../../../docs/operating.md"), include_str!("../../../../docs/limits.md")]
    {
        let metrics = page.split('`').filter(|part| part.starts_with("doorward_"));
        for metric in metrics {
            assert!(names.contains(metric), "{metric}");
        }
    }
    for line in [
        "Unavailable.",
        "Available again.",
        "The session store has lost its data",
        "The keys of an issuer could not be read.",
        "An issuer answers again.",
        "A change was refused: it could not be stored.",
        "Audit records cannot be written; they wait.",
    ] {
        assert!(include_str!("../../../../docs/operating.md").contains(line), "{line}");
        assert!(sources.contains(line), "{line}");
    }
}

/// Appends the text of all sources in a folder.
fn read_all(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// Collects the names of metrics from the sources in a folder.
fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let is_name = |part: &&str| {
                part.strip_prefix("doorward_").is_some_and(|rest| {
                    rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
                })
            };
            // Crates have the same prefix.
            let is_crate = |part: &&str| {
                ["doorward_apps", "doorward_auth", "doorward_core", "doorward_identity"]
                    .contains(part)
            };
            names.extend(
                text.split('"').filter(is_name).filter(|part| !is_crate(part)).map(str::to_owned),
            );
        }
    }
}

/// A connection that is kept open for the next request is not late.
#[test]
fn refused_and_late_requests_are_counted_and_idle_connections_are_not() {
    let config = "[metrics]\nlisten = \"127.0.0.1:0\"\n[limits]\nheader_timeout = \"1s\"\n";
    let server = Server::start_with(config, |_| {});
    let address = metrics_of(&server);
    let until_closed = |request: &str| {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    let timeouts = || scrape(&address).contains("doorward_http_timeouts_total 1");

    let idle = until_closed("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(idle.starts_with("HTTP/1.1 200 "), "{idle}");
    assert!(!timeouts());
    until_closed("GET /healthz HTTP/1.1\r\n");
    assert!(timeouts());

    let old = "/socket.io/?EIO=3&transport=polling";
    assert_eq!(server.request("GET", old).status, 400);
    let counted = "doorward_http_requests_refused_total{reason=\"protocol\"} 1";
    assert!(scrape(&address).contains(counted));
}
