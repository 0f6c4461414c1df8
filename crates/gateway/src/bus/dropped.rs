//! Messages of the bus that are dropped.

use metrics::counter;

/// Reason why a message is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// The bus is not connected.
    Away,
    /// This node does not answer further questions at the moment.
    Busy,
    /// The queue is full.
    Full,
    /// The event is larger than this node sends to its clients.
    Large,
    /// The bus was not read fast enough.
    Slow,
    /// The message cannot be read.
    Unreadable,
    /// A node of another version has sent the message.
    Version,
}

impl Dropped {
    /// Counts dropped messages of the bus.
    pub(crate) fn count(self, number: u64) {
        self.count_in(DROPPED, number);
    }

    /// Counts dropped messages in a metric.
    pub(super) fn count_in(self, metric: &'static str, number: u64) {
        let reason = match self {
            Self::Away => "away",
            Self::Busy => "busy",
            Self::Full => "full",
            Self::Large => "large",
            Self::Slow => "slow",
            Self::Unreadable => "unreadable",
            Self::Version => "version",
        };
        counter!(metric, "reason" => reason).increment(number);
    }
}

pub(super) const DROPPED: &str = "doorward_bus_dropped_total";
pub(super) const BRIDGE_DROPPED: &str = "doorward_bridge_dropped_total";
