//! Marks of the frames in an outbox, with which the packets of one socket are found.

use std::num::NonZeroU32;

use doorward_protocol::{FramePart, ws::Opcode};

/// Identifies the socket that a packet is for. Unlike a [`SlotId`](doorward_protocol::SlotId), an
/// owner is not reused for a later socket of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner(NonZeroU32);

impl Owner {
    pub(crate) const FIRST: Self = Self(NonZeroU32::MIN);

    /// Returns the owner after this one.
    pub(crate) fn next(self) -> Self {
        Self(self.0.checked_add(1).unwrap_or(NonZeroU32::MIN))
    }
}

/// End, owner and opcode of one frame. `end` is the offset of the byte after the frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) end: usize,
    /// Socket that the frame is for. Frames without an owner are never [cut](super::Outbox::cut).
    pub(super) owner: Option<Owner>,
    pub(super) opcode: Opcode,
    /// `true` if the frame belongs to the packet of the frame before it.
    pub(super) is_attachment: bool,
}

impl Mark {
    /// Returns the mark of a frame. Its end is counted from `before`.
    pub(super) fn of(part: FramePart, before: usize, owner: Option<Owner>) -> Self {
        let FramePart { opcode, is_attachment, end } = part;
        Self { end: before + end, owner, opcode, is_attachment }
    }
}
