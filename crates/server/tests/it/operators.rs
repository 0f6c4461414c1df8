//! Commands of operators: connections, sessions, revocations, keys and audit records.

use std::{
    collections::HashSet,
    fs,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::Path,
};

use doorward_testkit::RawClient;

use crate::support::{Server, by_session, by_token, doorward, finish, path, run, session, token};

/// Runs a command that must succeed, and returns its output.
fn said(server: &Server, arguments: &[&str]) -> String {
    let done = server.operate(arguments);
    assert_eq!(done.code, Some(0), "{done:?}");
    done.stdout
}

/// Returns the code with which the server ends the client.
async fn ended_with(client: &mut RawClient) -> String {
    let ended = client.json("42").await;
    assert_eq!(ended[0], "session_ended");
    ended[1]["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_user_is_revoked_from_the_command_line() {
    let server = Server::start();
    let token = token(server.data_dir());
    let mut first = server.connect(&by_token(&token)).await;
    let mut second = server.connect(&by_token(&token)).await;

    let text = said(&server, &["revoke", "--user", "alice"]);

    assert_eq!(
        text,
        "Revoked; 2 sockets closed. It was the subject \"alice\", with 0 sessions and 2 sockets.\n"
    );
    for client in [&mut first, &mut second] {
        assert_eq!(ended_with(client).await, "revoked");
    }
    // The token is from before the revocation, and is refused after a restart as well.
    assert_eq!(server.refusal(&by_token(&token)).await, "unauthenticated");
    let server = server.restart();
    assert_eq!(server.refusal(&by_token(&token)).await, "unauthenticated");
}

/// A user who is offline can be revoked as well: earlier tokens are refused from then on.
#[tokio::test]
async fn a_user_without_account_session_or_socket_is_revoked() {
    let server = Server::start();
    let token = token(server.data_dir());

    let text = said(&server, &["revoke", "--user", "alice"]);

    assert_eq!(
        text,
        "Revoked; 0 sockets closed. No account, session or socket was found: what was issued to the subject \
         \"alice\" before is refused.\n"
    );
    assert_eq!(server.refusal(&by_token(&token)).await, "unauthenticated");
}

#[tokio::test]
async fn revoking_an_unknown_session_or_socket_exits_with_1() {
    let server = Server::start();
    let token = token(server.data_dir());
    let _client = server.connect(&by_token(&token)).await;
    let list: serde_json::Value =
        serde_json::from_str(&said(&server, &["connections", "--json"])).unwrap();
    let gone = list["connections"][0]["socket"].as_str().unwrap();
    said(&server, &["revoke", "--socket", gone]);

    for what in [["--session", "nope"], ["--socket", gone]] {
        let done = server.operate(&[&["revoke"][..], &what].concat());

        assert_eq!((done.code, &*done.stdout), (Some(1), ""), "{done:?}");
        let kind = what[0].trim_start_matches("--");
        assert!(done.stderr.starts_with(&format!("doorward: there is no {kind} ")), "{done:?}");
    }
}

#[tokio::test]
async fn sockets_are_listed_and_revoked_one_by_one() {
    let server = Server::start();
    let token = token(server.data_dir());
    let mut client = server.connect(&by_token(&token)).await;

    let table = said(&server, &["connections"]);
    let json = said(&server, &["connections", "--json"]);

    let head: Vec<_> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(head[..5], ["SOCKET", "NODE", "LINK", "NAMESPACE", "USER"]);
    assert!(table.lines().nth(1).unwrap().contains("alice"), "{table}");
    let list: serde_json::Value = serde_json::from_str(&json).unwrap();
    let one = &list["connections"][0];
    assert_eq!((&one["user"], &one["network"]), (&"alice".into(), &"127.0.0.0".into()));
    assert!(one["expiresAt"].is_string());
    assert!(!json.contains(&token));
    let socket = one["socket"].as_str().unwrap();
    let text = said(&server, &["revoke", "--socket", socket]);
    assert_eq!(text, "Revoked; 1 socket closed. It was a socket of \"alice\".\n");
    assert_eq!(ended_with(&mut client).await, "revoked");
    // The credential of the socket stays valid.
    server.connect(&by_token(&token)).await;
}

/// A restart must not sign users out.
#[tokio::test]
async fn sessions_are_created_listed_and_revoked_and_outlive_a_restart() {
    let server = Server::start();
    let token = session(server.data_dir(), "alice");
    let other = session(server.data_dir(), "alice");
    assert_ne!(token, other);

    let server = server.restart();
    let mut client = server.connect(&by_session(&token)).await;
    let mut elsewhere = server.connect(&by_session(&other)).await;
    let json = said(&server, &["sessions", "--user", "alice", "--json"]);

    let list: serde_json::Value = serde_json::from_str(&json).unwrap();
    let ids: HashSet<_> = list["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 2);
    assert!(!json.contains(&token) && !json.contains(&other));
    assert!(said(&server, &["sessions", "--user", "bob"]).lines().count() == 1);
    let connections = said(&server, &["connections", "--json"]);
    let connections: serde_json::Value = serde_json::from_str(&connections).unwrap();
    let session = connections["connections"][0]["session"].as_str().unwrap();
    assert!(ids.contains(session));
    let text = said(&server, &["revoke", "--session", session]);
    assert_eq!(text, "Revoked; 1 socket closed. It was a session of \"alice\".\n");
    assert_eq!(ended_with(&mut client).await, "revoked");
    // Attack 58: other sessions of the user stay valid.
    elsewhere.text("420[\"whoami\"]").await;
    assert_eq!(elsewhere.json("430").await[0]["user"], "alice");
    server.refusal(&by_session(&token)).await;
}

/// The system accepts connections for a process that is stopped. Without a greeting, a command waited without a word,
/// and a revocation was carried out when the process continued.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_command_gives_up_when_the_server_is_stopped_and_has_asked_nothing_of_it() {
    let server = Server::start();
    let token = token(server.data_dir());
    let mut client = server.connect(&by_token(&token)).await;
    let begun = tokio::time::Instant::now();
    let frozen = doorward_testkit::Frozen::new(server.id());

    let data = path(server.data_dir());
    let (revoked, examined) = std::thread::scope(|scope| {
        let examined = scope.spawn(|| run(&["doctor", "--data-dir", data]));
        (server.operate(&["revoke", "--user", "alice"]), examined.join().unwrap())
    });

    drop(frozen);
    assert!(begun.elapsed() < std::time::Duration::from_secs(25), "{:?}", begun.elapsed());
    assert_eq!((revoked.code, &*revoked.stdout), (Some(2), ""), "{revoked:?}");
    assert_eq!(revoked.stderr.lines().count(), 1, "{revoked:?}");
    let expected = format!(
        "(process {0}) has not answered within 10 s, and the request was not sent: if its process is stopped, \
         continue it (kill -CONT {0})",
        server.id()
    );
    assert!(revoked.stderr.contains(&expected), "{revoked:?}");
    assert_eq!(examined.code, Some(2), "{examined:?}");
    assert!(examined.stdout.contains("FAILED   server"), "{examined:?}");
    assert!(said(&server, &["connections"]).contains("alice"));
    client.text(r#"421["echo","still here"]"#).await;
    assert_eq!(client.packet().await.as_deref(), Some(r#"431["still here"]"#));
}

/// Attack 103: the only way in is a socket file with mode 0600; HTTP has no such routes.
#[tokio::test]
async fn the_admin_socket_is_open_to_its_owner_only() {
    let server = Server::start();
    let sockets: Vec<_> = fs::read_dir(server.data_dir())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_socket())
        .collect();

    assert_eq!(sockets.len(), 1);
    assert_eq!(sockets[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    for (method, path) in [
        ("POST", "/revoke"),
        ("GET", "/server"),
        ("GET", "/connections"),
        ("GET", "/sessions?user=a"),
        ("GET", "/accounts"),
    ] {
        assert_eq!(server.request(method, path).status, 401, "{path}");
    }
}

#[test]
fn a_command_that_fails_is_explained_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = path(folder.path());
    let cases: [(&[&str], &str); 6] = [
        (
            &["revoke", "--user", "alice", "--data-dir", nowhere],
            "no server runs on the data directory",
        ),
        (&["connections", "--data-dir", nowhere], "start one with doorward serve --data-dir"),
        (&["sessions", "--user", "a", "--data-dir", nowhere], "no server runs"),
        (&["revoke"], "required arguments were not provided"),
        (&["revoke", "--user", "--data-dir", nowhere], "the value of --user is missing"),
        (&["revoke", "--user", "a", "--socket", "b"], "cannot be used with"),
    ];
    for (arguments, expected) in cases {
        let done = run(arguments);

        assert_eq!(done.code, Some(2), "{done:?}");
        assert!(done.stderr.contains(expected), "{done:?}");
        assert_eq!(done.stderr.lines().count(), 1, "{done:?}");
    }
    let server = Server::start();
    let wrong = server.operate(&["revoke", "--socket", "no id"]);
    assert!(wrong.stderr.contains("`doorward connections` shows it"), "{wrong:?}");
}

#[tokio::test]
async fn after_a_rotation_tokens_of_the_old_key_are_still_accepted() {
    let server = Server::start();
    let old = token(server.data_dir());
    let exported = said(&server, &["keys", "export"]);
    let served = server.request("GET", "/.well-known/jwks.json");
    assert_eq!((served.status, served.header("content-type")), (200, Some("application/json")));
    let set: serde_json::Value = serde_json::from_str(&exported).unwrap();
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&served.body).unwrap(), set);
    assert_eq!(set["keys"].as_array().unwrap().len(), 1);
    assert!(set["keys"][0].get("d").is_none());

    said(&server, &["keys", "rotate"]);
    let server = server.restart();
    let new = token(server.data_dir());

    let served = server.request("GET", "/.well-known/jwks.json");
    let set: serde_json::Value = serde_json::from_slice(&served.body).unwrap();
    assert_eq!(set["keys"].as_array().unwrap().len(), 2);
    for token in [old, new] {
        server.connect(&by_token(&token)).await;
    }
}

/// Attack 105: an operator must create the key on purpose, so that a wrong data directory is noticed.
#[test]
fn in_production_no_key_is_created_implicitly() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("doorward.toml");
    fs::write(&file, "profile = \"production\"\npublic_url = \"https://chat.example.org\"\n")
        .unwrap();
    let place = ["--config", path(&file), "--data-dir", path(&data)];

    for command in [&["serve", "--listen", "localhost:0"][..], &["token", "--sub", "alice"]] {
        let done = run(&[command, &place].concat());

        assert_eq!(done.code, Some(2), "{done:?}");
        assert!(done.stderr.contains("doorward keys create"), "{done:?}");
    }
    assert_eq!(run(&[&["keys", "create"][..], &place].concat()).code, Some(0));
    assert_eq!(run(&[&["token", "--sub", "alice"][..], &place].concat()).code, Some(0));
}

/// Attack 100: the files of the server hold one record per decision and no secret.
#[tokio::test]
async fn each_decision_is_recorded_once_in_the_file_or_table() {
    for config in ["[audit]\nsink = \"file\"\n", "[audit]\nsink = \"sql\"\n"] {
        let server = Server::start_with(config, |_| {});
        let token = token(server.data_dir());
        let session = session(server.data_dir(), "alice");
        server.refusal(&by_token("canary-hunter2")).await;
        let mut first = server.connect(&by_token(&token)).await;
        let mut second = server.connect(&by_session(&session)).await;
        said(&server, &["revoke", "--user", "alice"]);
        assert_eq!(ended_with(&mut first).await, "revoked");
        assert_eq!(ended_with(&mut second).await, "revoked");
        let data_dir = server.data_dir().to_owned();
        let folder = server.end_and_keep("TERM");

        let outcomes = recorded(&data_dir).await;

        let mut expected =
            ["admitted", "admitted", "ended", "ended", "refused", "revoked"].to_vec();
        expected.sort_unstable();
        assert_eq!(outcomes, expected, "{config}");
        for entry in fs::read_dir(&data_dir).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            for secret in ["canary-hunter2", &token, &session] {
                assert!(!text.contains(secret), "{config}");
            }
        }
        drop(folder);
    }
}

