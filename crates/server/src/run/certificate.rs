//! Reads the TLS certificate again after a renewal.

use std::time::Duration;

use doorward::server::{Clock, SystemClock, Tls};
use doorward_core::Causes;

use crate::{
    config::listener::TlsFiles,
    terminal::{Failure, OrFail as _},
};

/// Reads the certificate and its key.
pub(super) fn read(files: &TlsFiles) -> Result<Tls, Failure> {
    Tls::from_pem_files(&files.certificate, &files.key).or_fail("cannot serve TLS")
}

/// Reads the certificate periodically, so that a renewal needs neither a signal nor a restart.
pub(super) async fn watch(tls: &Tls) {
    loop {
        SystemClock.sleep_until(SystemClock.now() + BETWEEN_LOOKS).await;
        take_over(tls).await;
    }
}

/// Reads the certificate on a thread for blocking work, because a stuck disk must not block the runtime. Keeps the
/// current one if the files cannot be used, as in the middle of a renewal.
pub(super) async fn take_over(tls: &Tls) {
    let again = tls.clone();
    match tokio::task::spawn_blocking(move || again.reload()).await {
        Ok(Ok(true)) => tracing::info!("The TLS certificate was replaced."),
        Ok(Ok(false)) => {}
        Ok(Err(error)) => {
            let error = Causes(&error);
            tracing::warn!(%error, "The TLS certificate could not be read again; the server keeps its certificate.");
        }
        Err(error) => tracing::warn!(%error, "The TLS certificate could not be read again."),
    }
}

/// Interval between reloads.
const BETWEEN_LOOKS: Duration = Duration::from_secs(60);
