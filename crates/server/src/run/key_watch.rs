//! Takes over the signing keys that an operator has rotated.

use std::time::Duration;

use doorward::{Clock, SystemClock, auth::KeyRing};

use crate::data::key_file::KeyFile;

/// Takes keys over that `doorward keys rotate` has written, so that nobody need restart the server.
pub(super) async fn watch(key_file: &KeyFile, keys: &KeyRing) {
    loop {
        SystemClock.sleep_until(SystemClock.now() + BETWEEN_LOOKS).await;
        take_over(key_file, keys).await;
    }
}

/// Reads the keys again. A disk that stands still holds up nothing else.
pub(super) async fn take_over(key_file: &KeyFile, keys: &KeyRing) {
    let file = key_file.clone();
    match tokio::task::spawn_blocking(move || file.read()).await {
        Ok(Ok(Some(new))) => keys.replace(&new),
        Ok(Ok(None)) => tracing::warn!("The signing keys are gone; those in memory go on."),
        Ok(Err(failure)) => tracing::warn!(%failure, "The signing keys cannot be read again."),
        Err(error) => tracing::warn!(%error, "The signing keys cannot be read again."),
    }
}

/// How long a new key may be unknown to a running server.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);
