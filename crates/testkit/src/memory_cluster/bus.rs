//! Bus of a cluster in memory.

use std::{
    collections::HashSet,
    mem,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use doorward_core::{
    StoreError, StoreFuture,
    bus::{Bus, Channel, Message, Received},
    lock,
};
use tokio::sync::Notify;

/// Connections of all nodes.
#[derive(Default)]
pub(super) struct Buses(Mutex<Vec<Weak<MemoryBus>>>);

/// Connection of one node to the bus.
pub(super) struct MemoryBus {
    all: Arc<Buses>,
    is_cut: Arc<AtomicBool>,
    /// `true` if messages for this node are dropped.
    is_losing: AtomicBool,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    is_open: bool,
    channels: HashSet<Channel>,
    received: Received,
}

impl MemoryBus {
    pub(super) fn new(all: &Arc<Buses>, is_cut: &Arc<AtomicBool>) -> Arc<Self> {
        let bus = Arc::new(Self {
            all: Arc::clone(all),
            is_cut: Arc::clone(is_cut),
            is_losing: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Notify::new(),
        });
        lock(&all.0).push(Arc::downgrade(&bus));
        bus
    }

    pub(super) fn wake(&self) {
        self.changed.notify_one();
    }

    pub(super) fn deafen(&self) {
        lock(&self.state).channels.clear();
    }

    pub(super) fn set_losing(&self, is_losing: bool) {
        self.is_losing.store(is_losing, Ordering::SeqCst);
    }

    pub(super) fn channels(&self) -> usize {
        lock(&self.state).channels.len()
    }

    /// Changes the connection. A node that is cut off has none.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> Result<T, StoreError> {
        let mut state = lock(&self.state);
        if self.is_cut.load(Ordering::SeqCst) {
            *state = State::default();
            return Err(away());
        }
        if state.is_open { Ok(change(&mut state)) } else { Err(away()) }
    }

    fn hear(&self, message: &Message) {
        if self.is_losing.load(Ordering::SeqCst) {
            return;
        }
        let heard = self.change(|state| {
            if state.channels.contains(&message.channel) {
                state.received.messages.push(message.bytes.clone());
            }
        });
        if heard.is_ok() {
            self.changed.notify_one();
        }
    }
}

impl Bus for MemoryBus {
    fn open(&self) -> StoreFuture<'_, ()> {
        *lock(&self.state) = State { is_open: true, ..State::default() };
        self.wake();
        Box::pin(std::future::ready(self.change(|_| {})))
    }

    fn subscribe<'a>(&'a self, channels: &'a [Channel]) -> StoreFuture<'a, ()> {
        let done = self.change(|state| state.channels.extend(channels.iter().cloned()));
        Box::pin(std::future::ready(done))
    }

    fn unsubscribe<'a>(&'a self, channels: &'a [Channel]) -> StoreFuture<'a, ()> {
        let done = self.change(|state| {
            state.channels.retain(|channel| !channels.contains(channel));
        });
        Box::pin(std::future::ready(done))
    }

    fn publish<'a>(&'a self, messages: &'a [Message]) -> StoreFuture<'a, ()> {
        let done = self.change(|_| {});
        if done.is_ok() {
            let buses: Vec<_> = lock(&self.all.0).iter().filter_map(Weak::upgrade).collect();
            for message in messages {
                buses.iter().for_each(|bus| bus.hear(message));
            }
        }
        Box::pin(std::future::ready(done))
    }

    fn close(&self) {
        *lock(&self.state) = State::default();
        self.wake();
    }

    fn receive(&self) -> StoreFuture<'_, Received> {
        Box::pin(async move {
            loop {
                let received = self.change(|state| mem::take(&mut state.received))?;
                if received != Received::default() {
                    return Ok(received);
                }
                self.changed.notified().await;
            }
        })
    }
}

fn away() -> StoreError {
    StoreError::Unavailable("the node is cut off from the bus".into())
}
