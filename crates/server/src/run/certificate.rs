//! Reads the TLS certificate, reads it again after a renewal, and warns before it expires.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use doorward::server::{Clock, SystemClock, Tls};
use doorward_core::Causes;
use jiff::Timestamp;

use crate::{
    config::listener::TlsFiles,
    terminal::{Failure, OrFail as _},
};

/// Reads the certificate and its key on a thread for blocking work, because a stop signal must not wait for a stuck
/// disk.
pub(crate) async fn read(files: TlsFiles) -> Result<Tls, Failure> {
    let read = move || {
        let tls = Tls::from_pem_files(&files.certificate, &files.key)
            .or_fail("cannot serve TLS with tls.certificate and tls.key")?;
        warn_of_readers(&files).or_fail("cannot serve TLS")?;
        Ok(tls)
    };
    tokio::task::spawn_blocking(read).await.or_fail("cannot serve TLS")?
}

fn warn_of_readers(files: &TlsFiles) -> io::Result<()> {
    if fs::metadata(&files.key)?.permissions().mode() & OTHERS != 0 {
        tracing::warn!(
            key = %files.key.display(),
            "Every user of this machine can use the key of the TLS certificate: take the rights of others away \
             (chmod o= FILE)."
        );
    }
    Ok(())
}

/// Reads the certificate periodically, so that a renewal needs neither a signal nor a restart.
pub(super) async fn watch(tls: &Tls) {
    let mut warned = None;
    loop {
        look_at_end(tls, &mut warned);
        SystemClock.sleep_until(SystemClock.now() + RELOAD_INTERVAL).await;
        reload(tls).await;
    }
}

/// Reads the certificate on a thread for blocking work, because a stuck disk must not block the runtime. Keeps the
/// current one if the files cannot be used, as in the middle of a renewal.
pub(super) async fn reload(tls: &Tls) {
    let again = tls.clone();
    match tokio::task::spawn_blocking(move || again.reload()).await {
        Ok(Ok(true)) => {
            tracing::info!("The TLS certificate was replaced.");
            look_at_end(tls, &mut None);
        }
        Ok(Ok(false)) => {}
        Ok(Err(error)) => {
            let error = Causes(&error);
            tracing::warn!(%error, "The TLS certificate was not reloaded. The server keeps the current one: check tls.certificate and tls.key.");
        }
        Err(error) => tracing::warn!(%error, "The TLS certificate was not reloaded."),
    }
}

/// Updates the metric of the end of the certificate. Warns once a day in its last week, and after its end.
fn look_at_end(tls: &Tls, warned: &mut Option<Instant>) {
    let Some(end) = end_of(&tls.certificate()) else { return };
    metrics::gauge!(EXPIRES).set(end.as_second() as f64);
    let (wall, now) = (SystemClock.wall(), SystemClock.now());
    let left = Timestamp::try_from(wall).map_or(WEEK, |wall| end.duration_since(wall));
    let is_due = warned.is_none_or(|last| now.duration_since(last) >= DAY);
    if left < WEEK && is_due {
        *warned = Some(now);
        if left.is_negative() {
            tracing::warn!(%end, "The TLS certificate has expired: clients refuse it. Renew it.");
        } else {
            tracing::warn!(%end, "The TLS certificate expires soon, and was not renewed.");
        }
    }
}

/// Returns the time at which a certificate in DER format expires (RFC 5280, section 4.1.2.5).
pub(crate) fn end_of(certificate: &[u8]) -> Option<Timestamp> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

/// Interval between reloads.
const RELOAD_INTERVAL: Duration = Duration::from_secs(60);

/// Time before its end at which a certificate should have been renewed.
pub(crate) const WEEK: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

const DAY: Duration = Duration::from_hours(24);

/// Rights of all users but the owner and the group of a file.
const OTHERS: u32 = 0o007;

const EXPIRES: &str = "doorward_tls_certificate_expires_timestamp_seconds";
