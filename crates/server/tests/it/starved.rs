//! If the log, a database, Redis or PostgreSQL hangs, work that does not need it continues.

use std::{
    io::{BufRead as _, BufReader, PipeReader, Read as _, Write as _, pipe},
    net::TcpStream,
};

use doorward_testkit::{Fault, FaultProxy, PostgresServer, RawClient, RedisServer};
use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::support::{Server, by_session, eventually, path, run, session};

const METRICS: &str = "[metrics]\nlisten = \"127.0.0.1:0\"\n";

/// Reads the log up to the line with the address of the metrics; returns the address and the unread rest.
fn metrics_of(log: PipeReader) -> (String, BufReader<PipeReader>) {
    let mut log = BufReader::new(log);
    loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).unwrap() > 0, "the log has ended");
        if let Some((_, address)) = line.rsplit_once("Metrics. address=") {
            return (address.trim().to_owned(), log);
        }
    }
}

fn scrape(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// Connects a client with a session, before anything hangs.
async fn client(server: &Server) -> RawClient {
    server.connect(&by_session(&session(server.data_dir(), "alice"))).await
}

/// Asserts that the echo, the probe, the metrics and the list of connections answer.
async fn serves_the_rest(server: &Server, client: &mut RawClient, metrics: &str) {
    client.text(r#"421["echo","hello"]"#).await;
    assert_eq!(client.packet().await.as_deref(), Some(r#"431["hello"]"#));
    assert_eq!(server.request("GET", "/healthz").status, 200);
    assert!(scrape(metrics).contains("doorward_sockets 1"));
    let listed = server.operate(&["connections"]);
    assert!(listed.code == Some(0) && listed.stdout.contains("alice"), "{listed:?}");
}

/// Waits until `/readyz` has this status, and returns its body.
fn ready(server: &Server, status: u16) -> Value {
    eventually(|| {
        let answer = server.request("GET", "/readyz");
        (answer.status == status).then(|| serde_json::from_slice(&answer.body).unwrap())
    })
}

/// A pipe holds 64 KiB; if writing the log blocked, the whole process would hang from then on.
#[tokio::test]
async fn a_log_that_is_not_read_blocks_nothing() {
    let (reader, writer) = pipe().unwrap();
    let server = Server::start_with(METRICS, |command| {
        command.stderr(writer).env("DOORWARD_LOG", "trace");
    });
    let (metrics, _unread) = metrics_of(reader);
    let mut client = client(&server).await;

    // At the level `trace` each event writes at least one line.
    for _ in 0..1_000 {
        client.text(r#"421["echo","hello"]"#).await;
        client.packet().await.unwrap();
    }
    for _ in 0..100 {
        server.request("GET", "/healthz");
    }

    serves_the_rest(&server, &mut client, &metrics).await;
    assert_eq!(server.end("TERM").code, Some(0));
}

/// A lock held by another connection stands for a disk that does not answer.
#[tokio::test]
async fn a_locked_database_blocks_nothing_else() {
    let (reader, writer) = pipe().unwrap();
    let server = Server::start_with(METRICS, |command| {
        command.stderr(writer);
    });
    let (metrics, _log) = metrics_of(reader);
    let mut client = client(&server).await;
    let mut locks = Vec::new();
    for name in ["applications.db", "doorward.db"] {
        let options = SqliteConnectOptions::new().filename(server.data_dir().join(name));
        let mut lock = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut lock).await.unwrap();
        locks.push(lock);
    }

    // This command waits for the lock.
    let data = path(server.data_dir()).to_owned();
    let revoking =
        std::thread::spawn(move || run(&["revoke", "--user", "unknown", "--data-dir", &data]));
    serves_the_rest(&server, &mut client, &metrics).await;

    let refused = revoking.join().unwrap();
    assert!(refused.code != Some(0) && refused.stderr.contains("does not answer"), "{refused:?}");
    assert_eq!(server.end("TERM").code, Some(0));
}

#[tokio::test]
async fn a_suspended_redis_is_logged_once_and_blocks_nothing_else() {
    let redis = RedisServer::start(&[]).await;
    let (reader, writer) = pipe().unwrap();
    let config = format!("{METRICS}[redis]\nurl = \"{}\"\n", redis.url());
    let server = Server::start_with(&config, |command| {
        command.stderr(writer);
    });
    let (metrics, mut log) = metrics_of(reader);
    let mut client = client(&server).await;
    assert_eq!(ready(&server, 200)["checks"]["sessions"], "up");

    redis.suspend();
    let away = ready(&server, 503);
    serves_the_rest(&server, &mut client, &metrics).await;
    assert!(scrape(&metrics).contains("doorward_away{what=\"sessions\"} 1"));
    redis.resume();
    ready(&server, 200);

    assert_eq!(
        (&away["checks"]["sessions"], &away["checks"]["database"]),
        (&"down".into(), &"up".into())
    );
    assert_eq!(server.end("TERM").code, Some(0));
    let mut text = String::new();
    log.read_to_string(&mut text).unwrap();
    for line in ["Unavailable. what=\"sessions\"", "Available again. what=\"sessions\""] {
        assert_eq!(text.matches(line).count(), 1, "{line}: {text}");
    }
}

/// Needs two threads: the proxy must run while this test blocks on the server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unresponsive_postgresql_is_logged_once_and_blocks_nothing_else() {
    let postgres = PostgresServer::shared();
    let proxy = FaultProxy::start_unix(postgres.socket()).await;
    let database = postgres.database();
    let (address, _) = database.split_once('?').unwrap();
    let url = address.replace("@localhost/", &format!("@{}/", proxy.address()));
    let (reader, writer) = pipe().unwrap();
    let config = format!("{METRICS}[database]\nurl = \"{url}\"\n");
    let server = Server::start_with(&config, |command| {
        command.stderr(writer);
    });
    let (metrics, mut log) = metrics_of(reader);
    let mut client = client(&server).await;
    let before = ready(&server, 200);
    assert_eq!(
        (&before["checks"]["accounts"], &before["checks"]["applications"]),
        (&"up".into(), &"up".into())
    );

    proxy.set(Fault::HalfOpen);
    let away = eventually(|| {
        let report = ready(&server, 503);
        let checks = &report["checks"];
        (checks["accounts"] == "down" && checks["applications"] == "down").then_some(report)
    });
    serves_the_rest(&server, &mut client, &metrics).await;
    assert!(scrape(&metrics).contains("doorward_away{what=\"applications\"} 1"));
    // As after a failover, old connections stay silent, and new connections reach a server.
    proxy.strand();
    proxy.set(Fault::None);
    ready(&server, 200);

    assert_eq!(
        (&away["checks"]["accounts"], &away["checks"]["sessions"]),
        (&"down".into(), &"up".into())
    );
    assert_eq!(server.end("TERM").code, Some(0));
    let mut text = String::new();
    log.read_to_string(&mut text).unwrap();
    for what in ["accounts", "applications"] {
        let line = format!("Unavailable. what=\"{what}\"");
        assert_eq!(text.matches(&line).count(), 1, "{text}");
    }
}

/// An emptied store signs every user out; the operator must find the reason in the log.
#[tokio::test]
async fn an_emptied_redis_is_logged() {
    let redis = RedisServer::start(&[]).await;
    let config = format!("[redis]\nurl = \"{}\"\n", redis.url());
    let server = Server::start_with(&config, |_| {});
    let mut client = client(&server).await;

    let (_, path) =
        redis.url().split_once("://").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let mut socket = std::os::unix::net::UnixStream::connect(path).unwrap();
    socket.write_all(b"FLUSHALL\r\n").unwrap();
    let mut answer = [0; 5];
    socket.read_exact(&mut answer).unwrap();

    assert_eq!(&answer, b"+OK\r\n");
    server.logged("The session store has lost its data");
    client.rest().await;
}