/// Returns the outcomes of the audit file or table in alphabetical order.
async fn recorded(data_dir: &Path) -> Vec<String> {
    let mut outcomes: Vec<String> = match fs::read_to_string(data_dir.join("audit.jsonl")) {
        Ok(text) => {
            let lines =
                text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
            lines.map(|record| record["outcome"].as_str().unwrap().to_owned()).collect()
        }
        Err(_) => {
            crate::support::rows(&data_dir.join("doorward.db"), "SELECT outcome FROM audit").await
        }
    };
    outcomes.sort();
    outcomes
}

#[test]
fn the_doctor_checks_a_server_that_is_alone() {
    let server = Server::start();

    let text = said(&server, &["doctor"]);

    let lines: Vec<&str> = text.lines().collect();
    let is_expected =
        |line: &&str| line.starts_with("ok ") || line.contains("public_url is not set");
    assert!(lines.iter().all(is_expected), "{text}");
    for (what, expected) in [
        ("settings", "valid, for profile \"development\""),
        ("key", "token-key.pem"),
        ("redis", "not used"),
        ("node", "sockets: 0"),
    ] {
        let line = lines.iter().find(|line| line.split_whitespace().nth(1) == Some(what)).unwrap();
        assert!(line.contains(expected), "{line}");
    }
    let folder = server.data_dir().join("token-key.pem");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o666)).unwrap();
    let done = server.operate(&["doctor"]);
    assert_eq!(done.code, Some(2), "{done:?}");
    assert!(done.stdout.contains("FAILED   key"), "{done:?}");
    assert!(done.stderr.contains("1 check has failed"), "{done:?}");
}

