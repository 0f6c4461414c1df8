//! An admission that is under way.

use std::time::Instant;

use doorward_core::{BoxFuture, DisconnectReason, SocketId};
use doorward_protocol::{Frame, SlotId, Trust};

use crate::{
    link::seam::{Admitted, NotAdmitted},
    runtime::catch::Caught,
};

/// An admission that is under way.
pub(super) struct Deciding {
    pub(super) deadline: Instant,
    pub(super) socket: SocketId,
    /// What a connect hook has emitted: it leaves behind the CONNECT answer, or not at all.
    pub(super) early: Vec<Frame>,
    pub(super) early_bytes: usize,
    /// Somebody has ended the socket before it came to be.
    pub(super) ended: Option<DisconnectReason>,
    pub(super) slot: SlotId,
    pub(super) trust: Trust,
    pub(super) future: Caught<BoxFuture<'static, Result<Admitted, NotAdmitted>>>,
}

impl Deciding {
    /// Keeps what a connect hook emits, and says whether that is within `limit` bytes.
    pub(super) fn keep(&mut self, frame: Frame, limit: usize) -> bool {
        self.early_bytes += frame.len();
        self.early.push(frame);
        self.early_bytes <= limit
    }
}
