//! Ends many sockets in groups, so that their clients do not all reconnect at the same time.

use std::{sync::Arc, time::Duration};

use doorward_core::DisconnectReason;

use crate::presence::{resident::Resident, services::Services};

/// Tells sockets to end, some at a time, within [`SPREAD_OVER`].
pub(crate) async fn end_in_groups(
    services: &Services,
    residents: &[&Arc<dyn Resident>],
    reason: DisconnectReason,
) {
    let size = residents.len().div_ceil(STEPS as usize).max(1);
    for (step, some) in residents.chunks(size).enumerate() {
        if step > 0 {
            services.clock.sleep_until(services.clock.now() + SPREAD_OVER / STEPS).await;
        }
        for resident in some {
            resident.cut(reason);
        }
    }
}

/// Time over which sockets are ended in groups.
pub(crate) const SPREAD_OVER: Duration = Duration::from_secs(3);

/// Maximum number of groups in which sockets are ended.
const STEPS: u32 = 100;
