//! Decides if clients can connect to the server with its settings.

use std::path::PathBuf;

use super::{listen::ListenAddress, public_url::PublicUrl, tables::Tls, values::Proxies};
use crate::terminal::Failure;

/// How the server accepts connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listener {
    /// Address to listen on.
    pub(crate) address: ListenAddress,
    /// Files of the certificate. `None` if the server speaks plain HTTP.
    pub(crate) tls: Option<TlsFiles>,
    /// `true` if each connection begins with a header of the PROXY protocol.
    pub(crate) proxy_protocol: bool,
}

/// Files of a certificate, in PEM format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    /// Certificate of the server and those of its issuers.
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Listener {
    /// Returns why a program on this machine cannot connect with HTTP over TCP, or `None` if it can.
    pub(crate) fn obstacle(&self) -> Option<&'static str> {
        if self.address.is_unix() {
            Some("listen is a Unix socket")
        } else if self.tls.is_some() {
            Some("tls is set")
        } else {
            self.proxy_protocol.then_some("proxy_protocol is set")
        }
    }

    /// Rejects a listener with which clients could not connect, or would all count as one.
    pub(super) fn check(
        &self,
        public_url: Option<&PublicUrl>,
        proxies: &Proxies,
    ) -> Result<(), Failure> {
        if self.proxy_protocol && proxies.texts().is_empty() {
            return Err(Failure::new(PROXY_PROTOCOL_WITHOUT_PROXY));
        }
        if self.address.is_unix() && public_url.is_none() {
            return Err(Failure::new(UNIX_WITHOUT_URL));
        }
        if self.address.is_unix() && !proxies.trust_this_machine() {
            return Err(Failure::new(UNIX_WITHOUT_PROXY));
        }
        match public_url {
            Some(url) if self.tls.is_some() && !url.is_secure() => Err(Failure::new(format_args!(
                "public_url is {url}, but tls is set: begin public_url with https://"
            ))),
            _ => Ok(()),
        }
    }
}

impl TlsFiles {
    /// Returns the files of the certificate. Fails if one of the two is missing.
    pub(super) fn new(tls: Tls) -> Result<Option<Self>, Failure> {
        // Errors quote paths, and a key must not appear in a log.
        let is_pem = |path: &PathBuf| path.to_string_lossy().contains("-----BEGIN");
        if tls.certificate.iter().chain(&tls.key).any(is_pem) {
            return Err(Failure::new(PEM_AS_PATH));
        }
        match (tls.certificate, tls.key) {
            (Some(certificate), Some(key)) => Ok(Some(Self { certificate, key })),
            (None, None) => Ok(None),
            (Some(_), None) => Err(Failure::new(NO_KEY)),
            (None, Some(_)) => Err(Failure::new(NO_CERTIFICATE)),
        }
    }
}

const PEM_AS_PATH: &str =
    "tls.certificate and tls.key are paths of files: write the certificate and the key to files";

const NO_KEY: &str = "tls.key is missing: set it together with tls.certificate";

const NO_CERTIFICATE: &str = "tls.certificate is missing: set it together with tls.key";

const PROXY_PROTOCOL_WITHOUT_PROXY: &str = "proxy_protocol is set, but trusted_proxies is empty: add the address of the \
                                            proxy, such as trusted_proxies = [\"10.0.0.5\"]";

pub(crate) const UNIX_WITHOUT_URL: &str = "listen is a Unix socket: set public_url to the address that browsers open, such as https://chat.example.org";

const UNIX_WITHOUT_PROXY: &str = "listen is a Unix socket, but its proxy is not trusted, so all clients would share one \
                                  limit: add \"127.0.0.1\" to trusted_proxies";
