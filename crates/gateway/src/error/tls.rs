//! Error of a TLS certificate or key that cannot be used.

use std::{io, path::PathBuf};

use doorward_core::BoxError;

/// Error returned if a certificate cannot be used. No variant contains the key.
///
/// # Examples
/// ```
/// use doorward::server::{Tls, TlsError};
///
/// let error = Tls::from_pem_files("/none/chain.pem", "/none/key.pem").unwrap_err();
/// assert!(matches!(error, TlsError::Read { .. }));
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The certificate or the key itself was passed in place of a path.
    #[error(
        "a certificate and its key are read from files: write them to files, and give the paths"
    )]
    Inline,
    /// The key does not belong to the certificate, or one of them is of a kind that is not supported.
    #[error(
        "the key {key:?} does not belong to the certificate {certificate:?}, or its type is not supported"
    )]
    Invalid {
        /// Path of the certificate.
        certificate: PathBuf,
        /// Path of the key.
        key: PathBuf,
        /// Error of the TLS library.
        source: BoxError,
    },
    /// The file contains no certificate in PEM format, or a broken one.
    #[error("{path:?} contains no readable certificate in PEM format")]
    NoCertificate {
        /// Path of the file.
        path: PathBuf,
    },
    /// The file contains no private key in PEM format, or a broken or encrypted one.
    #[error(
        "{path:?} contains no readable private key in PEM format; if the key is encrypted, decrypt it with \
         `openssl pkey -in OLD -out NEW`"
    )]
    NoKey {
        /// Path of the file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read {path:?}")]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
}

doorward_core::debug_as_sentence!(TlsError);
