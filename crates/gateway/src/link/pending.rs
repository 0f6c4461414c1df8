//! An admission that is running.

use std::time::Instant;

use doorward_core::{BoxFuture, DisconnectReason, SocketId};
use doorward_protocol::{Frame, SlotId, Trust};

use crate::{link::seam::AdmitResult, runtime::catch::Caught};

/// An admission that is running.
pub(super) struct Pending {
    pub(super) deadline: Instant,
    pub(super) socket: SocketId,
    /// Packets that connect hooks have emitted. They are sent after the answer to the CONNECT, and
    /// dropped if the client is refused.
    pub(super) early: Vec<Frame>,
    pub(super) early_bytes: usize,
    /// Reason of a command to end the socket that arrived before the socket was admitted. The
    /// socket then ends as soon as it is admitted.
    pub(super) ended: Option<DisconnectReason>,
    pub(super) slot: SlotId,
    pub(super) trust: Trust,
    pub(super) future: Caught<BoxFuture<'static, AdmitResult>>,
}

impl Pending {
    /// Keeps a packet that a connect hook has emitted. Returns `false` if the kept packets have
    /// more than `limit` bytes. The caller then ends the link.
    pub(super) fn keep(&mut self, frame: Frame, limit: usize) -> bool {
        self.early_bytes += frame.len();
        self.early.push(frame);
        self.early_bytes <= limit
    }
}
