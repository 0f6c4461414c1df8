//! TLS, the PROXY protocol and Unix sockets, from a client's side.

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
};

use doorward::{
    prelude::*,
    server::{Listeners, ServeError, Tls, TlsError},
};
use doorward_testkit::{Log, RawClient, Seen as Frame};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpSocket, TcpStream, UnixStream},
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName},
    },
};
use tracing::Level;

use crate::fixture::{Fixture, GOOD, in_time, while_time_passes};

/// A certificate for `localhost` and its key, in files.
struct Certificate {
    folder: TempDir,
    current: CertificateDer<'static>,
}

impl Certificate {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let current = write(folder.path());
        Self { folder, current }
    }

    fn renew(&mut self) {
        self.current = write(self.folder.path());
    }

    fn tls(&self) -> Tls {
        let folder = self.folder.path();
        Tls::from_pem_files(folder.join("chain.pem"), folder.join("key.pem")).unwrap()
    }

    /// Returns a client that trusts the current certificate, and no other.
    fn client(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.current.clone()).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }

    async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> std::io::Result<TlsStream<S>> {
        let name = ServerName::try_from("localhost").unwrap();
        in_time(self.client().connect(name, stream)).await
    }
}

fn write(folder: &Path) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("chain.pem"), cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    cert.der().clone()
}

async fn tcp(fixture: &Fixture) -> TcpStream {
    TcpStream::connect(fixture.address).await.unwrap()
}

/// Opens a link on a connection, connects as alice, and calls a handler.
async fn admitted<S: AsyncRead + AsyncWrite + Unpin>(fixture: &Fixture, stream: S) -> RawClient<S> {
    let mut client = in_time(RawClient::over(stream).upgrade(fixture.address, "")).await;
    client.text(GOOD).await;
    in_time(client.json("40")).await;
    echoes(&mut client).await;
    client
}

async fn echoes<S: AsyncRead + AsyncWrite + Unpin>(client: &mut RawClient<S>) {
    client.text("429[\"echo\",7]").await;
    assert_eq!(in_time(client.packet()).await.unwrap(), "439[7]");
}

/// Returns the addresses in the audit records.
fn peers(fixture: &Fixture) -> Vec<Option<IpAddr>> {
    fixture.audit.records().into_iter().map(|record| record.peer).collect()
}

async fn bind() -> Listeners {
    Listeners::bind("127.0.0.1:0").await.unwrap()
}

mod tls {
    use super::*;

