//! Reloads the signing keys after a rotation, and exchanges them with the other nodes of the cluster.

use std::time::Duration;

use doorward::{
    auth::KeyRing,
    server::{Clock, SystemClock},
};

use crate::data::{key_file::KeyFile, shared_keys::SharedKeys};

/// Reloads the keys periodically, so that `doorward keys rotate` needs no restart.
pub(super) async fn watch(key_file: &KeyFile, keys: &KeyRing, shared: Option<&SharedKeys>) {
    let mut has_failed = false;
    loop {
        SystemClock.sleep_until(SystemClock.now() + BETWEEN_LOOKS).await;
        take_over(key_file, keys).await;
        let Some(shared) = shared else { continue };
        let exchanged = shared.exchange(keys).await;
        // One line for each outage.
        if let Err(failure) = &exchanged
            && !has_failed
        {
            tracing::warn!(
                %failure,
                "The signing keys of this node and of its cluster do not agree, or could not be compared."
            );
        }
        has_failed = exchanged.is_err();
    }
}

/// Reloads the keys on a thread for blocking work, because a stuck disk must not block the runtime.
/// Keeps the current keys if the file cannot be read.
pub(super) async fn take_over(key_file: &KeyFile, keys: &KeyRing) {
    let file = key_file.clone();
    match tokio::task::spawn_blocking(move || file.read()).await {
        Ok(Ok(Some(new))) => keys.replace(&new),
        Ok(Ok(None)) => {
            tracing::warn!("The signing keys are missing; the server keeps those in memory.");
        }
        Ok(Err(failure)) => tracing::warn!(%failure, "The signing keys could not be reloaded."),
        Err(error) => tracing::warn!(%error, "The signing keys could not be reloaded."),
    }
}

/// Interval between reloads.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);
