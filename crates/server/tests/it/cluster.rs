//! Several servers on one Redis: they share keys, sessions, seats and revocations.

use std::process::Command;

use doorward_testkit::{RawClient, RedisServer, Seen};

use crate::support::{
    Server, by_session, by_token, doorward, eventually, finish, path, session, token,
};

/// Settings of the node with this name.
fn settings(name: &str) -> String {
    format!("[cluster]\nnode = \"{name}\"\n")
}

/// Starts a node with further settings.
fn node(redis: &RedisServer, name: &str, more: &str) -> Server {
    let url = redis.url();
    Server::start_with(&(settings(name) + more), |command| {
        command.env("REDIS_URL", url);
    })
}

pub(crate) fn ready(server: &Server) -> bool {
    server.request("GET", "/readyz").status == 200
}

pub(crate) async fn ended(mut client: RawClient) -> String {
    let rest = client.rest().await;
    let texts = rest.iter().filter_map(|seen| match seen {
        Seen::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// One setting makes one server of many: a token and a session of one node are accepted by the others.
#[tokio::test]
async fn nodes_share_their_keys_and_sessions() {
    let redis = RedisServer::start(&[]).await;
    let first = node(&redis, "eu-1", "");
    let second = node(&redis, "eu-2", "");

    let of_second = accepted(&second).await;
    first.connect(&of_second).await;
    second.connect(&by_token(&token(first.data_dir()))).await;
    second.connect(&by_session(&session(first.data_dir(), "alice"))).await;
    let rotated = first.operate(&["keys", "rotate"]);
    assert_eq!(rotated.code, Some(0), "{rotated:?}");

    // The other node takes the new key over, and an old token stays valid.
    let keys = |server: &Server| server.request("GET", "/.well-known/jwks.json").text().to_owned();
    eventually(|| (keys(&second) == rotated.stdout.trim()).then_some(()));
    second.connect(&by_token(&token(first.data_dir()))).await;
    second.connect(&of_second).await;
}

/// Nodes that are started together for the first time agree on the key of one of them.
#[tokio::test]
async fn new_nodes_that_start_at_once_share_one_key() {
    for _ in 0..5 {
        let redis = RedisServer::start(&[]).await;
        let names = ["eu-1", "eu-2", "eu-3"];
        let nodes: Vec<_> = std::thread::scope(|scope| {
            let started = names.map(|name| scope.spawn(|| node(&redis, name, "")));
            started.into_iter().map(|node| node.join().unwrap()).collect()
        });
        let keys = nodes.iter().map(|node| node.request("GET", "/.well-known/jwks.json"));
        let keys: Vec<_> = keys.map(|answer| answer.text().to_owned()).collect();
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    }
}

/// A node with another key would refuse the tokens of the others, and is told so.
#[tokio::test]
async fn a_node_with_another_key_does_not_start() {
    let redis = RedisServer::start(&[]).await;
    let _first = node(&redis, "eu-1", "");
    let folder = tempfile::tempdir().unwrap();
    let data = path(folder.path());
    assert_eq!(finish(&mut doorward(&["keys", "create", "--data-dir", data])).code, Some(0));

    let mut command = doorward(&["serve", "--listen", "localhost:0", "--data-dir", data]);
    let done = finish(command.env("REDIS_URL", redis.url()));
    let mut doctor = doorward(&["doctor", "--data-dir", data]);
    let examined = finish(doctor.env("REDIS_URL", redis.url()));

    assert_eq!(done.code, Some(2), "{done:?}");
    assert!(done.stderr.contains("token-key.pem is not that of the other nodes"), "{done:?}");
    assert_eq!(examined.code, Some(2), "{examined:?}");
    let line = examined.stdout.lines().find(|line| line.starts_with("FAILED   key")).unwrap();
    assert!(line.contains("is not that of the other nodes"), "{line}");
    assert!(line.contains("move the file away to take over the key of the others"), "{line}");
}

/// With `token.key_store = "file"`, no private key is in Redis.
#[tokio::test]
async fn keys_in_files_are_compared_and_not_shared() {
    let redis = RedisServer::start(&[]).await;
    let in_files = "[token]\nkey_store = \"file\"\n";
    let first = node(&redis, "eu-1", in_files);
    let stored = Command::new("redis-cli")
        .args(["-s", redis.url().strip_prefix("redis+unix://").unwrap()])
        .args(["HGETALL", "{doorward}:signing-keys"])
        .output()
        .unwrap();
    let stored = String::from_utf8(stored.stdout).unwrap();
    assert!(stored.contains("names") && !stored.contains("PRIVATE"), "{stored}");

    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("doorward.toml");
    std::fs::write(&config, in_files).unwrap();
    let data = folder.path().join("data");
    let start = || {
        let mut command = doorward(&["serve", "--listen", "localhost:0"]);
        command.args(["--data-dir", path(&data), "--config", path(&config)]);
        finish(command.env("REDIS_URL", redis.url()))
    };
    let missing = start();
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(missing.stderr.contains("copy the file from another node"), "{missing:?}");

    std::fs::create_dir_all(&data).unwrap();
    std::fs::copy(first.data_dir().join("token-key.pem"), data.join("token-key.pem")).unwrap();
    let second = Server::start_configured(in_files, data.clone(), |command| {
        command.env("REDIS_URL", redis.url());
    });
    second.connect(&accepted(&first).await).await;
}

#[tokio::test]
async fn an_operator_revokes_a_user_on_all_nodes() {
    let redis = RedisServer::start(&[]).await;
    let (first, second) = (node(&redis, "eu-1", ""), node(&redis, "eu-2", ""));
    let auth = accepted(&first).await;
    let (here, there) = (first.connect(&auth).await, second.connect(&auth).await);

    let done = first.operate(&["revoke", "--user", "alice"]);

    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.starts_with("Revoked; 2 sockets closed."), "{done:?}");
    assert!(done.stdout.contains("Confirmed by eu-1, eu-2."), "{done:?}");
    for client in [here, there] {
        let seen = ended(client).await;
        assert!(seen.contains("\"revoked\""), "{seen}");
    }
    assert_eq!(second.refusal(&auth).await, "unauthenticated");
}

/// The limit of connections counts all nodes, and the older socket leaves before the newer one enters.
#[tokio::test]
async fn a_user_has_one_connection_on_all_nodes() {
    let redis = RedisServer::start(&[]).await;
    let policy = "[connections]\nper_user = 1\non_excess = \"replace_oldest\"\n";
    let (first, second) = (node(&redis, "eu-1", policy), node(&redis, "eu-2", policy));
    let auth = accepted(&first).await;
    let mut here = first.connect(&auth).await;

    for _ in 0..5 {
        let there = second.connect(&auth).await;
        assert!(ended(here).await.contains("\"replaced\""));
        here = first.connect(&auth).await;
        assert!(ended(there).await.contains("\"replaced\""));
    }

    // A client that answers keeps its seat. One that is dead does not lock its user out.
    let refusing = "[connections]\nper_user = 1\n";
    let third = node(&redis, "eu-3", refusing);
    let alive = tokio::spawn(answering(here));
    assert_eq!(third.refusal(&auth).await, "already_connected");
    alive.abort();
    let dead = eventually_connects(&first, &auth).await;
    third.connect(&auth).await;
    assert!(!ended(dead).await.contains("session_ended"), "it has ended without a word");
}

/// Answers the pings of the server.
pub(crate) async fn answering(mut client: RawClient) {
    while let Some(packet) = client.packet().await {
        if packet == "2" {
            client.text("3").await;
        }
    }
}

/// Connects a client, as often as needed until it is admitted.
pub(crate) async fn eventually_connects(server: &Server, auth: &str) -> RawClient {
    loop {
        let mut client = RawClient::open(server.address()).await;
        client.text(&format!("40{auth}")).await;
        if client.packet().await.is_some_and(|packet| packet.starts_with("40{")) {
            return client;
        }
    }
}

/// Returns a token of a node that is accepted. A token of the second in which Redis was empty is not.
pub(crate) async fn accepted(server: &Server) -> String {
    loop {
        let auth = by_token(&token(server.data_dir()));
        let mut client = RawClient::open(server.address()).await;
        client.text(&format!("40{auth}")).await;
        if client.packet().await.is_some_and(|packet| packet.starts_with("40{")) {
            return auth;
        }
    }
}

/// Redis is away at the start.
#[tokio::test]
async fn a_node_starts_without_redis_and_admits_clients_when_it_answers() {
    let mut redis = RedisServer::start(&[]).await;
    let server = node(&redis, "eu-1", "");
    let auth = accepted(&server).await;
    redis.kill();

    let url = redis.url();
    let server = server.restart_with(|command| {
        command.env("REDIS_URL", &url);
    });
    eventually(|| (!ready(&server)).then_some(()));
    let mut client = RawClient::open(server.address()).await;
    client.text(&format!("40{auth}")).await;
    let seen = ended(client).await;
    assert!(!seen.contains("40{") && !seen.contains("44{"), "{seen}");

    redis.restart().await;
    eventually(|| ready(&server).then_some(()));
    accepted(&server).await;
}

/// Its clients miss events of other nodes, and nothing else. If it were not ready, all nodes would be taken out of
/// service at the same moment.
#[tokio::test]
async fn a_node_without_the_bus_stays_ready_and_reports_it() {
    let redis = RedisServer::start(&[]).await;
    let server = node(&redis, "eu-1", "");
    let checks = || {
        let answer = server.request("GET", "/readyz");
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap()["checks"].clone()
    };
    assert_eq!(checks()["bus"], "up");

    command(&redis, &["ACL", "SETUSER", "default", "resetchannels"]);
    command(&redis, &["CLIENT", "KILL", "TYPE", "pubsub"]);

    let seen = eventually(|| Some(checks()).filter(|checks| checks["bus"] == "down"));
    assert_eq!(seen["sessions"], "up", "{seen}");
    accepted(&server).await;
    command(&redis, &["ACL", "SETUSER", "default", "allchannels"]);
    eventually(|| (checks()["bus"] == "up").then_some(()));
}

/// Gives Redis a command.
fn command(redis: &RedisServer, arguments: &[&str]) {
    let url = redis.url();
    let socket = url.strip_prefix("redis+unix://").unwrap();
    let done = Command::new("redis-cli").args(["-s", socket]).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && !said.contains("ERR"), "{done:?}");
}

/// A node that stops leaves its cluster at once, and its seats are free.
#[tokio::test]
async fn a_node_that_stops_frees_its_seats() {
    let redis = RedisServer::start(&[]).await;
    let policy = "[connections]\nper_user = 1\n";
    let (first, second) = (node(&redis, "eu-1", policy), node(&redis, "eu-2", policy));
    let auth = accepted(&first).await;
    let held = tokio::spawn(answering(eventually_connects(&second, &auth).await));
    assert_eq!(first.refusal(&auth).await, "already_connected");

    second.stop();

    held.await.unwrap();
    let _here = first.connect(&auth).await;
    let done = first.operate(&["revoke", "--user", "alice"]);
    assert!(done.stdout.starts_with("Revoked; 1 socket closed."), "{done:?}");
}

/// The lists of an operator contain all nodes, and say which node is missing.
#[tokio::test]
async fn an_operator_sees_all_nodes_and_their_connections() {
    let redis = RedisServer::start(&[]).await;
    let (first, second) = (node(&redis, "eu-1", ""), node(&redis, "eu-2", ""));
    let auth = accepted(&first).await;
    let (_here, mut there) = (first.connect(&auth).await, second.connect(&auth).await);

    let nodes = first.operate(&["nodes"]);
    let lines: Vec<Vec<_>> =
        nodes.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["NODE", "VERSION", "SINCE", "LINKS", "SOCKETS", "STATE"], "{nodes:?}");
    for (line, name) in lines[1..].iter().zip(["eu-1", "eu-2"]) {
        assert_eq!((line[0], line[line.len() - 1]), (name, "serves"), "{nodes:?}");
    }
    assert_eq!((nodes.code, lines.len()), (Some(0), 3), "{nodes:?}");
    let socket = eventually(|| {
        let list = first.operate(&["connections"]);
        assert_eq!(list.code, Some(0), "{list:?}");
        let line = list.stdout.lines().find(|line| line.contains("eu-2"))?.to_owned();
        list.stdout.contains("eu-1").then(|| line.split_whitespace().next().unwrap().to_owned())
    });
    let done = first.operate(&["revoke", "--socket", &socket]);
    assert!(
        done.stdout.starts_with("Revoked; 1 socket closed. It was a socket of \"alice\"."),
        "{done:?}"
    );
    assert!(there.rest().await.iter().any(|seen| format!("{seen:?}").contains("revoked")));

    second.signal("KILL");
    let list = first.operate(&["connections"]);
    let nodes = first.operate(&["nodes"]);
    for incomplete in [&list, &nodes] {
        assert_eq!(incomplete.code, Some(2), "{incomplete:?}");
        assert!(incomplete.stderr.contains("the list is not complete: no answer from eu-2"));
    }
    assert!(nodes.stdout.contains("does not answer"), "{nodes:?}");
    let unknown = first.operate(&["revoke", "--socket", &socket]);
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert!(unknown.stderr.contains("; no answer from eu-2"), "{unknown:?}");
}

