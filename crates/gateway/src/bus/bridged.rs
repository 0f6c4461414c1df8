//! Sends events and answers to servers that are no nodes. Sending never waits.

use std::sync::Arc;

use doorward_core::bridge::{Answer, Bridge, Broadcast, Request, Unread};
use metrics::counter;

use super::{dropped::BRIDGE_DROPPED, publish_queue::PublishQueue};

/// Connection of this node to servers that are no nodes, as the rest of the server uses it.
pub(crate) struct Bridged {
    pub(crate) bridge: Arc<dyn Bridge>,
    pub(crate) queue: PublishQueue,
}

/// Reason why a message from or to the bridge is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unbridged {
    /// The message cannot be read or written.
    Malformed,
    /// The message is for another namespace than that of its channel, or for one that does not exist.
    Namespace,
    /// The message demands what other servers may not do.
    Refused,
    /// The name of the event is reserved.
    Reserved,
    /// The bridge was not read fast enough.
    Slow,
    /// The message is too large.
    TooLarge,
}

impl Unbridged {
    /// Counts dropped messages.
    pub(crate) fn count(self, number: u64) {
        let reason = match self {
            Self::Malformed => "malformed",
            Self::Namespace => "namespace",
            Self::Refused => "refused",
            Self::Reserved => "reserved",
            Self::Slow => "slow",
            Self::TooLarge => "too_large",
        };
        counter!(BRIDGE_DROPPED, "reason" => reason).increment(number);
    }
}

impl From<Unread> for Unbridged {
    fn from(reason: Unread) -> Self {
        match reason {
            Unread::Malformed => Self::Malformed,
            Unread::Namespace => Self::Namespace,
            Unread::Refused => Self::Refused,
            Unread::TooLarge => Self::TooLarge,
        }
    }
}

impl Bridged {
    pub(crate) fn new(bridge: Arc<dyn Bridge>) -> Self {
        Self { bridge, queue: PublishQueue::of_bridge() }
    }

    /// Returns `false` while the bridge is not connected, and counts an event that is not written
    /// therefore.
    pub(crate) fn accepts(&self) -> bool {
        let is_up = self.queue.is_up();
        if !is_up {
            self.queue.count_away(1);
        }
        is_up
    }

    /// Sends an event. An event that cannot be sent is counted.
    pub(crate) fn send(&self, broadcast: &Broadcast) {
        match self.bridge.broadcast(broadcast) {
            Some(message) => drop(self.queue.push([message])),
            None => Unbridged::Malformed.count(1),
        }
    }

    /// Sends an answer. An answer that cannot be sent is counted.
    pub(crate) fn answer(&self, request: &Request, answer: &Answer) {
        self.queue.push([self.bridge.answer(request, answer)]);
    }
}
