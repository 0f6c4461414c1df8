//! TLS of the listeners, with a certificate that can be replaced while clients are connected.
//!
//! rustls implements TLS. The resolver of its configuration returns the current certificate at each
//! handshake, so a new certificate needs no new listener. Start reading at [`Tls`].

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::{CryptoProvider, aws_lc_rs},
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        server::{ClientHello, ResolvesServerCert},
        sign::CertifiedKey,
    },
    server::TlsStream,
};

use crate::{error::tls::TlsError, transport::stream::Connection};

/// The certificate of a server and its private key, from files.
///
/// TLS 1.2 and 1.3 are served, with the choices of rustls. Clones share the certificate.
///
/// # Examples
/// ```no_run
/// # async fn run() -> doorward::Result {
/// use doorward::server::{Listeners, Tls};
///
/// let tls = Tls::from_pem_files("chain.pem", "key.pem")?;
/// let listeners = Listeners::bind("0.0.0.0:443").await?.tls(tls.clone());
///
/// // After the files were renewed:
/// tls.reload()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Tls(Arc<Shared>);

struct Shared {
    files: Files,
    current: Arc<Current>,
    acceptor: TlsAcceptor,
}

/// Paths of the certificate and its key.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// The certificate for the next handshake.
#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Tls {
    /// Reads a certificate and its private key from files in PEM format (RFC 7468).
    ///
    /// The first certificate is that of the server. The certificates of its issuers follow, as
    /// `fullchain.pem` of certbot contains them. The key is in PKCS #8, PKCS #1 or SEC 1 format and
    /// is not encrypted.
    ///
    /// The files are read on the calling thread.
    ///
    /// # Errors
    /// [`TlsError`]: a file cannot be read, contains no certificate or no key, or the key does not
    /// belong to the certificate.
    pub fn from_pem_files(
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, TlsError> {
        let files = Files { certificate: certificate.into(), key: key.into() };
        // Errors quote the paths.
        if [&files.certificate, &files.key].into_iter().any(|path| is_pem(path)) {
            return Err(TlsError::Inline);
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let current = Arc::new(Current(ArcSwap::from_pointee(files.read(&provider)?)));
        let config = configuration(provider, Arc::clone(&current));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self(Arc::new(Shared { files, current, acceptor })))
    }

    /// Reads the files again. Later handshakes use the new certificate, and open connections stay.
    /// Returns `true` if the certificate has changed.
    ///
    /// The files are read on the calling thread.
    ///
    /// # Errors
    /// Same as [`from_pem_files`](Self::from_pem_files). The server then keeps its certificate.
    ///
    /// # Examples
    /// ```no_run
    /// # fn reload(tls: &doorward::server::Tls) {
    /// match tls.reload() {
    ///     Ok(true) => println!("The certificate was replaced."),
    ///     Ok(false) => {}
    ///     Err(error) => eprintln!("The server keeps its certificate: {error}."),
    /// }
    /// # }
    /// ```
    pub fn reload(&self) -> Result<bool, TlsError> {
        let Shared { files, current, acceptor } = &*self.0;
        let new = files.read(acceptor.config().crypto_provider())?;
        let has_changed = current.0.load().cert != new.cert;
        current.0.store(Arc::new(new));
        Ok(has_changed)
    }

    /// Performs the handshake of a connection.
    pub(crate) async fn accept(&self, stream: Connection) -> io::Result<TlsStream<Connection>> {
        self.0.acceptor.accept(stream).await
    }

    /// Returns the certificate that the next handshake uses, in DER format (RFC 5280). Programs can
    /// read from it when it expires.
    ///
    /// # Examples
    /// ```no_run
    /// # fn look(tls: &doorward::server::Tls) {
    /// println!("The certificate has {} bytes.", tls.certificate().len());
    /// # }
    /// ```
    #[must_use]
    pub fn certificate(&self) -> Vec<u8> {
        let current = self.0.current.0.load();
        current.cert.first().map(|certificate| certificate.to_vec()).unwrap_or_default()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("certificate", &self.0.files.certificate)
            .field("key", &self.0.files.key)
            .finish_non_exhaustive()
    }
}

impl Files {
    fn read(&self, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
        let chain = read(&self.certificate)?;
        let chain: Option<Vec<_>> =
            CertificateDer::pem_slice_iter(&chain).map(Result::ok).collect();
        let chain = chain
            .filter(|chain| !chain.is_empty())
            .ok_or_else(|| TlsError::NoCertificate { path: self.certificate.clone() })?;
        // The error of the parser is left out, because it may quote the file.
        let Ok(key) = PrivateKeyDer::from_pem_slice(&read(&self.key)?) else {
            return Err(TlsError::NoKey { path: self.key.clone() });
        };
        CertifiedKey::from_der(chain, key, provider).map_err(|source| {
            let (certificate, key) = (self.certificate.clone(), self.key.clone());
            TlsError::Invalid { certificate, key, source: source.into() }
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |source| TlsError::Read { path: path.to_owned(), source };
    // Reading a pipe could wait for ever.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("it is not a file")));
    }
    fs::read(path).map_err(failed)
}

fn configuration(provider: Arc<CryptoProvider>, current: Arc<Current>) -> ServerConfig {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("aws-lc-rs supports TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_cert_resolver(current);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

/// Returns `true` for a text in PEM format, which was passed in place of the path of its file.
fn is_pem(path: &Path) -> bool {
    path.to_string_lossy().contains("-----BEGIN")
}
