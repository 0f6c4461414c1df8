//! Rejects unsuitable servers when a store connects. Each error names the server and a remedy.

use std::{error::Error as _, fmt::Write as _, net::Ipv4Addr};

use doorward_core::{
    SessionStore,
    cluster::{Cluster as _, Position},
};
use doorward_redis::{ConnectError, RedisOptions, RedisStore};
use doorward_testkit::RedisServer;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::fixture::{Behind, guarded, key, session};

async fn refused(url: &str) -> ConnectError {
    let error = guarded(RedisStore::connect(url)).await.map(drop).unwrap_err();
    let mut texts = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(texts, " {error} {error:?}").unwrap();
        cause = error.source();
    }
    assert!(!texts.contains(PASSWORD), "{texts}");
    error
}

const PASSWORD: &str = "canary-7c1b";

#[tokio::test]
async fn a_server_that_is_away_is_named() {
    // The listener is bound and closed at once, so the port is free and nothing answers on it.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);

    let error = refused(&format!("redis://user:{PASSWORD}@{address}/2")).await;

    assert!(matches!(error, ConnectError::Away { .. }), "{error:?}");
    assert!(error.to_string().starts_with(&format!("{address} does not answer: ")), "{error}");
    let error = refused("redis+unix:///nowhere/redis.sock").await;
    assert!(error.to_string().starts_with("/nowhere/redis.sock does not answer: "), "{error}");
}

#[tokio::test]
async fn a_wrong_or_missing_password_is_distinguished_from_a_server_that_is_away() {
    let server = RedisServer::start_on_tcp(&["--requirepass", PASSWORD]).await;
    let port = server.port().unwrap();

    for url in [
        format!("redis://127.0.0.1:{port}"),
        format!("redis://127.0.0.1:{port}/3"),
        format!("redis://:wrong@127.0.0.1:{port}"),
        format!("redis://unknown:{PASSWORD}@127.0.0.1:{port}"),
    ] {
        let error = refused(&url).await;

        assert!(matches!(error, ConnectError::Refused { .. }), "{url}: {error:?}");
        assert!(error.to_string().starts_with(&format!("127.0.0.1:{port} rejects")), "{error}");
    }
}

#[tokio::test]
async fn the_right_password_opens_and_is_never_printed() {
    let server = RedisServer::start_on_tcp(&["--requirepass", PASSWORD]).await;
    let url = format!("redis://:{PASSWORD}@127.0.0.1:{}/3", server.port().unwrap());

    let store = RedisStore::connect(&url).await.unwrap();

    assert_eq!(store.find(&key(1)).await.unwrap(), None);
    let printed = format!("{store:?} {:?}", RedisOptions::default());
    assert!(!printed.contains(PASSWORD), "{printed}");
}

#[tokio::test]
async fn a_server_that_is_not_redis_is_reported() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            // The peer answers after the store has sent its first byte.
            stream.read_u8().await.unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        }
    });

    let error = refused(&format!("redis://:{PASSWORD}@{address}")).await;

    assert!(matches!(error, ConnectError::NotRedis { .. }), "{error:?}");
    assert!(error.to_string().starts_with(&format!("{address} is not a Redis server")), "{error}");
    serving.abort();
}

#[tokio::test]
async fn connecting_to_a_silent_server_times_out() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();

    let error = refused(&format!("redis://{address}")).await;

    assert!(matches!(error, ConnectError::Away { .. }), "{error:?}");
}

#[tokio::test]
async fn an_error_does_not_repeat_a_url_that_cannot_be_parsed() {
    for url in [
        "",
        "localhost",
        &format!("http://user:{PASSWORD}@localhost"),
        &format!("redis://user:{PASSWORD}@localhost:port"),
        &format!("redis://user:{PASSWORD}@localhost/database"),
        &format!("redis//{PASSWORD}"),
    ] {
        let error = refused(url).await;

        assert!(matches!(error, ConnectError::Url), "{url}: {error:?}");
    }
}

/// Server that speaks TLS on a port of the loopback interface, with the authority of its certificate.
pub(crate) struct OverTls {
    pub(crate) server: RedisServer,
    folder: TempDir,
    pub(crate) url: String,
    pub(crate) ca: String,
}

impl OverTls {
    pub(crate) async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let ca = make_certificate(&folder, "server");
        let path = |name: &str| path(&folder, name);
        let free =
            std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let port = free.port().to_string();
        let arguments = [
            "--bind",
            "127.0.0.1",
            "--tls-port",
            &port,
            "--tls-cert-file",
            &path("server.crt"),
            "--tls-key-file",
            &path("server.key"),
            "--tls-auth-clients",
            "no",
            "--tls-ca-cert-file",
            &path("server.crt"),
        ];
        let server = RedisServer::start(&arguments).await;
        let url = format!("rediss://localhost:{port}");
        Self { server, folder, url, ca }
    }

    /// Makes a certificate that is its own authority, and returns it.
    pub(crate) fn certificate(&self, name: &str) -> String {
        make_certificate(&self.folder, name)
    }

    /// Lets the server use another certificate for new connections.
    pub(crate) async fn use_certificate(&self, behind: &mut Behind, name: &str) {
        let path = |ending: &str| path(&self.folder, &format!("{name}.{ending}"));
        let (certificate, key) = (path("crt"), path("key"));
        let set = format!("CONFIG SET tls-cert-file {certificate} tls-key-file {key}");
        behind.run::<()>(&set).await;
    }
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

