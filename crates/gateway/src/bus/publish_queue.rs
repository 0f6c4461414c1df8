//! Messages that wait to be published. Sending never waits.

use std::{collections::VecDeque, sync::Mutex};

use doorward_core::{bus::Message, lock};
use metrics::{Gauge, gauge};
use tokio::sync::Notify;

use super::dropped::{BRIDGE_DROPPED, DROPPED, Dropped};

/// Queue of messages.
pub(crate) struct PublishQueue {
    state: Mutex<State>,
    /// Notified when messages were added.
    added: Notify,
    /// Notified when all messages are published, and when the bus is away.
    all_published: Notify,
    waiting: Gauge,
    /// Metric of dropped messages.
    dropped: &'static str,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Message>,
    bytes: usize,
    /// Number of messages that were taken and are not published yet.
    taken: usize,
    /// `true` while the bus is connected.
    is_up: bool,
}

impl PublishQueue {
    pub(crate) fn new() -> Self {
        Self::counted(gauge!(WAITING), DROPPED)
    }

    /// Creates a queue for the bridge to servers that are no nodes.
    pub(crate) fn of_bridge() -> Self {
        Self::counted(gauge!(BRIDGE_WAITING), BRIDGE_DROPPED)
    }

    fn counted(waiting: Gauge, dropped: &'static str) -> Self {
        Self {
            state: Mutex::default(),
            added: Notify::new(),
            all_published: Notify::new(),
            waiting,
            dropped,
        }
    }

    /// Adds messages. Returns `false` if they were dropped, because the bus is not connected or the
    /// queue is full.
    pub(crate) fn push(&self, messages: impl IntoIterator<Item = Message>) -> bool {
        self.push_below(MAX_MESSAGES, messages)
    }

    /// Adds messages that matter less than others, if not many wait.
    pub(crate) fn push_if_quiet(&self, messages: impl IntoIterator<Item = Message>) -> bool {
        self.push_below(QUIET, messages)
    }

    fn push_below(&self, max: usize, messages: impl IntoIterator<Item = Message>) -> bool {
        let messages: Vec<_> = messages.into_iter().collect();
        let size: usize = messages.iter().map(|message| message.bytes.len()).sum();
        let mut state = lock(&self.state);
        let dropped = if !state.is_up {
            Some(Dropped::Away)
        } else if state.bytes + size > MAX_BYTES || state.queue.len() + messages.len() > max {
            Some(Dropped::Full)
        } else {
            None
        };
        if let Some(dropped) = dropped {
            drop(state);
            dropped.count_in(self.dropped, messages.len() as u64);
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
            let published = self.all_published.notified();
            let is_done =
                |state: &State| !state.is_up || (state.queue.is_empty() && state.taken == 0);
            if is_done(&lock(&self.state)) {
                return;
            }
            published.await;
        }
    }

    /// Waits for messages, and takes the first of them. The caller publishes them, and then calls
    /// [`published`](Self::published).
    pub(crate) async fn next(&self) -> Vec<Message> {
        loop {
            let messages = self.take();
            if !messages.is_empty() {
                return messages;
            }
            self.all_published.notify_waiters();
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
        state.taken = taken.len();
        self.waiting.set(state.bytes as f64);
        taken
    }

    /// Records that the messages that were taken are published.
    pub(crate) fn published(&self) {
        lock(&self.state).taken = 0;
    }

    /// Accepts messages, because the bus is connected.
    pub(crate) fn set_up(&self) {
        lock(&self.state).is_up = true;
    }

    /// Drops all messages, and accepts no more until the bus is connected. They would arrive late.
    /// Messages that were taken and not published are dropped as well. Returns the number of all of
    /// them.
    pub(crate) fn lose(&self) -> usize {
        let mut state = lock(&self.state);
        let State { queue, taken, .. } = std::mem::take(&mut *state);
        self.waiting.set(0.0);
        drop(state);
        self.all_published.notify_waiters();
        let lost = queue.len() + taken;
        self.count_away(lost);
        lost
    }

    /// Counts messages that are dropped because the connection is away.
    pub(crate) fn count_away(&self, number: usize) {
        Dropped::Away.count_in(self.dropped, number as u64);
    }

    /// Returns `true` while messages are accepted.
    pub(crate) fn is_up(&self) -> bool {
        lock(&self.state).is_up
    }
}

/// Maximum number of messages that wait.
const MAX_MESSAGES: usize = 65_536;

/// Maximum number of messages that wait when one that matters less is added.
const QUIET: usize = MAX_MESSAGES / 4;

/// Maximum size of the messages that wait, in bytes.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Maximum number of messages that are published at once.
const AT_ONCE: usize = 256;

/// Size of the messages that are published at once, in bytes. The last one may exceed it.
const BYTES_AT_ONCE: usize = 1024 * 1024;

const WAITING: &str = "doorward_bus_waiting_bytes";
const BRIDGE_WAITING: &str = "doorward_bridge_waiting_bytes";

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

        queue.published();
        // A beat passes a full queue.
        let beat = Message { channel: Channel::new("beat"), bytes: Bytes::new() };
        queue.push_first(beat.clone());
        let taken = queue.next().await;
        assert_eq!((&taken[0], taken.len()), (&beat, AT_ONCE));
        let waiting = MAX_MESSAGES + 2 - 2 * AT_ONCE;
        assert_eq!(queue.lose(), AT_ONCE + waiting, "some were being published");
        assert_eq!(queue.lose(), 0);
        queue.push_first(beat);
        assert!(!queue.push([message(0)]));
        queue.set_up();
        assert!(queue.push([message(MAX_BYTES)]), "it is empty");
        assert_eq!(queue.next().await.len(), 1);
    }
}
