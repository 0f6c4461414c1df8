//! Settings with which connections are opened.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, ProtocolVersion, TlsCertificates, io::tcp::TcpSettings,
};
use rustls::{
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::ConnectError;

/// Returns the client of a URL, and of the certificates of authorities if they are given.
pub(crate) fn client(url: &str, ca: Option<&[u8]>) -> Result<Client, ConnectError> {
    // The library's error is dropped, because it may contain parts of the URL, including the password.
    let client = Client::open(url).map_err(|_reason| ConnectError::Url)?;
    // With Nagle's algorithm (RFC 1122, section 4.2.3.4), a small request can wait for the peer's delayed
    // acknowledgement of the previous request.
    let settings = TcpSettings::default().set_nodelay(true);
    let information = client.get_connection_info().clone().set_tcp_settings(settings);
    let has_tls = url.starts_with("rediss:") || url.starts_with("valkeys:");
    if has_tls {
        // The library takes the provider of the process, and panics if the program links two and has chosen none.
        let _set = aws_lc_rs::default_provider().install_default();
    }
    match ca {
        None => Client::open(information).map_err(|_reason| ConnectError::Url),
        Some(_) if !has_tls => Err(ConnectError::CaWithoutTls),
        Some(pem) if !is_certificates(pem) => Err(ConnectError::Ca),
        Some(pem) => {
            let certificates = TlsCertificates { client_tls: None, root_cert: Some(pem.to_vec()) };
            Client::build_with_tls(information, certificates).map_err(|_reason| ConnectError::Ca)
        }
    }
}

/// Returns the client of the same server with protocol 3 (RESP3), whose connections publish and receive.
pub(crate) fn hearing(client: &Client) -> Result<Client, ConnectError> {
    let information = client.get_connection_info().clone();
    let settings = information.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Client::open(information.set_redis_settings(settings)).map_err(|_reason| ConnectError::Url)
}

/// Returns the time limits of a connection. `answer` is that of one answer.
pub(crate) fn config(answer: Duration) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(answer))
        .set_pipeline_buffer_size(PIPELINE)
}

/// Returns `true` if the text consists of at least one certificate.
fn is_certificates(pem: &[u8]) -> bool {
    let mut found = CertificateDer::pem_slice_iter(pem).peekable();
    found.peek().is_some() && found.all(|certificate| certificate.is_ok())
}

/// Time limit for opening a connection.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Capacity of the queue of unsent requests. Operations wait while it is full.
const PIPELINE: usize = 512;
