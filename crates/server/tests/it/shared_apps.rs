//! The applications of several servers on one PostgreSQL.

use std::{collections::BTreeMap, process::Command};

use doorward_testkit::{PostgresServer, RedisServer};
use serde_json::{Value, json};

use crate::{
    chat_client::ChatClient,
    support::{Server, doorward, eventually, finish, path, run},
};

/// Connects a user to the chat of a node. A token of the second in which Redis was empty is not accepted.
async fn enter(server: &Server, user: &str) -> ChatClient {
    loop {
        let made = run(&["token", "--sub", user, "--data-dir", path(server.data_dir())]);
        assert_eq!(made.code, Some(0), "{made:?}");
        let token = made.stdout.trim_end();
        if let Some(mut client) = ChatClient::admitted(server.address(), token).await {
            client.ask("rooms", json!(null)).await;
            return client;
        }
    }
}

/// Posts fifteen messages, as one client may in ten seconds.
async fn talk(client: &mut ChatClient, room: &str, who: &str) {
    for number in 0..15 {
        let key = format!("{who} {number}");
        let message = client.ask("send", json!({ "room": room, "key": key, "text": key })).await;
        assert_eq!(message["text"], key, "{message}");
    }
}

/// Hears until no version up to `last` is missing, and returns the texts in the order in which a page shows them.
async fn heard(client: &mut ChatClient, last: usize) -> Vec<String> {
    let mut messages = BTreeMap::new();
    while messages.len() < last {
        let message = client.hear("message").await;
        messages.insert(message["version"].as_u64(), (message["seq"].as_u64(), text(&message)));
    }
    let mut shown: Vec<_> = messages.into_values().collect();
    shown.sort();
    shown.into_iter().map(|(_, text)| text).collect()
}

fn text(message: &Value) -> String {
    message["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn two_servers_have_one_chat() {
    let redis = RedisServer::start(&[]).await;
    let database = PostgresServer::shared().database();
    let start = |name: &str| {
        Server::start_with(&format!("[cluster]\nnode = \"{name}\"\n"), |command| {
            command.env("REDIS_URL", redis.url()).env("DATABASE_URL", &database);
        })
    };
    // Both create the tables at the same time.
    let (first, second) = std::thread::scope(|scope| {
        let (first, second) = (scope.spawn(|| start("eu-1")), scope.spawn(|| start("eu-2")));
        (first.join().unwrap(), second.join().unwrap())
    });
    eventually(|| {
        let ready = |server: &Server| server.request("GET", "/readyz").status == 200;
        (ready(&first) && ready(&second)).then_some(())
    });
    let mut ann = enter(&first, "ann").await;
    let mut tab = enter(&first, "bob").await;
    let mut bob = enter(&second, "bob").await;
    let room = ann.ask("create", json!({ "name": "Tea" })).await;
    let room = room["id"].as_str().unwrap().to_owned();
    ann.ask("invite", json!({ "room": room, "id": "bob" })).await;
    assert_eq!(bob.ask("accept", json!({ "room": room })).await["members"], 2);

    tokio::join!(talk(&mut ann, &room, "ann"), talk(&mut bob, &room, "bob"));

    let mut histories = Vec::new();
    for client in [&mut ann, &mut bob, &mut tab] {
        let shown = heard(client, 30).await;
        let history = client.ask("history", json!({ "room": room, "lastSeen": 0 })).await;
        let messages = history["messages"].as_array().unwrap();
        assert_eq!(shown, messages.iter().map(text).collect::<Vec<_>>());
        let versions: Vec<_> =
            messages.iter().map(|one| one["version"].as_u64().unwrap()).collect();
        assert_eq!(versions, (1..=30).collect::<Vec<_>>());
        histories.push(history);
    }
    assert!(histories.iter().all(|history| *history == histories[0]));
    for server in [&first, &second] {
        assert!(!server.data_dir().join("applications.db").exists());
    }
}

/// The operator reads where the data is, also when an earlier file is left.
#[tokio::test]
async fn the_log_and_a_backup_say_where_the_data_is() {
    let server = Server::start();
    let mut ann = enter(&server, "ann").await;
    ann.ask("create", json!({ "name": "Tea" })).await;
    let database = PostgresServer::shared().database();
    let copy = server.config().with_file_name("copy");
    let backup = |data_dir: &str, change: &dyn Fn(&mut Command)| {
        let mut command = doorward(&["backup", path(&copy), "--data-dir", data_dir]);
        change(&mut command);
        let done = finish(&mut command);
        assert_eq!(done.code, Some(0), "{done:?}");
        let files = copy.read_dir().unwrap().map(|file| file.unwrap().file_name());
        let has = files.into_iter().any(|file| file == "applications.db");
        std::fs::remove_dir_all(&copy).unwrap();
        (done.stdout, has)
    };
    let in_postgres = |command: &mut Command| {
        command.env("DATABASE_URL", &database);
    };

    let (said, has) = backup(path(server.data_dir()), &|_| {});
    assert!(has && !said.contains("PostgreSQL"), "{said}");

    let server = server.restart_with(in_postgres);
    server.logged("The file with their earlier data is not used");
    let mut ann = enter(&server, "ann").await;
    assert_eq!(ann.ask("rooms", json!(null)).await, json!([]));
    let (said, has) = backup(path(server.data_dir()), &in_postgres);
    assert!(has && said.contains("Accounts, chat and boards are in PostgreSQL"), "{said}");
    assert!(said.contains("applications.db is from before database.url"), "{said}");

    let fresh = Server::start_with("", in_postgres);
    let (said, has) = backup(path(fresh.data_dir()), &in_postgres);
    assert!(!has && said.contains("Accounts, chat and boards are in PostgreSQL"), "{said}");
    assert!(!said.contains("applications.db"), "{said}");
}
