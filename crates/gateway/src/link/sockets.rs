//! Table of the sockets of a link, including those that are being admitted.

use doorward_core::SocketId;
use doorward_protocol::SlotId;

use crate::{
    link::{live::Live, pending::Pending},
    transport::outbox::Owner,
};

/// The sockets of a link, indexed by the [`SlotId`] that the protocol assigns to each namespace.
pub(super) struct Sockets {
    slots: Vec<Option<Occupant>>,
    /// Owner that the packets of the next socket will have.
    next: Owner,
}

/// A socket in the table, either during its admission or admitted.
pub(super) enum Occupant {
    Pending(Box<Pending>),
    Live(Box<Live>),
}

impl Sockets {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), next: Owner::FIRST }
    }

    /// Returns the owner for the packets of a new socket.
    pub(super) fn next_owner(&mut self) -> Owner {
        let owner = self.next;
        self.next = owner.next();
        owner
    }

    /// Returns the length of the table. An index below this length may hold a socket or be empty.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.iter().all(Option::is_none)
    }

    pub(super) fn put(&mut self, slot: SlotId, occupant: Occupant) {
        let index = slot.index();
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, || None);
        }
        self.slots[index] = Some(occupant);
    }

    pub(super) fn take(&mut self, slot: SlotId) -> Option<Occupant> {
        self.slots.get_mut(slot.index())?.take()
    }

    /// Takes all sockets, because the link ends.
    pub(super) fn take_all(&mut self) -> Vec<Occupant> {
        std::mem::take(&mut self.slots).into_iter().flatten().collect()
    }

    pub(super) fn find(&mut self, socket: SocketId) -> Option<&mut Occupant> {
        self.slots.iter_mut().flatten().find(|occupant| occupant.id() == socket)
    }

    pub(super) fn pending_at(&mut self, index: usize) -> Option<&mut Pending> {
        match self.slots.get_mut(index) {
            Some(Some(Occupant::Pending(pending))) => Some(pending),
            _ => None,
        }
    }

    pub(super) fn live_at(&self, index: usize) -> Option<&Live> {
        match self.slots.get(index) {
            Some(Some(Occupant::Live(live))) => Some(live),
            _ => None,
        }
    }

    pub(super) fn live(&mut self, slot: SlotId) -> Option<&mut Live> {
        match self.slots.get_mut(slot.index()) {
            Some(Some(Occupant::Live(live))) => Some(live),
            _ => None,
        }
    }

    pub(super) fn is_live(&self, slot: SlotId) -> bool {
        self.live_at(slot.index()).is_some()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Occupant> {
        self.slots.iter().flatten()
    }

    pub(super) fn all_live(&self) -> impl Iterator<Item = &Live> {
        self.all().filter_map(|occupant| match occupant {
            Occupant::Pending(_) => None,
            Occupant::Live(live) => Some(&**live),
        })
    }
}

impl Occupant {
    fn id(&self) -> SocketId {
        match self {
            Self::Pending(pending) => pending.socket,
            Self::Live(live) => live.id,
        }
    }
}
