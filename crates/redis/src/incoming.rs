//! Queue of what a connection has received, and that was not taken yet.
//!
//! The server closes the connection of a subscriber that does not read, so the task that reads only appends to this
//! queue. Start reading at [`Incoming::push`].

use std::{collections::VecDeque, sync::Mutex};

use doorward_core::{StoreError, lock};
use tokio::sync::Notify;

use crate::link::unreadable;

/// Messages that were received and not taken yet.
pub(crate) struct Incoming<T> {
    queue: Mutex<Queue<T>>,
    /// Notified when the queue has changed.
    changed: Notify,
}

struct Queue<T> {
    /// Messages and their sizes.
    messages: VecDeque<(T, usize)>,
    bytes: usize,
    dropped: u64,
    /// `true` if the connection has ended.
    is_closed: bool,
}

/// Messages that were taken.
pub(crate) struct Taken<T> {
    pub(crate) messages: Vec<T>,
    /// Number of messages that were dropped since the last call, because the queue was full.
    pub(crate) dropped: u64,
}

impl<T> Incoming<T> {
    pub(crate) fn new() -> Self {
        let queue = Queue { messages: VecDeque::new(), bytes: 0, dropped: 0, is_closed: false };
        Self { queue: Mutex::new(queue), changed: Notify::new() }
    }

    /// Keeps a message. Drops it if the queue is full.
    pub(crate) fn push(&self, message: T, size: usize) {
        let mut queue = lock(&self.queue);
        if queue.bytes + size > MAX_BYTES || queue.messages.len() >= MAX_MESSAGES {
            queue.dropped += 1;
            return;
        }
        queue.bytes += size;
        queue.messages.push_back((message, size));
        drop(queue);
        self.changed.notify_one();
    }

    /// Takes at most this number of messages, if there are any. Fails if the connection has ended, and all messages
    /// were taken.
    pub(crate) fn take(&self, most: usize) -> Result<Option<Taken<T>>, StoreError> {
        let mut queue = lock(&self.queue);
        if queue.messages.is_empty() && queue.dropped == 0 {
            return if queue.is_closed {
                Err(unreadable("the connection has ended"))
            } else {
                Ok(None)
            };
        }
        let count = queue.messages.len().min(most);
        let (messages, sizes): (Vec<_>, Vec<_>) = queue.messages.drain(..count).unzip();
        queue.bytes -= sizes.iter().sum::<usize>();
        Ok(Some(Taken { messages, dropped: std::mem::take(&mut queue.dropped) }))
    }

    /// Waits until the queue may have changed.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Wakes the task that waits.
    pub(crate) fn wake(&self) {
        self.changed.notify_one();
    }

    /// Records that the connection has ended.
    pub(crate) fn close(&self) {
        lock(&self.queue).is_closed = true;
        self.changed.notify_one();
    }
}

/// Maximum number of messages that wait.
const MAX_MESSAGES: usize = 65_536;

/// Maximum size of the messages that wait, in bytes.
const MAX_BYTES: usize = 32 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_taken_in_order_and_those_above_the_limits_are_counted() {
        let incoming = Incoming::new();
        for number in 0..MAX_MESSAGES + 2 {
            incoming.push(number, 0);
        }
        incoming.close();

        let taken = incoming.take(3).unwrap().unwrap();

        assert_eq!((taken.messages, taken.dropped), (vec![0, 1, 2], 2));
        incoming.push(7, MAX_BYTES);
        incoming.push(8, 1);
        let rest = incoming.take(usize::MAX).unwrap().unwrap();
        assert_eq!(
            (rest.messages.len(), rest.messages.last(), rest.dropped),
            (MAX_MESSAGES - 2, Some(&7), 1)
        );
        assert!(incoming.take(1).is_err(), "the connection has ended, and nothing is left");
    }
}
