//! File descriptors: after connections have used up theirs, operators still have some.

use std::process::{Command, Stdio};

use doorward_testkit::RawClient;
use serde_json::Value;

use crate::{
    metrics::{metrics_of, scrape},
    support::{Server, by_session, by_token, session, token},
};

/// Changes a command so that the program runs with a limit of 160 open files.
fn limited(command: &mut Command) {
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 160 && exec \"$0\" \"$@\""]);
    shell.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    *command = shell;
}

/// Returns the value of a metric without labels.
fn value(text: &str, name: &str) -> usize {
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    let (_, value) =
        lines.find(|(own, _)| *own == name).unwrap_or_else(|| panic!("{name}: {text}"));
    value.parse().unwrap()
}

#[tokio::test]
async fn a_server_without_free_descriptors_still_obeys_its_operator() {
    let server = Server::start_with("[metrics]\nlisten = \"127.0.0.1:0\"\n", limited);
    let metrics = metrics_of(&server);
    let limit = value(&scrape(&metrics), "doorward_connections_limit");
    // The rest of the 160 is reserved for files, the admin socket and metrics.
    assert_eq!(limit, 96);
    let auth = by_token(&token(server.data_dir()));
    let mut clients = Vec::new();
    for _ in 0..limit {
        clients.push(server.connect(&auth).await);
    }
    // These connections wait to be accepted; there are more of them than free descriptors.
    let mut waiting = Vec::new();
    for _ in 0..100 {
        waiting.push(RawClient::connect(server.address()).await);
    }

    let text = scrape(&metrics);
    assert_eq!(value(&text, "doorward_connections"), limit, "{text}");
    assert_eq!(value(&text, "doorward_descriptors_limit"), 160);
    assert!(value(&text, "doorward_descriptors") < 160, "{text}");
    let session = session(server.data_dir(), "bob");
    let listed = server.operate(&["connections", "--json"]);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed["connections"].as_array().unwrap().len(), limit);
    let revoked = server.operate(&["revoke", "--user", "alice"]);
    assert_eq!(revoked.code, Some(0), "{revoked:?}");

    // There is room again, and a signed-in user can connect.
    drop((clients, waiting));
    server.connect(&by_session(&session)).await;
    let log = server.stop();
    assert_eq!(log.matches("No room for more connections").count(), 1, "{log}");
    assert!(!log.contains("Too many open files"), "{log}");
}
