//! Faults of Redis and of nodes, between real processes: what clients and operators see, and that the nodes recover.

use std::{
    io::Write as _,
    net::{Ipv4Addr, SocketAddr},
    process::{Child, Command, Stdio},
};

use doorward_testkit::{Fault, FaultProxy, RawClient, RedisServer};

use crate::{
    cluster::{accepted, answering, ended, eventually_connects, ready},
    support::{Server, by_session, by_token, doorward, eventually, in_time, path, run, session},
};

/// Starts a node with further settings. Its users may try to connect as often as these tests do.
fn node(url: &str, name: &str, more: &str) -> Server {
    let settings = format!("[cluster]\nnode = \"{name}\"\n[limits]\nmax_user_attempts = 1000000\n");
    Server::start_with(&(settings + more), |command| {
        command.env("REDIS_URL", url);
    })
}

fn cli(redis: &RedisServer) -> Command {
    let mut command = Command::new("redis-cli");
    match redis.port() {
        Some(port) => command.args(["-p", &port.to_string()]),
        None => command.args(["-s", redis.url().strip_prefix("redis+unix://").unwrap()]),
    };
    command
}

/// Runs a command of Redis, and returns its answer.
fn ask(redis: &RedisServer, command: &str) -> String {
    let done = cli(redis).args(command.split(' ')).output().unwrap();
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

fn address_of(redis: &RedisServer) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, redis.port().unwrap()).into()
}

fn token_of(server: &Server, user: &str) -> String {
    let made = run(&["token", "--sub", user, "--data-dir", path(server.data_dir())]);
    assert_eq!(made.code, Some(0), "{made:?}");
    by_token(made.stdout.trim_end())
}

