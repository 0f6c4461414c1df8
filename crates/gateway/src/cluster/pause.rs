//! Pauses of the tasks of a cluster.

use std::{sync::Arc, time::Duration};

use crate::presence::services::Services;

/// Waits for `time`, and does not keep the server alive meanwhile.
pub(crate) async fn pause(services: Arc<Services>, time: Duration) {
    let pause = services.clock.sleep_until(services.clock.now() + time);
    drop(services);
    pause.await;
}
