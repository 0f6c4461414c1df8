//! Handles signals that do not stop the server. The crate `doorward` handles SIGINT and SIGTERM.
//!
//! SIGHUP reopens the audit file, so that it can be rotated, and reloads the signing keys and the TLS certificate. It
//! does not reload settings. SIGUSR1 and SIGUSR2 are ignored. SIGXFSZ is ignored too, so that a write beyond the file size limit
//! returns an error. Without handlers, these signals would end the process.

use std::{io, path::PathBuf, sync::Arc};

use doorward::{audit::JsonLinesAudit, auth::KeyRing, server::Tls};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
};

use super::{certificate, key_watch};
use crate::data::{key_file::KeyFile, stores::check_audit};

/// Handlers of the signals.
pub(crate) struct Signals {
    hang_up: Signal,
    _ignored: [Signal; 3],
}

impl Signals {
    /// Installs the handlers.
    pub(crate) fn install() -> io::Result<Self> {
        let too_large = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
        let ignored = [SignalKind::user_defined1(), SignalKind::user_defined2(), too_large];
        let [one, two, large] = ignored.map(signal);
        Ok(Self { hang_up: signal(SignalKind::hangup())?, _ignored: [one?, two?, large?] })
    }

    /// Handles SIGHUP until the future is dropped.
    pub(crate) async fn watch(
        mut self,
        audit: Option<(Arc<JsonLinesAudit>, PathBuf)>,
        key_file: &KeyFile,
        keys: &Arc<KeyRing>,
        tls: Option<&Tls>,
    ) {
        let mut reading: Option<JoinHandle<()>> = None;
        while self.hang_up.recv().await.is_some() {
            tracing::info!(
                "SIGHUP: reloading the keys and the TLS certificate, and reopening the audit file."
            );
            if let Some((audit, path)) = &audit {
                match check_audit(path) {
                    Ok(()) => audit.reopen(),
                    Err(failure) => {
                        tracing::error!(%failure, "The audit file could not be reopened.");
                    }
                }
            }
            // A stuck disk must not keep the next signal from opening the audit file.
            if reading.as_ref().is_none_or(JoinHandle::is_finished) {
                let read = read_again(key_file.clone(), Arc::clone(keys), tls.cloned());
                reading = Some(tokio::spawn(read));
            }
        }
    }
}

async fn read_again(key_file: KeyFile, keys: Arc<KeyRing>, tls: Option<Tls>) {
    key_watch::take_over(&key_file, &keys).await;
    if let Some(tls) = tls {
        certificate::reload(&tls).await;
    }
}
