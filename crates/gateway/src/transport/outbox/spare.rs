//! Lends the memory of outboxes: a thread keeps the buffers of one link for the next one.

use std::{cell::Cell, collections::VecDeque};

use super::{Mark, Outbox};

impl Outbox {
    /// Gives the memory back to the thread, for its next link that sends. Call this method after
    /// all packets were sent.
    pub(crate) fn give_back(&mut self) {
        (self.gone, self.sent) = (0, 0);
        self.queue.shrink_to(0);
        let mut tail = std::mem::take(&mut self.tail);
        if (1..=SPARE_LIMIT).contains(&tail.capacity()) {
            tail.clear();
            SPARE.set(tail);
        }
        let mut marks = std::mem::take(&mut self.marks);
        if (1..=SPARE_MARKS_LIMIT).contains(&marks.capacity()) {
            marks.clear();
            SPARE_MARKS.set(marks);
        }
    }

    /// Takes spare memory of the thread, if the outbox has none.
    pub(super) fn borrow_tail(&mut self) {
        if self.tail.capacity() == 0 {
            self.tail = SPARE.take();
        }
        self.borrow_marks();
    }

    /// Takes the spare queue of marks of the thread, if the outbox has none.
    pub(super) fn borrow_marks(&mut self) {
        if self.marks.capacity() == 0 {
            self.marks = SPARE_MARKS.take();
        }
    }
}

thread_local! {
    /// Spare buffer of this thread, for the next link that sends.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// Spare queue of marks of this thread, for the next link that sends.
    static SPARE_MARKS: Cell<VecDeque<Mark>> = const { Cell::new(VecDeque::new()) };
}

/// Maximum capacity, in bytes, of a buffer that is kept for reuse. A larger one is freed.
const SPARE_LIMIT: usize = 64 * 1024;

/// Maximum capacity, in marks, of a queue of marks that is kept for reuse. A larger one is freed.
const SPARE_MARKS_LIMIT: usize = 4 * 1024;
