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
    pub(crate) has_proxy_protocol: bool,
}

/// Files of a certificate, in PEM format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    /// Certificate of the server and those of its issuers.
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Listener {
    /// Returns `true` if a program on this machine can connect with HTTP over TCP.
    pub(crate) fn is_plain(&self) -> bool {
        self.tls.is_none() && !self.has_proxy_protocol && !self.address.is_unix()
    }

    /// Rejects a listener with which clients could not connect, or would all count as one.
    pub(super) fn check(
        &self,
        public_url: Option<&PublicUrl>,
        proxies: &Proxies,
    ) -> Result<(), Failure> {
        if self.has_proxy_protocol && proxies.texts().is_empty() {
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
                "tls is set and public_url is {url}: write https://"
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
            _ => Err(Failure::new(HALF_A_CERTIFICATE)),
        }
    }
}

const PEM_AS_PATH: &str =
    "tls.certificate and tls.key are paths of files: write the certificate and the key to files";

const HALF_A_CERTIFICATE: &str =
    "tls.certificate and tls.key belong together: set both, or neither";

const PROXY_PROTOCOL_WITHOUT_PROXY: &str = "proxy_protocol is set and trusted_proxies is empty: name the proxy there, or \
                                        any client could claim any address";

const UNIX_WITHOUT_URL: &str = "listen is a Unix socket: set public_url to the address that browsers open, such as https://chat.example.org";

const UNIX_WITHOUT_PROXY: &str = "listen is a Unix socket, and all its clients would count as one: write \
                                  trusted_proxies = [\"127.0.0.1\"], which stands for the proxy on this machine";
