//! One turn of a link's task.

use std::{
    task::{Context, Waker},
    time::{Instant, SystemTime},
};

/// One turn of a link's task: its time, and how much work it may still do.
///
/// The clocks are read once in a turn, so that all deadlines are compared with the same time.
pub(super) struct Turn<'a> {
    waker: &'a Waker,
    pub(super) now: Instant,
    /// Wall time.
    pub(super) wall: SystemTime,
    /// Number of frames and events that may still be handled.
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

/// Number of frames and events that one link handles before others have their turn: about 100 us.
const FRAMES_PER_TURN: usize = 128;
