//! One turn of a link's task.

use std::{
    task::{Context, Waker},
    time::{Instant, SystemTime},
};

/// One turn of a link's task: when it began, and how much it may still do.
///
/// All that happens in a turn happens at one moment, so two deadlines cannot be judged by two
/// clocks.
pub(super) struct Turn<'a> {
    waker: &'a Waker,
    pub(super) now: Instant,
    /// The time of day.
    pub(super) wall: SystemTime,
    /// Frames and events that may still be worked off.
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

/// Frames and events that one link may work off before others have their turn: some 100 us.
const FRAMES_PER_TURN: usize = 128;