/// Asserts that a client is still connected and served.
async fn is_served(client: &mut RawClient) {
    client.text(r#"421["echo","here"]"#).await;
    loop {
        let packet = in_time(client.packet()).await.expect("the client is connected");
        match packet.as_str() {
            r#"431["here"]"# => return,
            "2" => client.text("3").await,
            other => assert!(!other.contains("session_ended"), "{other}"),
        }
    }
}

/// Waits for the answer to a credential, which must be refused, and returns the code of the refusal.
async fn refused(server: &Server, auth: &str) -> String {
    let asking = async {
        loop {
            let mut client = RawClient::open(server.address()).await;
            client.text(&format!("40{auth}")).await;
            // Without an answer, nothing is decided yet.
            if let Some(packet) = client.packet().await {
                return packet;
            }
        }
    };
    let packet = in_time(asking).await;
    let refusal = packet.strip_prefix("44").unwrap_or_else(|| panic!("{packet}"));
    let refusal: serde_json::Value = serde_json::from_str(refusal).unwrap();
    refusal["data"]["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn redis_that_restarts_with_its_data_ends_no_socket() {
    let mut redis = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    let servers = ["eu-1", "eu-2"].map(|name| node(&redis.url(), name, ""));
    let auth = accepted(&servers[0]).await;
    let mut clients = [servers[0].connect(&auth).await, servers[1].connect(&auth).await];
    let bob = servers[1].connect(&token_of(&servers[0], "bob")).await;
    redis.kill();
    for (server, client) in servers.iter().zip(&mut clients) {
        eventually(|| (!ready(server)).then_some(()));
        is_served(client).await;
    }

    redis.restart().await;

    for server in &servers {
        eventually(|| ready(server).then_some(()));
    }
    // The command returns later: in the first 30 s of a Redis, it waits for nodes of which nothing is known.
    let data = path(servers[0].data_dir());
    let mut revoking = doorward(&["revoke", "--user", "bob", "--data-dir", data]).spawn().unwrap();
    assert!(in_time(ended(bob)).await.contains("\"revoked\""));
    revoking.kill().unwrap();
    revoking.wait().unwrap();
    for client in &mut clients {
        is_served(client).await;
    }
}

/// Attack 92 on two nodes.
#[tokio::test]
async fn redis_that_comes_back_empty_ends_every_socket_and_accepts_nothing_from_before() {
    let mut redis = RedisServer::start(&[]).await;
    let servers = ["eu-1", "eu-2"].map(|name| node(&redis.url(), name, ""));
    let by_token = accepted(&servers[0]).await;
    let by_session = by_session(&session(servers[0].data_dir(), "alice"));
    let mut clients = Vec::new();
    for server in &servers {
        clients.push(server.connect(&by_token).await);
        clients.push(server.connect(&by_session).await);
    }

    redis.restart().await;

    for client in clients {
        let seen = in_time(ended(client)).await;
        assert!(!seen.contains("revoked"), "the client may come back: {seen}");
    }
    for server in &servers {
        assert_eq!(refused(server, &by_token).await, "unauthenticated");
        assert_eq!(refused(server, &by_session).await, "unauthenticated");
        in_time(accepted(server)).await;
    }
}

/// Attack 92: Redis is replaced by a replica that lacks a revocation which all nodes have confirmed.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_replica_that_lacks_a_revocation_accepts_nothing_from_before() {
    let durable =
        ["--appendonly", "yes", "--appendfsync", "always", "--repl-diskless-sync-delay", "0"];
    let mut primary = RedisServer::start_on_tcp(&durable).await;
    let replica = RedisServer::start_on_tcp(&durable).await;
    let address = FaultProxy::start(address_of(&primary)).await;
    let copying = FaultProxy::start(address_of(&primary)).await;
    ask(&replica, &format!("REPLICAOF 127.0.0.1 {}", copying.address().port()));
    let url = format!("redis://{}", address.address());
    let servers = ["eu-1", "eu-2"].map(|name| node(&url, name, ""));
    let alice = accepted(&servers[0]).await;
    let bob = token_of(&servers[0], "bob");
    let revoked = servers[1].connect(&alice).await;
    let clients = [servers[0].connect(&bob).await, servers[1].connect(&bob).await];
    eventually(|| (ask(&replica, "ZCARD {doorward}:nodes") == "2").then_some(()));
    copying.set(Fault::HalfOpen);
    let done = servers[0].operate(&["revoke", "--user", "alice"]);
    assert!(done.stdout.contains("Confirmed by eu-1, eu-2."), "{done:?}");
    assert!(in_time(ended(revoked)).await.contains("\"revoked\""));
    assert_eq!(ask(&replica, "KEYS {doorward}:epoch:*"), "");

    primary.kill();
    ask(&replica, "REPLICAOF NO ONE");
    address.lead_to(address_of(&replica));

    for client in clients {
        let seen = in_time(ended(client)).await;
        assert!(!seen.contains("revoked"), "{seen}");
    }
    for server in &servers {
        assert_eq!(refused(server, &alice).await, "unauthenticated");
        assert_eq!(refused(server, &bob).await, "unauthenticated");
        in_time(accepted(server)).await;
    }
}

/// The operator of Redis changes the password of the node, and makes it valid again.
#[tokio::test]
async fn a_node_says_that_its_password_was_changed_and_recovers() {
    let redis = RedisServer::start(&[]).await;
    assert_eq!(ask(&redis, "ACL SETUSER doorward on >before-5b1d ~* &* +@all"), "OK");
    let url = format!("{}?user=doorward&pass=before-5b1d", redis.url());
    let server = node(&url, "eu-1", "");
    let mut client = server.connect(&accepted(&server).await).await;

    ask(&redis, "ACL SETUSER doorward resetpass >after-93c7");
    ask(&redis, "CLIENT KILL USER doorward");

    let line = server.logged("Unavailable. what=\"sessions\"");
    assert!(line.contains("rejects the password or requires one: check the URL"), "{line}");
    eventually(|| (!ready(&server)).then_some(()));
    is_served(&mut client).await;
    ask(&redis, "ACL SETUSER doorward >before-5b1d");
    eventually(|| ready(&server).then_some(()));
    in_time(accepted(&server)).await;
    is_served(&mut client).await;
    assert!(!server.stop().contains("before-5b1d"));
}

/// Connection of an operator to Redis, which stays open.
struct Operator(Child);

impl Operator {
    fn connect(redis: &RedisServer) -> Self {
        Self(cli(redis).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap())
    }

    fn says(&mut self, command: &str) {
        writeln!(self.0.stdin.as_mut().unwrap(), "{command}").unwrap();
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Other programs have all connections that Redis allows.
#[tokio::test]
async fn a_node_says_that_redis_has_reached_its_maxclients_and_recovers() {
    let redis = RedisServer::start(&[]).await;
    let server = node(&redis.url(), "eu-1", "");
    let mut client = server.connect(&accepted(&server).await).await;
    let mut operator = Operator::connect(&redis);

    operator.says("CONFIG SET maxclients 1");
    operator.says("CLIENT KILL TYPE pubsub");
    operator.says("CLIENT KILL TYPE normal SKIPME yes");

    let line = server.logged("Unavailable. what=\"sessions\"");
    assert!(line.contains("closes new connections: raise its maxclients,"), "{line}");
    eventually(|| (!ready(&server)).then_some(()));
    is_served(&mut client).await;
    operator.says("CONFIG SET maxclients 1000");
    eventually(|| ready(&server).then_some(()));
    in_time(accepted(&server)).await;
    is_served(&mut client).await;
}

/// A node that stops without a connection to Redis cannot give its seats back. The test moves the end of its lease
/// instead of waiting for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_node_that_stops_without_leaving_lapses_and_its_seats_are_free() {
    for is_killed in [false, true] {
        let redis = RedisServer::start_on_tcp(&[]).await;
        let proxy = FaultProxy::start(address_of(&redis)).await;
        let policy = "[connections]\nper_user = 1\n";
        let first = node(&redis.url(), "eu-1", policy);
        let second = node(&format!("redis://{}", proxy.address()), "eu-2", policy);
        let auth = accepted(&first).await;
        let _bob = first.connect(&token_of(&first, "bob")).await;
        let held = in_time(eventually_connects(&second, &auth)).await;
        proxy.set(Fault::HalfOpen);

        if is_killed {
            second.signal("TERM");
            second.logged("Stopping.");
            second.end("KILL");
        } else {
            let log = second.stop();
            assert!(log.contains("This node could not leave its cluster."), "{log}");
        }

        drop(held);
        let mut early = RawClient::open(first.address()).await;
        early.text(&format!("40{auth}")).await;
        let answer = in_time(early.packet()).await.unwrap_or_default();
        assert!(!answer.starts_with("40{"), "the seat is still taken: {answer}");
        let written = ask(&redis, "GET {doorward}:ordered");
        let done = std::thread::scope(|scope| {
            let data = path(first.data_dir());
            let revoking =
                scope.spawn(move || run(&["revoke", "--user", "bob", "--data-dir", data]));
            eventually(|| (ask(&redis, "GET {doorward}:ordered") != written).then_some(()));
            let members = ask(&redis, "ZRANGE {doorward}:nodes 0 -1");
            let member = members.lines().find(|member| member.ends_with("eu-2")).unwrap();
            // The name of a member contains a space.
            let ended = cli(&redis).args(["ZADD", "{doorward}:nodes", "1", member]).output();
            assert!(ended.unwrap().status.success());
            revoking.join().unwrap()
        });
        assert_eq!(done.code, Some(0), "{done:?}");
        assert!(done.stdout.contains("Confirmed by eu-1."), "{done:?}");
        assert!(done.stdout.contains("Not confirmed, and no longer served: eu-2."), "{done:?}");
        let mut back = first.connect(&auth).await;
        is_served(&mut back).await;
    }
}

/// Each node is a member of its own. Seats, probes and orders never reach the wrong one.
#[tokio::test]
async fn two_nodes_with_one_name_are_reported_and_never_mixed_up() {
    let redis = RedisServer::start(&[]).await;
    let policy = "[connections]\nper_user = 1\n";
    let [first, second] = ["eu-1"; 2].map(|name| node(&redis.url(), name, policy));
    first.logged("Another node has the name of this one");
    let auth = accepted(&first).await;
    let mut bob = first.connect(&token_of(&first, "bob")).await;
    let here = in_time(eventually_connects(&first, &auth)).await;

    // The probe reaches the node of the client, which answers.
    let alive = tokio::spawn(answering(here));
    assert_eq!(second.refusal(&auth).await, "already_connected");
    alive.abort();
    let there = in_time(eventually_connects(&second, &auth)).await;
    let done = first.operate(&["revoke", "--user", "alice"]);
    assert!(done.stdout.starts_with("Revoked; 1 socket closed."), "{done:?}");
    assert!(done.stdout.contains("Confirmed by eu-1, eu-1."), "{done:?}");
    assert!(in_time(ended(there)).await.contains("\"revoked\""));

    second.stop();
    is_served(&mut bob).await;
    let done = first.operate(&["revoke", "--user", "bob"]);
    assert!(done.stdout.starts_with("Revoked; 1 socket closed."), "{done:?}");
    assert!(in_time(ended(bob)).await.contains("\"revoked\""));
}
