//! Messages that wait to be published. Sending never waits.

use std::{collections::VecDeque, sync::Mutex};

use doorward_core::{bus::Message, lock};
use metrics::{Gauge, gauge};
use tokio::sync::Notify;

use super::dropped::Dropped;

/// Queue of messages.
pub(crate) struct PublishQueue {
    state: Mutex<State>,
    /// Notified when messages were added.
    added: Notify,
    /// Notified when all messages are published, and when the bus is away.
    published: Notify,
    waiting: Gauge,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Message>,
    bytes: usize,
    /// `true` while the bus is connected.
    is_up: bool,
    /// `true` while messages that were taken are being published.
    is_publishing: bool,
}

impl PublishQueue {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::default(),
            added: Notify::new(),
            published: Notify::new(),
            waiting: gauge!(WAITING),
        }
    }

    /// Adds messages. Returns `false` if they were dropped, because the bus is not connected or the
    /// queue is full.
    pub(crate) fn push(&self, messages: impl IntoIterator<Item = Message>) -> bool {
        let messages: Vec<_> = messages.into_iter().collect();
        let size: usize = messages.iter().map(|message| message.bytes.len()).sum();
        let mut state = lock(&self.state);
        let dropped = if !state.is_up {
            Some(Dropped::Away)
        } else if state.bytes + size > MAX_BYTES
            || state.queue.len() + messages.len() > MAX_MESSAGES
        {
            Some(Dropped::Full)
        } else {
            None
        };
        if let Some(dropped) = dropped {
            drop(state);
            dropped.count(messages.len() as u64);
            return false;
        }
        state.bytes += size;
        state.queue.extend(messages);
        self.waiting.set(state.bytes as f64);
        drop(state);
        self.added.notify_one();
        true
    }

    /// Adds a message before all others. It is small, and accepted also if the queue is full.
    pub(crate) fn push_first(&self, message: Message) {
        let mut state = lock(&self.state);
        if state.is_up {
            state.bytes += message.bytes.len();
            state.queue.push_front(message);
            drop(state);
            self.added.notify_one();
        }
    }

    /// Waits until all messages are published, or the bus is away.
    pub(crate) async fn emptied(&self) {
        loop {
            let published = self.published.notified();
            let is_done =
                |state: &State| !state.is_up || (state.queue.is_empty() && !state.is_publishing);
            if is_done(&lock(&self.state)) {
                return;
            }
            published.await;
        }
    }

    /// Waits for messages, and takes the first of them.
    pub(crate) async fn next(&self) -> Vec<Message> {
        loop {
            let messages = self.take();
            if !messages.is_empty() {
                return messages;
            }
            self.published.notify_waiters();
            self.added.notified().await;
        }
    }

    fn take(&self) -> Vec<Message> {
        let mut state = lock(&self.state);
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while taken.len() < AT_ONCE && bytes < BYTES_AT_ONCE {
            let Some(message) = state.queue.pop_front() else { break };
            bytes += message.bytes.len();
            taken.push(message);
        }
        state.bytes -= bytes;
        state.is_publishing = !taken.is_empty();
        self.waiting.set(state.bytes as f64);
        taken
    }

    pub(crate) fn is_up(&self) -> bool {
        lock(&self.state).is_up
    }

    /// Accepts messages, because the bus is connected.
    pub(crate) fn set_up(&self) {
        lock(&self.state).is_up = true;
    }

    /// Drops all messages, and accepts no more until the bus is connected. They would arrive late.
    pub(crate) fn lose(&self) {
        let mut state = lock(&self.state);
        let lost = std::mem::take(&mut *state).queue.len();
        self.waiting.set(0.0);
        drop(state);
        self.published.notify_waiters();
        Dropped::Away.count(lost as u64);
    }
}

/// Maximum number of messages that wait.
const MAX_MESSAGES: usize = 65_536;

/// Maximum size of the messages that wait, in bytes.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Maximum number of messages that are published at once.
const AT_ONCE: usize = 256;

/// Size of the messages that are published at once, in bytes. The last one may exceed it.
const BYTES_AT_ONCE: usize = 1024 * 1024;

const WAITING: &str = "doorward_bus_waiting_bytes";

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use doorward_core::bus::Channel;

    use super::*;

    fn message(size: usize) -> Message {
        Message { channel: Channel::new("all"), bytes: Bytes::from(vec![0; size]) }
    }

    #[tokio::test]
    async fn messages_are_dropped_while_the_bus_is_away_or_the_queue_is_full() {
        let queue = PublishQueue::new();
        assert!(!queue.push([message(1)]));
        queue.set_up();
        assert!(queue.push([message(1)]));
        assert!(!queue.push([message(MAX_BYTES)]), "it is full");
        assert!(queue.push((0..MAX_MESSAGES - 1).map(|_| message(0))));
        assert!(!queue.push([message(0)]), "it is full");

        assert_eq!(queue.next().await.len(), AT_ONCE);
        assert!(queue.push([message(MAX_BYTES)]));

        // A beat passes a full queue.
        let beat = Message { channel: Channel::new("beat"), bytes: Bytes::new() };
        queue.push_first(beat.clone());
        assert_eq!(queue.next().await[0], beat);

        queue.lose();
        queue.push_first(beat);
        assert!(!queue.push([message(0)]));
        queue.set_up();
        assert!(queue.push([message(MAX_BYTES)]), "it is empty");
        assert_eq!(queue.next().await.len(), 1);
    }
}
