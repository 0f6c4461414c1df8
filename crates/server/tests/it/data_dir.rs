//! The data directory: one server at a time, no other user, backups, and audit files.

use std::{
    fs::{self, Permissions},
    io::{BufRead as _, BufReader},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use doorward_testkit::SmallDisk;
use serde_json::json;

use crate::{
    chat_client::ChatClient,
    support::{Server, doorward, eventually, finish, path, token},
};

/// A supervisor may start the next server before the last one has ended.
#[test]
fn a_second_server_waits_and_starts_when_the_first_has_ended() {
    let first = Server::start();
    let process = first.id();
    let mut second =
        doorward(&["serve", "--listen", "localhost:0", "--data-dir", path(first.data_dir())])
            .spawn()
            .unwrap();
    let mut stderr = BufReader::new(second.stderr.take().unwrap());
    let (mut said, mut address) = (String::new(), String::new());
    stderr.read_line(&mut said).unwrap();
    assert!(said.contains(&format!("another server (process {process})")), "{said}");
    assert_eq!(first.request("GET", "/healthz").status, 200);

    let _folder = first.end_and_keep("KILL");

    BufReader::new(second.stdout.take().unwrap()).read_line(&mut address).unwrap();
    assert!(address.contains("listening on http://localhost:"), "{address}");
    second.kill().unwrap();
    second.wait().unwrap();
}

/// A server that waits for the data directory must still react to signals.
#[test]
fn a_waiting_second_server_ends_on_a_signal() {
    let first = Server::start();
    // The file only names the owner of the directory; the lock itself holds without it.
    fs::remove_file(first.data_dir().join("server.lock")).unwrap();
    let mut command =
        doorward(&["serve", "--listen", "localhost:0", "--data-dir", path(first.data_dir())]);
    let mut second = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(second.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("waiting for it to end"), "{line}");

    let kill = format!("kill -TERM {}", second.id());
    std::process::Command::new("sh").args(["-c", &kill]).status().unwrap();

    assert!(second.wait().unwrap().success());
}

/// Asserts that a server refuses a data directory, and returns its message.
fn refused(data: &Path) -> String {
    let failed =
        finish(&mut doorward(&["serve", "--listen", "localhost:0", "--data-dir", path(data)]));
    assert_eq!(failed.code, Some(2), "{failed:?}");
    failed.stderr
}

/// Another user of the machine could plant a database and sign in as any account.
#[test]
fn a_directory_or_file_that_others_may_write_is_refused() {
    for mode in [0o777, 0o1777, 0o770] {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();

        let said = refused(folder.path());

        assert!(said.contains("chmod go-w"), "{mode:o}: {said}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{mode:o}");
    }
    for name in [
        "doorward.db",
        "doorward.db-wal",
        "doorward.db-shm",
        "applications.db",
        "applications.db-wal",
        "server.lock",
        "token-key.pem",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
        assert!(refused(folder.path()).contains("chmod 600"), "{name}");

        fs::rename(&file, folder.path().join("elsewhere")).unwrap();
        symlink(folder.path().join("elsewhere"), &file).unwrap();
        let said = refused(folder.path());
        // A mounted secret may be a link; its target is checked.
        let expected = if name == "token-key.pem" { "chmod 600" } else { "is a link" };
        assert!(said.contains(expected), "{name}: {said}");
    }
}

/// Writes to a file that has lost its name would be lost with the process.
#[tokio::test]
async fn writes_to_a_moved_data_directory_are_refused() {
    let server = Server::start();
    let mut ann = ChatClient::enter(server.address(), &token(server.data_dir())).await;
    let away = server.data_dir().with_file_name("away");
    assert!(ann.ask("create", json!({ "name": "before" })).await["id"].is_string());

    fs::rename(server.data_dir(), &away).unwrap();
    let refused = ann.ask("create", json!({ "name": "away" })).await;
    eventually(|| (server.request("GET", "/readyz").status == 503).then_some(()));
    fs::rename(&away, server.data_dir()).unwrap();
    eventually(|| (server.request("GET", "/readyz").status == 200).then_some(()));

    assert_eq!(refused["code"], "unavailable", "{refused}");
    assert!(ann.ask("create", json!({ "name": "after" })).await["id"].is_string());
    let said = server.stop();
    assert!(said.contains("was removed or replaced while it was open"), "{said}");
}

/// The backup of a data directory is a data directory.
#[tokio::test]
async fn a_backup_of_a_running_server_can_be_restored() {
    let server = Server::start();
    let mut ann = ChatClient::enter(server.address(), &token(server.data_dir())).await;
    let before = ann.ask("create", json!({ "name": "before" })).await;
    let copy = server.data_dir().with_file_name("copy");
    let back_up = || server.operate(&["backup", path(&copy)]);

    let made = back_up();
    let again = back_up();
    ann.ask("create", json!({ "name": "after" })).await;
    let old_token = token(server.data_dir());
    let _folder = server.end_and_keep("KILL");
    let restored = Server::start_in(&copy);

    assert_eq!(made.code, Some(0), "{made:?}");
    // A second backup does not overwrite the first.
    assert_eq!(again.code, Some(2), "{again:?}");
    let mut ann = ChatClient::enter(restored.address(), &old_token).await;
    let rooms = ann.ask("rooms", json!(null)).await;
    assert_eq!((&rooms[0]["id"], rooms.as_array().unwrap().len()), (&before["id"], 1));
}

/// A log is rotated by renaming it and sending SIGHUP.
#[test]
fn sighup_reopens_the_audit_file_and_other_signals_change_nothing() {
    let server = Server::start_with("[audit]\nsink = \"file\"\n", |_| {});
    let file = server.data_dir().join("audit.jsonl");
    let revoke = |name: &str| {
        let made = server.operate(&["revoke", "--user", name]);
        assert_eq!(made.code, Some(0), "{made:?}");
    };
    revoke("before");
    let has =
        |text: &str| fs::read_to_string(&file).is_ok_and(|all| all.contains(text)).then_some(());
    eventually(|| has("before"));
    fs::rename(&file, file.with_extension("1")).unwrap();

    for signal in ["USR1", "USR2", "XFSZ", "HUP"] {
        server.signal(signal);
    }
    server.logged("SIGHUP");
    revoke("after");

    eventually(|| has("after"));
    assert!(!fs::read_to_string(&file).unwrap().contains("before"));
    assert_eq!(server.end("TERM").code, Some(0));
}

/// No record is lost while the disk is full; the log says once that records wait.
#[test]
fn audit_records_wait_for_room_on_the_disk() {
    let disk = SmallDisk::new(4 << 20);
    let elsewhere = tempfile::tempdir().unwrap();
    let config =
        format!("[audit]\nsink = \"file\"\nfile = \"{}/audit.jsonl\"\n", path(disk.path()));
    let data = elsewhere.path().join("data");
    let server = Server::start_configured(&config, data, |command| {
        let inner = std::mem::replace(command, disk.command(env!("CARGO_BIN_EXE_doorward")));
        crate::support::take_over(command, &inner);
    });
    let revoke = |n: usize| {
        let name = format!("user-{n:03}-{}", "x".repeat(200));
        server.operate(&["revoke", "--user", &name]);
    };
    revoke(0);

    disk.fill();
    (1..30).for_each(revoke);
    server.logged("Audit records cannot be written");
    disk.free();
    server.logged("Audit records are written again");

    assert_eq!(server.end("TERM").code, Some(0));
    let text = fs::read_to_string(disk.outside("audit.jsonl")).unwrap();
    // The full disk may have cut a line short. The same record follows as a whole line.
    let whole: Vec<serde_json::Value> =
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let short = |line: &serde_json::Value| {
        line["user"].as_str().unwrap().split('-').nth(1).map(str::to_owned)
    };
    let users: Vec<_> = whole.iter().filter_map(short).collect();
    let expected: Vec<_> = (0..30).map(|n| format!("{n:03}")).collect();
    assert_eq!(users, expected);
}
