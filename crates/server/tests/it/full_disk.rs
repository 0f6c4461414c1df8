//! Full disks: every acknowledged write outlives a restart, and the error of a failed write says what failed.

use std::{path::PathBuf, process::Command};

use doorward_testkit::SmallDisk;
use serde_json::json;

use crate::{
    chat_client::ChatClient,
    support::{Server, finish, path},
};

/// Changes a command so that the program runs on a small disk.
fn on(disk: &SmallDisk, command: &mut Command) {
    let inner = std::mem::replace(command, disk.command(env!("CARGO_BIN_EXE_doorward")));
    crate::support::take_over(command, &inner);
}

fn data(disk: &SmallDisk) -> PathBuf {
    disk.path().join("data")
}

/// Makes an access token with the key on the disk.
fn token(disk: &SmallDisk, user: &str) -> String {
    let data = data(disk);
    let mut command =
        crate::support::doorward(&["token", "--sub", user, "--data-dir", path(&data)]);
    on(disk, &mut command);
    let made = finish(&mut command);
    assert_eq!(made.code, Some(0), "{made:?}");
    made.stdout.trim_end().to_owned()
}

/// The operator reads that the user can connect again, and not only that the store is full.
#[tokio::test]
async fn a_revocation_that_cannot_be_stored_explains_the_consequence() {
    let disk = SmallDisk::new(2 << 20);
    let server = Server::start_on("localhost:0", data(&disk), |command| on(&disk, command));
    let mut ann = ChatClient::enter(server.address(), &token(&disk, "ann")).await;
    ann.ask("rooms", json!(null)).await;
    disk.fill();
    let revoke = |user: &str| {
        let data = data(&disk);
        let arguments = ["revoke", "--user", user, "--data-dir", path(&data)];
        let mut command = crate::support::doorward(&arguments);
        on(&disk, &mut command);
        finish(&mut command)
    };

    // The write-ahead log of the database may have room for some orders.
    let refused = (0..200).map(|n| revoke(&format!("user-{n}"))).find(|done| done.code != Some(0));
    let refused = refused.expect("the disk is full");

    assert!(refused.stderr.contains("the revocation was not stored"), "{refused:?}");
    assert!(refused.stderr.contains("the store is full"), "{refused:?}");
    // The sockets of this server end nevertheless.
    revoke("ann");
    ann.ended().await;
    disk.free();
    assert_eq!(revoke("ann").code, Some(0));
}

/// New keys replace the old file only after they were written completely.
#[tokio::test]
async fn keys_that_cannot_be_written_leave_the_old_keys_in_use() {
    let disk = SmallDisk::new(2 << 20);
    let server = Server::start_on("localhost:0", data(&disk), |command| on(&disk, command));
    let before = token(&disk, "ann");
    disk.fill();
    let data = data(&disk);
    let rotate = || {
        let mut command = crate::support::doorward(&["keys", "rotate", "--data-dir", path(&data)]);
        on(&disk, &mut command);
        finish(&mut command)
    };

    let refused = rotate();
    let after = token(&disk, "ann");
    disk.free();

    assert!(refused.code == Some(2) && refused.stderr.contains("cannot write keys"), "{refused:?}");
    for token in [before, after] {
        ChatClient::enter(server.address(), &token).await;
    }
    assert_eq!(rotate().code, Some(0));
}

/// Fails when a pool keeps a connection on which SQLite has rolled back by itself: the driver still counts
/// the transaction, so later commits write nothing and are acknowledged.
#[tokio::test]
async fn messages_acknowledged_during_and_after_a_full_disk_are_kept() {
    let disk = SmallDisk::new(2 << 20);
    let start = |at: &str| Server::start_on(at, data(&disk), |command| on(&disk, command));
    let server = start("localhost:0");
    let mut ann = ChatClient::enter(server.address(), &token(&disk, "ann")).await;
    let room = ann.ask("create", json!({ "name": "Tea" })).await;
    let room = room["id"].as_str().unwrap().to_owned();
    let message = |text: &str| json!({ "room": room, "key": text, "text": text });
    let mut kept = vec!["before".to_owned()];
    ann.ask("send", message("before")).await;

    disk.fill();
    let mut refused = 0;
    for number in 0..8 {
        let text = format!("full {number}");
        let answer = ann.ask("send", message(&text)).await;
        match answer["code"].as_str() {
            None => kept.push(text),
            Some(code) => {
                assert_eq!(code, "storage_full", "{answer}");
                refused += 1;
            }
        }
    }
    crate::support::eventually(|| (server.request("GET", "/readyz").status == 503).then_some(()));
    disk.free();
    for number in 0..8 {
        let text = format!("after {number}");
        let answer = ann.ask("send", message(&text)).await;
        assert_eq!(answer["text"], text, "{answer}");
        kept.push(text);
    }
    let port = server.port();
    let log = server.end("KILL").stderr;
    let server = start(&format!("localhost:{port}"));

    let mut ann = ChatClient::enter(server.address(), &token(&disk, "ann")).await;
    ann.ask("rooms", json!(null)).await;
    let history = ann.ask("history", json!({ "room": room, "lastSeen": 0 })).await;
    let texts: Vec<_> =
        history["messages"].as_array().unwrap().iter().map(|m| &m["text"]).collect();
    assert_eq!(texts, kept.iter().collect::<Vec<_>>());
    assert!(refused >= 2, "{refused} writes failed");
    assert!(log.contains("A change was refused: it could not be stored."), "{log}");
}
