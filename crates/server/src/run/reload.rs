//! Handles signals that do not stop the server. The crate `doorward` handles SIGINT and SIGTERM.
//!
//! SIGHUP reopens the audit file, so that it can be rotated, and reloads the signing keys, the TLS certificate and the
//! list of issuers. It does not reload other settings. SIGUSR1 and SIGUSR2 are ignored. SIGXFSZ is ignored too, so that
//! a write beyond the file size limit returns an error. Without handlers, these signals would end the process.

use std::{io, path::PathBuf, sync::Arc};

use doorward::{audit::JsonLinesAudit, auth::KeyRing, server::Tls};
use futures_util::future::OptionFuture;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
};

use super::{certificate, issuers::TrustedIssuers, key_watch};
use crate::{
    cli::ServeOptions,
    config::Config,
    data::{key_file::KeyFile, stores::check_audit},
    terminal::Failure,
};

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
    pub(crate) async fn watch(mut self, reloaded: Reloaded<'_>) {
        // A stuck disk must not keep the next signal from opening the audit file, so the files are read
        // by a future of their own. A signal that arrives meanwhile makes it read them once more.
        let again = Notify::new();
        let reading = async {
            loop {
                again.notified().await;
                reloaded.read_again().await;
            }
        };
        let listening = async {
            while self.hang_up.recv().await.is_some() {
                tracing::info!(
                    "SIGHUP: reloading the keys, the TLS certificate and the issuers, and reopening the audit file."
                );
                reloaded.reopen_audit();
                again.notify_one();
            }
        };
        tokio::join!(reading, listening);
    }
}

/// Parts of the server that SIGHUP reloads.
pub(crate) struct Reloaded<'a> {
    /// Options of the command, which name the configuration file.
    pub(crate) options: &'a ServeOptions,
    /// Audit file with its path. `None` if records are not written to a file.
    pub(crate) audit: Option<(Arc<JsonLinesAudit>, PathBuf)>,
    pub(crate) key_file: &'a KeyFile,
    pub(crate) keys: &'a Arc<KeyRing>,
    pub(crate) issuers: &'a Arc<TrustedIssuers>,
    pub(crate) tls: Option<&'a Tls>,
}

impl Reloaded<'_> {
    fn reopen_audit(&self) {
        let Some((audit, path)) = &self.audit else { return };
        match check_audit(path) {
            Ok(()) => audit.reopen(),
            Err(failure) => tracing::error!(%failure, "The audit file could not be reopened."),
        }
    }

    async fn read_again(&self) {
        let keys = key_watch::take_over(self.key_file, self.keys);
        let certificate = OptionFuture::from(self.tls.map(certificate::reload));
        tokio::join!(keys, certificate, self.reload_issuers());
    }

    /// Reads the configuration on a thread for blocking work, and takes the issuers over. Keeps the
    /// current ones if the configuration has a mistake.
    async fn reload_issuers(&self) {
        let options = self.options.clone();
        let read = move || {
            Config::load_to_serve(&options.place, options.listen.as_ref(), options.apps.as_ref())
        };
        let replaced = match tokio::task::spawn_blocking(read).await {
            Ok(Ok(config)) => self.issuers.replace(&config.issuers).await,
            Ok(Err(failure)) => Err(failure),
            Err(error) => Err(Failure::new(error)),
        };
        match replaced {
            // Slow issuers must not keep the next signal waiting.
            Ok(()) => drop(tokio::spawn(Arc::clone(self.issuers).prepare())),
            Err(failure) => tracing::error!(
                %failure,
                "The issuers were not reloaded. The server keeps the current ones: correct the configuration, and \
                 send SIGHUP again."
            ),
        }
    }
}
