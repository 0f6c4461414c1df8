//! One turn of a link, which is one poll of its task.

use std::{
    task::{Context, Waker},
    time::{Instant, SystemTime},
};

/// The time and the remaining work of one turn of a link, which is one poll of its task.
///
/// The clocks are read once in a turn, so that all deadlines are compared with the same time.
pub(super) struct Turn<'a> {
    waker: &'a Waker,
    pub(super) now: Instant,
    /// Wall-clock time at the beginning of the turn.
    pub(super) wall: SystemTime,
    /// Number of frames and events that may still be handled in this turn.
    pub(super) budget: usize,
}

impl<'a> Turn<'a> {
    pub(super) fn new(waker: &'a Waker, now: Instant, wall: SystemTime) -> Self {
        Self { waker, now, wall, budget: FRAMES_PER_TURN }
    }

    /// Returns a context that wakes the task of the link.
    pub(super) fn cx(&self) -> Context<'a> {
        Context::from_waker(self.waker)
    }
}

/// Maximum number of frames and queued events that one link handles in one turn, before other links
/// run. Handling that many takes about 100 us.
const FRAMES_PER_TURN: usize = 128;