/// In a terminal, the variables of the service are not set. The doctor then examines other stores than the server uses.
#[tokio::test]
async fn the_doctor_warns_if_the_running_server_has_other_settings() {
    let redis = RedisServer::start(&[]).await;
    let server = node(&redis, "eu-1", "");
    let url = redis.url();
    let examine = |variables: &[(&str, &str)]| {
        let mut command = doorward(&["doctor", "--data-dir", path(server.data_dir())]);
        let done = finish(command.envs(variables.iter().copied()));
        let lines = done.stdout.lines().filter(|line| line.contains(" the running server uses "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };

    let without = examine(&[]);
    let with_redis = examine(&[("REDIS_URL", &url)]);
    let with_all = examine(&[("REDIS_URL", &url), ("DOORWARD_CLUSTER__NODE", "eu-1")]);

    let socket = url.strip_prefix("redis+unix://").unwrap();
    let expected = format!(
        "warning  settings    the running server uses Redis {socket}, and this command reads none: run it with the \
         options and the environment of the server"
    );
    assert_eq!(without, [expected]);
    assert_eq!(with_redis.len(), 1, "{with_redis:?}");
    assert!(with_redis[0].contains("uses cluster.node eu-1, and this"), "{with_redis:?}");
    assert!(with_all.is_empty(), "{with_all:?}");
}

/// The asked node cannot know anything about the others then, and does not blame them.
#[tokio::test]
async fn a_node_without_redis_is_named_instead_of_the_others() {
    let mut redis = RedisServer::start(&[]).await;
    let (first, _second) = (node(&redis, "eu-1", ""), node(&redis, "eu-2", ""));
    eventually(|| (first.operate(&["nodes"]).stdout.lines().count() == 3).then_some(()));
    let url = redis.url();
    redis.kill();

    let cause = "the asked node does not reach Redis, so nothing is known about eu-2";
    let nodes = eventually(|| {
        let nodes = first.operate(&["nodes"]);
        nodes.stderr.contains(cause).then_some(nodes)
    });
    let list = first.operate(&["connections"]);
    let mut doctor = doorward(&["doctor", "--data-dir", path(first.data_dir())]);
    let doctor = finish(doctor.env("REDIS_URL", url));

    for incomplete in [&nodes, &list] {
        assert_eq!(incomplete.code, Some(2), "{incomplete:?}");
        assert!(incomplete.stderr.contains(cause), "{incomplete:?}");
    }
    assert!(nodes.stdout.contains("unknown") && !nodes.stdout.contains("does not answer"));
    assert!(doctor.stdout.contains(&format!("FAILED   node        {cause}")), "{doctor:?}");
    assert!(!doctor.stdout.contains("eu-2 does not answer"), "{doctor:?}");
}

/// The doctor names what other programs may do in Redis, and what the own user may not.
#[tokio::test]
async fn the_doctor_examines_redis_and_all_nodes() {
    let redis = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    let first = node(&redis, "eu-1", "");
    let url = redis.url();
    let examine = |url: &str| {
        let mut command = doorward(&["doctor", "--data-dir", path(first.data_dir())]);
        finish(command.env("REDIS_URL", url))
    };
    let done = examine(&url);
    assert_eq!(done.code, Some(0), "{done:?}");
    for expected in [
        "user default, answers in",
        "warning  redis       a program without a password can read",
        "warning  redis       the user may use the keys of other programs",
        "warning  database    accounts, chat and boards are in files of this node",
        "ok       key         the same as on the other nodes",
        "ok       node        eu-1 runs",
    ] {
        assert!(done.stdout.contains(expected), "{expected}: {}", done.stdout);
    }
    assert!(!done.stdout.contains("a restart of Redis may lose writes"), "{}", done.stdout);

    // The rules that the page about clusters shows, without and with the channels.
    let cli = |arguments: &[&str]| {
        let socket = url.strip_prefix("redis+unix://").unwrap();
        let done = Command::new("redis-cli").args(["-s", socket]).args(arguments).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), "OK", "{done:?}");
    };
    let rules =
        "on >secret ~{doorward}:* resetchannels +@all -@admin -@dangerous +info +config|get";
    let rules: Vec<&str> = rules.split(' ').collect();
    cli(&[&["ACL", "SETUSER", "doorward"], &rules[..]].concat());
    let own = format!("{url}?user=doorward&pass=secret");
    let done = examine(&own);
    assert_eq!(done.code, Some(2), "{done:?}");
    assert!(
        done.stdout.contains("FAILED   redis       the user may not publish"),
        "{}",
        done.stdout
    );
    cli(&["ACL", "SETUSER", "doorward", "&{doorward}:*"]);
    cli(&["ACL", "SETUSER", "default", "off"]);
    let done = examine(&own);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.contains("user doorward"), "{}", done.stdout);
    assert!(!done.stdout.contains("warning  redis"), "{}", done.stdout);
    assert!(!format!("{done:?}").contains("secret"));
}