    #[tokio::test]
    async fn a_link_and_a_poll_are_encrypted() {
        let certificate = Certificate::new();
        let fixture = Fixture::on(bind().await.tls(certificate.tls()), |builder, _| builder);

        let mut client =
            admitted(&fixture, certificate.connect(tcp(&fixture).await).await.unwrap()).await;
        let stream = certificate.connect(tcp(&fixture).await).await.unwrap();
        let mut poll = RawClient::over(stream);
        poll.bytes(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await;
        assert!(in_time(poll.head()).await.starts_with("HTTP/1.1 200 "));

        // The server ends the link in order, so that the client reads the end of TLS too.
        fixture.stop.notify_one();
        let rest = while_time_passes(&fixture.clock, client.rest()).await;
        assert_eq!(rest.last(), Some(&Frame::Closed(Some(1001))), "{rest:?}");
    }

    /// Without TLS, a client reads nothing of HTTP.
    #[tokio::test]
    async fn a_plain_request_is_not_answered() {
        let certificate = Certificate::new();
        let fixture = Fixture::on(bind().await.tls(certificate.tls()), |builder, _| builder);

        let mut client = RawClient::connect(fixture.address).await;
        client.bytes(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;

        assert!(!String::from_utf8_lossy(&in_time(client.body()).await).contains("HTTP"));
    }

    #[tokio::test]
    async fn a_new_certificate_is_used_at_the_next_handshake_and_links_stay() {
        let mut certificate = Certificate::new();
        let tls = certificate.tls();
        let fixture = Fixture::on(bind().await.tls(tls.clone()), |builder, _| builder);
        let mut before =
            admitted(&fixture, certificate.connect(tcp(&fixture).await).await.unwrap()).await;
        assert!(!tls.reload().unwrap());

        certificate.renew();
        assert!(certificate.connect(tcp(&fixture).await).await.is_err(), "read without a reload");
        assert!(tls.reload().unwrap());

        let after = certificate.connect(tcp(&fixture).await).await.unwrap();
        admitted(&fixture, after).await;
        echoes(&mut before).await;
        assert_eq!(fixture.authentications(), 2);
    }

    #[tokio::test]
    async fn a_broken_certificate_is_refused_and_the_one_before_stays() {
        let certificate = Certificate::new();
        let tls = certificate.tls();
        let fixture = Fixture::on(bind().await.tls(tls.clone()), |builder, _| builder);
        let path = |name: &str| certificate.folder.path().join(name);
        let key = std::fs::read(path("key.pem")).unwrap();

        std::fs::write(path("key.pem"), "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n").unwrap();
        let error = tls.reload().unwrap_err();
        assert!(matches!(error, TlsError::NoKey { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("c2VjcmV0"));
        // The key of another certificate, as in the middle of a renewal.
        let other = Certificate::new();
        std::fs::copy(other.folder.path().join("key.pem"), path("key.pem")).unwrap();
        assert!(matches!(tls.reload(), Err(TlsError::Invalid { .. })));
        std::fs::write(path("key.pem"), key).unwrap();
        std::fs::write(path("chain.pem"), "").unwrap();
        assert!(matches!(tls.reload(), Err(TlsError::NoCertificate { .. })));
        std::fs::remove_file(path("chain.pem")).unwrap();
        assert!(matches!(tls.reload(), Err(TlsError::Read { .. })));

        admitted(&fixture, certificate.connect(tcp(&fixture).await).await.unwrap()).await;
    }

    /// Container platforms pass secrets as variables, so a key may end up in place of its path.
    #[test]
    fn a_key_in_place_of_its_path_is_not_repeated() {
        let key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
        let certificate = Certificate::new();

        let error =
            Tls::from_pem_files(certificate.folder.path().join("chain.pem"), key).unwrap_err();

        assert!(matches!(error, TlsError::Inline));
        assert!(!format!("{error} {error:?}").contains("c2VjcmV0"));
    }

    /// Reading it would wait for a writer.
    #[test]
    fn a_pipe_is_not_read() {
        let certificate = Certificate::new();
        let path = |name: &str| certificate.folder.path().join(name);
        let made = std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap();
        assert!(made.success());

        let error = Tls::from_pem_files(path("pipe"), path("key.pem")).unwrap_err();

        assert!(matches!(error, TlsError::Read { .. }), "{error}");
    }

    /// A client may send its first request in one write with the end of the handshake.
    #[tokio::test]
    async fn a_long_request_may_follow_the_handshake_at_once() {
        let certificate = Certificate::new();
        let fixture = Fixture::on(bind().await.tls(certificate.tls()), |builder, _| builder);
        let stream = certificate.connect(tcp(&fixture).await).await.unwrap();
        let mut client = RawClient::over(stream);

        let body = "x".repeat(50_000);
        let head =
            "POST /socket.io/?EIO=4&transport=polling&sid=none HTTP/1.1\r\nHost: localhost\r\n";
        client
            .bytes(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
            .await;

        assert!(in_time(client.head()).await.starts_with("HTTP/1.1 400 "));
    }

    /// Attack 109.
    #[tokio::test]
    async fn a_client_that_does_not_begin_the_handshake_is_closed() {
        let certificate = Certificate::new();
        let fixture = Fixture::on(bind().await.tls(certificate.tls()), |builder, _| builder);

        let mut silent = RawClient::connect(fixture.address).await;
        let mut half = RawClient::connect(fixture.address).await;
        half.bytes(&[0x16, 0x03, 0x01, 0x02, 0x00]).await;

        for client in [&mut silent, &mut half] {
            assert!(!while_time_passes(&fixture.clock, client.is_answered()).await);
        }
    }

    /// Attack 109. A stop ends connections that have not begun.
    #[tokio::test]
    async fn a_server_that_stops_waits_for_no_handshake() {
        let certificate = Certificate::new();
        let mut fixture = Fixture::on(bind().await.tls(certificate.tls()), |builder, _| builder);
        let mut silent = RawClient::connect(fixture.address).await;
        admitted(&fixture, certificate.connect(tcp(&fixture).await).await.unwrap()).await;

        fixture.stop.notify_one();

        in_time(&mut fixture.task).await.unwrap();
        assert!(!silent.is_answered().await);
    }

    /// TLS holds back records that the connection does not accept yet.
    #[tokio::test]
    async fn everything_arrives_at_a_client_that_reads_late() {
        let certificate = Certificate::new();
        let fixture = Fixture::on(bind().await.tls(certificate.tls()), |builder, _| {
            builder.limits(|limits| limits.outbox = 8 << 20)
        });
        // A small buffer, so that the server has to wait soon.
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(8 * 1024).unwrap();
        let stream = socket.connect(fixture.address).await.unwrap();
        let stream = certificate.connect(stream).await.unwrap();
        let mut client = admitted(&fixture, stream).await;
        let hub = fixture.doorward.hub::<crate::fixture::User>("/").unwrap();
        let text = "x".repeat(100_000);

        // More than the buffers of both sockets take.
        for _ in 0..20 {
            hub.emit("news", &text).unwrap();
        }

        for _ in 0..20 {
            assert!(in_time(client.packet()).await.unwrap().contains("news"));
        }
    }
}

mod proxy_protocol {
    use super::*;

    /// Returns the header that a proxy sends for a client.
    fn header(client: &str) -> Vec<u8> {
        let client: SocketAddr = client.parse().unwrap();
        let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21".to_vec();
        match client {
            SocketAddr::V4(client) => {
                header.extend([0x11, 0, 12]);
                header.extend(client.ip().octets());
                header.extend([127, 0, 0, 1]);
            }
            SocketAddr::V6(client) => {
                header.extend([0x21, 0, 36]);
                header.extend(client.ip().octets());
                header.extend([0; 16]);
            }
        }
        header.extend(client.port().to_be_bytes());
        header.extend([0x01, 0xbb]);
        header
    }

    async fn start(limit: usize) -> Fixture {
        Fixture::on(bind().await.proxy_protocol(), |builder, _| {
            builder.trusted_proxies(["127.0.0.1"]).limits(|limits| {
                limits.max_http_connections = limit;
            })
        })
    }

    #[tokio::test]
    async fn the_header_names_the_client() {
        let fixture = start(8).await;

        for client in ["203.0.113.7:4711", "[2001:db8::7]:4711"] {
            let mut stream = RawClient::connect(fixture.address).await;
            stream.bytes(&header(client)).await;
            let mut link = in_time(stream.upgrade(fixture.address, "")).await;
            link.text(GOOD).await;
            in_time(link.json("40")).await;
            let client: SocketAddr = client.parse().unwrap();
            assert_eq!(peers(&fixture).last(), Some(&Some(client.ip())));
        }
    }

    /// The address of the header has its own limit, and those of other clients are not affected.
    #[tokio::test]
    async fn the_limit_of_an_address_is_that_of_the_client() {
        let fixture = start(1).await;
        let mut first = RawClient::connect(fixture.address).await;
        first.bytes(&[&header("203.0.113.7:1")[..], GET].concat()).await;
        assert!(in_time(first.head()).await.starts_with("HTTP/1.1 200 "));

        let mut second = RawClient::connect(fixture.address).await;
        second.bytes(&[&header("203.0.113.7:2")[..], GET].concat()).await;
        assert!(!in_time(second.is_answered()).await);

        let mut other = RawClient::connect(fixture.address).await;
        other.bytes(&[&header("203.0.113.8:1")[..], GET].concat()).await;
        assert!(in_time(other.head()).await.starts_with("HTTP/1.1 200 "));
        drop(first);
    }

    /// Attack 108. A proxy that does not know the address of a client, or does not tell it, has not read the
    /// headers of the client either.
    #[tokio::test]
    async fn a_client_that_the_header_does_not_name_cannot_choose_its_address() {
        let fixture = start(8).await;

        for unnamed in [&b"\x20\0\0\0"[..], b"\x21\0\0\0"] {
            let mut stream = RawClient::connect(fixture.address).await;
            stream.bytes(&[b"\r\n\r\n\0\r\nQUIT\n", unnamed].concat()).await;
            let forged = "X-Forwarded-For: 198.51.100.1\r\n";
            let mut link = in_time(stream.upgrade(fixture.address, forged)).await;
            link.text(GOOD).await;
            in_time(link.json("40")).await;
            assert_eq!(peers(&fixture).last(), Some(&Some("127.0.0.1".parse().unwrap())));
        }
        let named = "203.0.113.7:4711";
        let mut stream = RawClient::connect(fixture.address).await;
        stream.bytes(&header(named)).await;
        let forged = "X-Forwarded-For: 198.51.100.1\r\n";
        let mut link = in_time(stream.upgrade(fixture.address, forged)).await;
        link.text(GOOD).await;
        in_time(link.json("40")).await;
        assert_eq!(peers(&fixture).last(), Some(&Some("203.0.113.7".parse().unwrap())));
    }

    /// A content delivery network in front of the proxy adds the header itself.
    #[tokio::test]
    async fn a_trusted_proxy_behind_the_header_names_its_client() {
        let fixture = Fixture::on(bind().await.proxy_protocol(), |builder, _| {
            builder.trusted_proxies(["127.0.0.1", "203.0.113.7"])
        });
        let mut stream = RawClient::connect(fixture.address).await;
        stream.bytes(&header("203.0.113.7:4711")).await;
        let forwarded = "X-Forwarded-For: 198.51.100.1\r\n";
        let mut link = in_time(stream.upgrade(fixture.address, forwarded)).await;
        link.text(GOOD).await;
        in_time(link.json("40")).await;

        assert_eq!(peers(&fixture), [Some("198.51.100.1".parse().unwrap())]);
    }

    /// Strangers must not use up the line about the operator's own proxy, nor be recommended.
    #[tokio::test]
    async fn the_log_tells_a_stranger_from_a_proxy_without_the_header() {
        let log = Log::default();
        let _kept = log.keep(Level::WARN);
        let fixture = start(8).await;

        for from in ["127.0.0.2", "127.0.0.1"] {
            let mut client = RawClient::connect_from(from.parse().unwrap(), fixture.address).await;
            client.bytes(GET).await;
            assert!(!in_time(client.is_answered()).await);
        }

        assert_eq!(log.lines_with("only trusted_proxies may connect").len(), 1);
        assert_eq!(log.lines_with("configure the proxy").len(), 1);
    }

    #[tokio::test]
    async fn a_connection_without_the_header_is_closed_and_the_log_says_so_once() {
        let log = Log::default();
        let _kept = log.keep(Level::WARN);
        let fixture = start(8).await;

        for _ in 0..2 {
            let mut client = RawClient::connect(fixture.address).await;
            client.bytes(GET).await;
            assert!(!in_time(client.is_answered()).await);
        }

        assert_eq!(log.lines_with("PROXY protocol").len(), 1, "{:?}", log.lines());
    }

    /// Attack 108. Otherwise each client could choose its address.
    #[tokio::test]
    async fn a_header_of_a_peer_that_is_not_trusted_is_not_read() {
        let fixture = Fixture::on(bind().await.proxy_protocol(), |builder, _| {
            builder.trusted_proxies(["10.0.0.0/8"])
        });

        let mut client = RawClient::connect(fixture.address).await;
        client.bytes(&[&header("203.0.113.7:1")[..], GET].concat()).await;

        assert!(!in_time(client.is_answered()).await);
    }

    /// Attack 109.
    #[tokio::test]
    async fn a_header_that_does_not_end_is_closed() {
        let fixture = start(8).await;

        let mut client = RawClient::connect(fixture.address).await;
        client.bytes(&header("203.0.113.7:1")[..20]).await;

        assert!(!while_time_passes(&fixture.clock, client.is_answered()).await);
    }

    #[tokio::test]
    async fn a_health_check_of_the_proxy_is_answered() {
        let fixture = start(8).await;

        let mut client = RawClient::connect(fixture.address).await;
        client.bytes(&[b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", GET].concat()).await;

        assert!(in_time(client.head()).await.starts_with("HTTP/1.1 200 "));
    }

    #[tokio::test]
    async fn the_header_comes_before_tls() {
        let certificate = Certificate::new();
        let listeners = bind().await.tls(certificate.tls()).proxy_protocol();
        let fixture = Fixture::on(listeners, |builder, _| builder.trusted_proxies(["127.0.0.1"]));

        let mut stream = tcp(&fixture).await;
        tokio::io::AsyncWriteExt::write_all(&mut stream, &header("203.0.113.7:1")).await.unwrap();
        admitted(&fixture, certificate.connect(stream).await.unwrap()).await;

        assert_eq!(peers(&fixture), [Some("203.0.113.7".parse().unwrap())]);
    }

    #[tokio::test]
    async fn a_server_without_trusted_proxies_does_not_start() {
        let doorward = Doorward::builder().public(Gateway::at("/")).build().unwrap();

        let listeners = bind().await.proxy_protocol();
        let served =
            doorward.serve_with(listeners, doorward.service(), std::future::pending()).await;

        assert!(matches!(served, Err(ServeError::NoProxy)));
    }

    const GET: &[u8] =
        b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

mod unix {
    use super::*;

    #[tokio::test]
    async fn a_proxy_connects_through_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.sock");
        let listeners = Listeners::bind(&format!("unix:{}", path.display())).await.unwrap();
        assert_eq!(listeners.path(), Some(&*path));
        let mut fixture =
            Fixture::on(listeners, |builder, _| builder.trusted_proxies(["127.0.0.1"]));

        let stream = UnixStream::connect(&path).await.unwrap();
        let forwarded = "X-Forwarded-For: 203.0.113.7\r\n";
        let mut link = in_time(RawClient::over(stream).upgrade(fixture.address, forwarded)).await;
        link.text(GOOD).await;
        in_time(link.json("40")).await;
        echoes(&mut link).await;
        assert_eq!(peers(&fixture), [Some("203.0.113.7".parse().unwrap())]);

        drop(link);
        fixture.stop.notify_one();
        while_time_passes(&fixture.clock.clone(), &mut fixture.task).await.unwrap();
        assert!(!path.exists());
    }

    /// A client that vanishes is noticed while the server reads nothing from it.
    #[tokio::test]
    async fn the_end_of_a_client_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.sock");
        let listeners = Listeners::bind(&format!("unix:{}", path.display())).await.unwrap();
        let fixture = Fixture::on(listeners, |builder, _| builder.trusted_proxies(["127.0.0.1"]));

        let link = admitted(&fixture, UnixStream::connect(&path).await.unwrap()).await;
        drop(link);

        in_time(fixture.seen.disconnected.notified()).await;
    }

    /// Otherwise all clients would share the limits of one address.
    #[tokio::test]
    async fn a_server_that_does_not_trust_the_proxy_does_not_start() {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("unix:{}", folder.path().join("chat.sock").display());
        let builder = Doorward::builder().public(Gateway::at("/"));
        let doorward = builder.trusted_proxies(["10.0.0.1"]).build().unwrap();

        let served = doorward.serve(&address).await;

        assert!(matches!(served, Err(ServeError::UntrustedProxy)));
    }

    #[tokio::test]
    async fn an_error_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let long = folder.path().join("x".repeat(108));
        let cases = [
            ("/none/chat.sock", "create its directory first"),
            (file.to_str().unwrap(), "another file is: remove it"),
            (long.to_str().unwrap(), "at most 107 bytes"),
        ];
        for (path, remedy) in cases {
            let error = Listeners::bind(&format!("unix:{path}")).await.unwrap_err().to_string();
            assert!(error.contains(path) && error.contains(remedy), "{error}");
        }
    }
}
