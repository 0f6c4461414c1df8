//! Channels that this node must hear, because it has sockets to which they lead.
//!
//! A [`Subscribed`] channel is subscribed before the caller goes on, and for a while after the last
//! holder has gone. Start reading at [`Channels::subscribe`].

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use doorward_core::{Clock, UserId, bus::Channel, lock};
use metrics::{Gauge, gauge};
use tokio::sync::{Notify, oneshot};

use super::{message::NodeRun, target::Target};

/// Channels that this node must hear.
pub(crate) struct Channels {
    clock: Arc<dyn Clock>,
    /// The lock is subscribed for one change, or for copying a list.
    state: Mutex<State>,
    /// Notified when a channel was added that is not subscribed.
    added: Notify,
    gauge: Gauge,
}

#[derive(Default)]
struct State {
    /// `true` while the bus is connected and all channels of its start are subscribed.
    is_up: bool,
    wanted: HashMap<Channel, Entry>,
    /// Channels that are not subscribed yet.
    added: Vec<Channel>,
    /// Channels without holders, with the time since. A channel may have been taken again.
    idle: VecDeque<(Instant, Channel)>,
}

#[derive(Default)]
struct Entry {
    holders: usize,
    idle_since: Option<Instant>,
    is_subscribed: bool,
    waiting: Vec<oneshot::Sender<()>>,
}

/// Channel that is heard while this value exists, and for a while longer.
pub(crate) struct Subscribed {
    channels: Arc<Channels>,
    channel: Channel,
}

impl Channels {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default(), added: Notify::new(), gauge: gauge!(CHANNELS) }
    }

    /// Takes a channel. The receiver completes when the channel is subscribed. It is `None` if the
    /// channel is subscribed already, or if the bus is not connected.
    pub(crate) fn subscribe(
        self: &Arc<Self>,
        channel: Channel,
    ) -> (Subscribed, Option<oneshot::Receiver<()>>) {
        let mut state = lock(&self.state);
        let is_up = state.is_up;
        let known = state.wanted.len();
        let entry = state.wanted.entry(channel.clone()).or_default();
        (entry.holders, entry.idle_since) = (entry.holders + 1, None);
        let subscribed = (is_up && !entry.is_subscribed).then(|| {
            let (sender, receiver) = oneshot::channel();
            entry.waiting.push(sender);
            receiver
        });
        if state.wanted.len() > known {
            state.added.push(channel.clone());
            self.gauge.set(state.wanted.len() as f64);
            self.added.notify_one();
        }
        drop(state);
        (Subscribed { channels: Arc::clone(self), channel }, subscribed)
    }

    /// Completes when channels may have been added.
    pub(crate) async fn added(&self) {
        self.added.notified().await;
    }

    /// Returns all channels, for a new connection. None of them is subscribed any more.
    pub(crate) fn reconnect(&self) -> Vec<Channel> {
        let mut state = lock(&self.state);
        state.lose();
        state.added.clear();
        state.wanted.keys().cloned().collect()
    }

    /// Returns the channels that were added and are not subscribed yet.
    pub(crate) fn take_added(&self) -> Vec<Channel> {
        let mut state = lock(&self.state);
        let mut added = std::mem::take(&mut state.added);
        // Some may be gone already.
        added.retain(|channel| state.wanted.contains_key(channel));
        added
    }

    /// Records that channels are subscribed.
    pub(crate) fn subscribed(&self, channels: &[Channel]) {
        let mut state = lock(&self.state);
        let mut told = Vec::new();
        for channel in channels {
            if let Some(entry) = state.wanted.get_mut(channel) {
                entry.is_subscribed = true;
                told.append(&mut entry.waiting);
            }
        }
        drop(state);
        for waiting in told {
            // Fails if the caller waits no longer.
            waiting.send(()).ok();
        }
    }

    /// Records that the bus is connected, so that holders wait for their channels.
    pub(crate) fn set_up(&self) {
        lock(&self.state).is_up = true;
    }

    /// Records that the connection has ended. Holders wait no longer.
    pub(crate) fn lose(&self) {
        lock(&self.state).lose();
    }

    /// Removes the channels that have had no holder for [`KEPT`], or that are too many, and returns
    /// them.
    pub(crate) fn take_idle(&self) -> Vec<Channel> {
        let now = self.clock.now();
        let mut state = lock(&self.state);
        let mut gone = Vec::new();
        while let Some((since, _)) = state.idle.front() {
            if now.saturating_duration_since(*since) < KEPT && state.idle.len() <= MAX_IDLE {
                break;
            }
            let Some((since, channel)) = state.idle.pop_front() else { break };
            if state.wanted.get(&channel).is_some_and(|entry| entry.idle_since == Some(since)) {
                state.wanted.remove(&channel);
                gone.push(channel);
            }
        }
        self.gauge.set(state.wanted.len() as f64);
        gone
    }
}

impl State {
    fn lose(&mut self) {
        self.is_up = false;
        for entry in self.wanted.values_mut() {
            entry.is_subscribed = false;
            // The receivers fail.
            entry.waiting.clear();
        }
    }
}

impl Drop for Subscribed {
    fn drop(&mut self) {
        let mut state = lock(&self.channels.state);
        let Some(entry) = state.wanted.get_mut(&self.channel) else { return };
        entry.holders -= 1;
        if entry.holders == 0 {
            let now = self.channels.clock.now();
            entry.idle_since = Some(now);
            state.idle.push_back((now, self.channel.clone()));
        }
    }
}