/// Writes a new certificate for `localhost` and its key, and returns the certificate as PEM.
fn make_certificate(folder: &TempDir, name: &str) -> String {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(path(folder, &format!("{name}.crt")), cert.pem()).unwrap();
    std::fs::write(path(folder, &format!("{name}.key")), signing_key.serialize_pem()).unwrap();
    cert.pem()
}

#[tokio::test]
async fn a_server_with_tls_is_used_if_its_certificate_is_trusted() {
    let tls = OverTls::start().await;

    let store = RedisOptions::default().ca(tls.ca.as_bytes()).connect(&tls.url).await.unwrap();
    store.create(&key(1), &session("s-1", "alice")).await.unwrap();
    assert!(store.find(&key(1)).await.unwrap().is_some());
    // A waiting node has a connection of its own.
    let read = store.cluster("eu-1").orders(Position::START).await;
    assert_eq!(read.unwrap(), []);

    let stranger = refused(&tls.url).await;
    assert!(matches!(stranger, ConnectError::Tls { .. }), "{stranger:?}");
    let garbage = RedisOptions::default().ca(b"garbage").open(&tls.url).unwrap_err();
    assert!(matches!(garbage, ConnectError::Ca), "{garbage:?}");
    let plain = tls.url.replace("rediss://", "redis://");
    let plain = RedisOptions::default().ca(tls.ca.as_bytes()).open(&plain).unwrap_err();
    assert!(matches!(plain, ConnectError::CaWithoutTls), "{plain:?}");
}

/// A server without TLS is not spoken to in the clear, although it answers.
#[tokio::test]
async fn a_server_without_tls_is_refused_if_the_url_requires_it() {
    let server = RedisServer::start_on_tcp(&[]).await;

    let error = refused(&server.url().replace("redis://", "rediss://")).await;

    // Such a server waits for more of what it takes for a command.
    assert!(matches!(error, ConnectError::Away { .. } | ConnectError::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn a_replica_is_refused() {
    let (primary, replica) =
        (RedisServer::start_on_tcp(&[]).await, RedisServer::start_on_tcp(&[]).await);
    let command = format!("REPLICAOF 127.0.0.1 {}", primary.port().unwrap());
    Behind::connect(&replica).await.run::<()>(&command).await;

    let error = refused(&replica.url()).await;

    assert!(matches!(error, ConnectError::Replica { .. }), "{error:?}");
}

/// Redis reports no append-only log while it loads one. It has not lost what it was asked to keep.
#[tokio::test]
async fn a_server_that_is_loading_its_data_is_waited_for() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let information =
        "redis_version:7.0.15\r\nrun_id:1\r\nrole:master\r\nloading:1\r\naof_enabled:0";
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = vec![0; 16 * 1024];
        // The client library names itself with two commands first.
        let answer = format!("${}\r\n{information}\r\n", information.len());
        for answer in ["+OK\r\n+OK\r\n", &answer] {
            assert_ne!(stream.read(&mut buffer).await.unwrap(), 0, "it asks for the properties");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        stream.read(&mut buffer).await.unwrap()
    });

    let error = refused(&format!("redis://{address}")).await;

    assert!(matches!(error, ConnectError::Away { .. }), "{error:?}");
    assert_eq!(error.source().unwrap().to_string(), "it is loading its data");
    assert_eq!(serving.await.unwrap(), 0, "the server is told nothing that it could lose");
}

/// Attack 92: if a server evicts a revocation, the revoked user is admitted.
#[tokio::test]
async fn a_server_that_may_evict_revocations_is_refused() {
    let limit = ["--maxmemory", "100mb", "--maxmemory-policy"];
    for policy in ["allkeys-lru", "volatile-ttl"] {
        let server = RedisServer::start(&[&limit[..], &[policy]].concat()).await;

        let error = refused(&server.url()).await;

        assert!(matches!(error, ConnectError::Evicts { .. }), "{error:?}");
        assert!(error.to_string().contains(policy), "{error}");
    }
    let full = RedisServer::start(&[&limit[..], &["noeviction"]].concat()).await;
    let endless = RedisServer::start(&["--maxmemory-policy", "allkeys-lru"]).await;
    for server in [full, endless] {
        assert!(RedisStore::connect(&server.url()).await.is_ok());
    }
}

#[tokio::test]
async fn a_user_without_permission_for_scripts_is_refused() {
    let server = RedisServer::start_on_tcp(&[]).await;
    let rule = format!("ACL SETUSER door on >{PASSWORD} ~* +@all -eval -evalsha");
    Behind::connect(&server).await.run::<()>(&rule).await;

    let url = format!("redis://door:{PASSWORD}@127.0.0.1:{}", server.port().unwrap());
    let error = refused(&url).await;

    assert!(matches!(error, ConnectError::Unusable { .. }), "{error:?}");
}
