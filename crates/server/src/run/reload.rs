//! Handles signals that do not stop the server. The crate `doorward` handles SIGINT and SIGTERM.
//!
//! SIGHUP reopens the audit file, so that it can be rotated, and reloads the signing keys, the TLS certificate and the
//! list of issuers. It does not reload other settings. SIGUSR1 and SIGUSR2 are ignored. SIGXFSZ is ignored too, so that a write beyond the file size limit
//! returns an error. Without handlers, these signals would end the process.

use std::{io, path::PathBuf, sync::Arc};

use doorward::{audit::JsonLinesAudit, auth::KeyRing, server::Tls};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
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
        let Reloaded { options, audit, key_file, keys, issuers, tls } = reloaded;
        let mut reading: Option<JoinHandle<()>> = None;
        while self.hang_up.recv().await.is_some() {
            tracing::info!(
                "SIGHUP: reloading the keys, the TLS certificate and the issuers, and reopening the audit file."
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
                let issuers = reload_issuers(options.clone(), Arc::clone(issuers));
                reading = Some(tokio::spawn(async move {
                    tokio::join!(read, issuers);
                }));
            }
        }
    }
}

/// Everything that SIGHUP reloads.
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

async fn read_again(key_file: KeyFile, keys: Arc<KeyRing>, tls: Option<Tls>) {
    key_watch::take_over(&key_file, &keys).await;
    if let Some(tls) = tls {
        certificate::reload(&tls).await;
    }
}

/// Reads the configuration on a thread for blocking work, and takes the issuers over. Keeps the
/// current ones if the configuration has a mistake.
async fn reload_issuers(options: ServeOptions, issuers: Arc<TrustedIssuers>) {
    let read = move || {
        Config::load_to_serve(&options.place, options.listen.as_ref(), options.apps.as_ref())
    };
    let replaced = match tokio::task::spawn_blocking(read).await {
        Ok(Ok(config)) => issuers.replace(&config.issuers).await,
        Ok(Err(failure)) => Err(failure),
        Err(error) => Err(Failure::new(error)),
    };
    match replaced {
        Ok(()) => issuers.prepare().await,
        Err(failure) => tracing::error!(
            %failure,
            "The issuers were not reloaded. The server keeps the current ones: correct the configuration, and send \
             SIGHUP again."
        ),
    }
}