impl fmt::Debug for Subscribed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subscribed").field(&self.channel).finish()
    }
}

/// Returns the channel that all nodes hear.
pub(crate) fn of_all() -> Channel {
    Channel::new("all")
}

/// Returns the channel for messages to one node.
pub(crate) fn of_node(node: &NodeRun) -> Channel {
    Channel::new(format!("node:{}", node.run))
}

/// Returns the channel for all sockets of a namespace.
pub(crate) fn of_namespace(namespace: &str) -> Channel {
    Channel::new(format!("namespace:{namespace}"))
}

/// Returns the channel for the sockets of one target. A socket has none, because only its own node
/// knows it: events for it take the channel of the namespace.
pub(crate) fn of_target(namespace: &str, target: &Target) -> Channel {
    // The length separates the names, which may contain any character.
    let length = namespace.len();
    match target {
        Target::Room(room) => Channel::new(format!("room:{length}:{namespace}{room}")),
        Target::User(user) => Channel::new(format!("user:{length}:{namespace}{}", user.as_str())),
        Target::Socket(_) => of_namespace(namespace),
    }
}

/// Returns the channel for changes of the connections of a user, or of all users.
pub(crate) fn of_watched(user: Option<&UserId>) -> Channel {
    match user {
        Some(user) => Channel::new(format!("watched:{}", user.as_str())),
        None => Channel::new("watched"),
    }
}

/// Time for which a channel without holders stays subscribed, because its sockets often come back.
pub(crate) const KEPT: Duration = Duration::from_secs(30);

/// Maximum number of channels without holders. The oldest are ended first.
const MAX_IDLE: usize = 10_000;

const CHANNELS: &str = "doorward_bus_channels";

#[cfg(test)]
mod tests {
    use doorward_core::ManualClock;

    use super::*;

    fn channels() -> (ManualClock, Arc<Channels>) {
        let clock = ManualClock::new();
        let channels = Arc::new(Channels::new(Arc::new(clock.clone())));
        channels.set_up();
        (clock, channels)
    }

    #[test]
    fn a_holder_waits_until_its_channel_is_subscribed() {
        let (_, channels) = channels();
        let room = Channel::new("room");
        let (_first, mut waits) = channels.subscribe(room.clone());
        let (_second, mut too) = channels.subscribe(room.clone());
        assert_eq!(channels.take_added(), std::slice::from_ref(&room));
        assert!(waits.as_mut().unwrap().try_recv().is_err());

        channels.subscribed(std::slice::from_ref(&room));

        assert_eq!(waits.unwrap().try_recv(), Ok(()));
        assert_eq!(too.as_mut().unwrap().try_recv(), Ok(()));
        assert!(channels.subscribe(room.clone()).1.is_none(), "it is subscribed");
        // The connection ends: nothing is waited for until it is back.
        assert_eq!(channels.reconnect(), std::slice::from_ref(&room));
        assert!(channels.subscribe(room.clone()).1.is_none());
        channels.set_up();
        let (_third, waits) = channels.subscribe(room);
        channels.lose();
        assert!(waits.unwrap().try_recv().is_err());
    }

    #[test]
    fn a_channel_is_kept_for_a_while_after_its_last_holder() {
        let (clock, channels) = channels();
        let room = Channel::new("room");
        let (first, _) = channels.subscribe(room.clone());
        drop(first);
        clock.advance(KEPT / 2);
        let (second, _) = channels.subscribe(room.clone());
        clock.advance(KEPT);
        assert_eq!(channels.take_idle(), []);
        drop(second);
        clock.advance(KEPT - Duration::from_millis(1));
        assert_eq!(channels.take_idle(), []);

        clock.advance(Duration::from_millis(1));

        assert_eq!(channels.take_idle(), [room]);
        assert_eq!(channels.reconnect(), []);
    }

    #[test]
    fn no_more_channels_are_kept_than_the_limit() {
        let (_, channels) = channels();
        for number in 0..MAX_IDLE + 5 {
            drop(channels.subscribe(Channel::new(number.to_string())));
        }

        let gone = channels.take_idle();

        assert_eq!(gone.len(), 5);
        assert_eq!((gone[0].as_str(), channels.take_added().len()), ("0", MAX_IDLE));
    }

    /// The bus may be away for days while clients come and go.
    #[test]
    fn channels_do_not_pile_up_while_the_bus_is_away() {
        let (clock, channels) = channels();
        channels.lose();
        for number in 0..100 {
            drop(channels.subscribe(Channel::new(number.to_string())));
        }
        clock.advance(KEPT);

        assert_eq!(channels.take_idle().len(), 100);
        assert_eq!(channels.take_added(), []);
        assert_eq!(channels.reconnect(), []);
    }

    #[test]
    fn no_two_targets_have_the_same_channel() {
        let user = |name: &str| Target::User(name.into());
        let all = [
            of_target("/a", &"b".into()),
            of_target("/", &"ab".into()),
            of_target("/a", &user("b")),
            of_target("/ab", &user("")),
            of_namespace("/a"),
            of_namespace("/ab"),
            of_all(),
            of_watched(None),
            of_watched(Some(&"".into())),
            of_watched(Some(&"b".into())),
        ];
        let different: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }
}
