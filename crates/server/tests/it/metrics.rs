//! What a Prometheus server reads.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
};

use doorward_testkit::RawClient;

use crate::support::{Server, path, run, token};

/// The address that the log has named.
pub(crate) fn metrics_of(server: &Server) -> String {
    server.logged("Metrics.").rsplit_once("address=").unwrap().1.trim().to_owned()
}

pub(crate) fn scrape(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn what_happens_is_counted_and_nothing_that_clients_say_is_a_label() {
    let config = "[metrics]\nlisten = \"127.0.0.1:0\"\n[connections]\nper_user = 5\n";
    let server = Server::start_with(config, |_| {});
    let address = metrics_of(&server);
    let mut bad = RawClient::open(server.address()).await;
    bad.text(r#"40{"token":"canary-hunter2"}"#).await;
    bad.json("44").await;
    let mut client = RawClient::open(server.address()).await;
    client.text(&format!(r#"40{{"token":"{}"}}"#, token(server.data_dir()))).await;
    client.json("40").await;
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
    let revoke = ["revoke", "--user", "alice", "--data-dir", path(server.data_dir())];
    assert_eq!(run(&revoke).code, Some(0));
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

/// A player may strike as often as they like, and it shows.
#[tokio::test]
async fn strikes_in_the_game_are_counted_by_what_became_of_them() {
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

/// Reads over the events of the game.
async fn answer(client: &mut RawClient, prefix: &str) -> serde_json::Value {
    loop {
        let packet = client.packet().await.unwrap();
        if let Some(json) = packet.strip_prefix(prefix) {
            return serde_json::from_str(json).unwrap();
        }
    }
}

/// What connects here without end must not use up the descriptors of the server.
#[tokio::test]
async fn scrapers_that_say_nothing_are_closed_and_take_no_more_than_their_places() {
    let server = Server::start_with("[metrics]\nlisten = \"127.0.0.1:0\"\n", |_| {});
    let address = metrics_of(&server);
    let count = || std::fs::read_dir(format!("/proc/{}/fd", server.id())).unwrap().count();
    let before = count();
    let silent: Vec<_> = (0..30).map(|_| TcpStream::connect(&address).unwrap()).collect();
    // One that is asked after them was accepted after them, or waits.
    assert_eq!(server.request("GET", "/healthz").status, 200);

    let open = count();
    assert!(open <= before + 18, "{before} descriptors, and {open} with 30 silent scrapers");
    // The silent ones make room in time.
    assert!(scrape(&address).contains("doorward_sockets 0"));
    drop(silent);
}

/// The page of metrics names all there are.
#[test]
fn every_metric_has_its_row_in_the_documentation() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut names = BTreeSet::new();
    for name in ["gateway", "identity", "server"] {
        collect(&crates.join(name).join("src"), &mut names);
    }
    let docs = include_str!("../../../../docs/metrics.md");

    assert!(names.len() > 30, "{names:?}");
    for name in names {
        assert!(docs.contains(&format!("| `{name}` |")), "{name}");
    }
}

/// An operator who reads these pages at three in the morning finds every metric and every line of the log that they name.
#[test]
fn what_the_pages_for_operators_name_is_there() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut names = BTreeSet::new();
    let mut sources = String::new();
    for name in ["gateway", "identity", "server", "sql"] {
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
        "The store of sessions has lost what it knew",
        "A change was refused: it could not be kept.",
        "Audit records cannot be written; they wait.",
    ] {
        assert!(include_str!("../../../../docs/operating.md").contains(line), "{line}");
        assert!(sources.contains(line), "{line}");
    }
}

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

/// Finds the names of metrics in a folder of sources.
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
            // Names of crates are no metrics.
            let is_crate = |part: &&str| {
                ["doorward_auth", "doorward_core", "doorward_identity"].contains(part)
            };
            names.extend(
                text.split('"').filter(is_name).filter(|part| !is_crate(part)).map(str::to_owned),
            );
        }
    }
}
