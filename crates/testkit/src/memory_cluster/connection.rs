//! Connection of one node to its cluster.

use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering},
};

use doorward_core::{
    Clock, NodeId, RevocationState, RevocationStore, SeatStore, StoreError,
    cluster::{Member, Order, Receipt},
    lock,
};
use tokio::sync::watch;

use super::{
    bus::{Buses, MemoryBus},
    state::State,
};

/// What all nodes share.
pub(super) struct Shared {
    pub(super) clock: Box<dyn Clock>,
    pub(super) revocations: Arc<dyn RevocationStore>,
    pub(super) seats: Arc<dyn SeatStore>,
    pub(super) state: Mutex<State>,
    pub(super) changed: watch::Sender<()>,
    /// Connections of all nodes to the bus.
    pub(super) buses: Arc<Buses>,
}

/// Connection of one node, which a test can cut.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) shared: Arc<Shared>,
    pub(super) name: NodeId,
    pub(super) bus: Arc<MemoryBus>,
    pub(super) is_cut: Arc<AtomicBool>,
    /// `true` if answers do not arrive yet.
    pub(super) is_held: Arc<watch::Sender<bool>>,
    /// `true` if reports of results fail.
    pub(super) is_mute: Arc<AtomicBool>,
    /// Last member of this process.
    pub(super) last: Arc<Mutex<Option<Member>>>,
}

impl Connection {
    /// Returns the state of the cluster, unless the node is cut off.
    pub(super) fn reach(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        if self.is_cut.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("the node is cut off".into()));
        }
        let mut state = lock(&self.shared.state);
        state.forget_lapsed(self.shared.clock.now());
        Ok(state)
    }

    /// Appends an order to the log.
    pub(super) fn append(
        &self,
        order: Order,
        state: RevocationState,
    ) -> Result<Receipt, StoreError> {
        let receipt = self.reach()?.append(order, state, self.shared.clock.now());
        self.shared.changed.send_replace(());
        Ok(receipt)
    }
}