#[test]
fn a_data_directory_that_cannot_be_read_is_not_taken_for_one_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data");
    fs::write(&file, "").unwrap();

    for command in ["nodes", "connections", "doctor"] {
        let done = run(&[command, "--data-dir", file.to_str().unwrap()]);

        let said = done.stdout + &done.stderr;
        assert_eq!(done.code, Some(2), "{said}");
        assert!(said.contains("cannot look for a server in"), "{said}");
    }
}

/// A check changes nothing.
#[test]
fn the_doctor_creates_no_tables_in_an_empty_database() {
    let url = doorward_testkit::PostgresServer::shared().database();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let examine = || {
        let mut command = doorward(&["doctor", "--data-dir", path(&data)]);
        let done = finish(command.env("DATABASE_URL", &url));
        assert_eq!(done.code, Some(0), "{done:?}");
        let line = done.stdout.lines().find(|line| line.contains(" database ")).unwrap();
        line.to_owned()
    };

    for _ in 0..2 {
        let line = examine();
        assert!(line.starts_with("ok ") && line.contains("no tables yet"), "{line}");
    }
    let server = Server::start_configured("", data.clone(), |command| {
        command.env("DATABASE_URL", &url);
    });
    let line = examine();

    assert!(line.contains("its tables are of this version"), "{line}");
    drop(server);
}

/// Without a trusted proxy, the server sees one address for all clients, and they share its budgets.
#[test]
fn the_doctor_asks_for_the_proxy_behind_which_the_server_is() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("doorward.toml");
    let line = |more: &str| {
        fs::write(&config, format!("public_url = \"https://chat.example.org\"\n{more}")).unwrap();
        let data = folder.path().join("data");
        let done = run(&["doctor", "--config", path(&config), "--data-dir", path(&data)]);
        let line = done.stdout.lines().find(|line| line.contains(" name ")).map(str::to_owned);
        line.unwrap_or_else(|| panic!("{done:?}"))
    };

    let alone = line("");
    let behind = line("trusted_proxies = [\"10.0.0.1\"]\n");

    assert!(alone.starts_with("warning  name"), "{alone}");
    assert!(alone.contains("set tls, or name the proxy in trusted_proxies"), "{alone}");
    assert!(behind.starts_with("ok       name"), "{behind}");
}
