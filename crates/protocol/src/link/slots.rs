//! Namespaces of a link, and the state of the client in each.

/// Id of a slot, which holds one namespace of a link. The id is reused after the client has left
/// the namespace. The methods of [`Link`](crate::Link) may panic if no namespace has the id.
///
/// # Examples
/// ```
/// fn index(slot: doorward_protocol::SlotId) -> usize { slot.index() }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotId(usize);

impl SlotId {
    /// Returns the number of the slot. Numbers start at zero and are below
    /// [`LinkConfig::max_namespaces`](crate::LinkConfig::max_namespaces).
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

/// Authentication state of a client that is admitted to a namespace.
///
/// # Examples
/// ```
/// assert_ne!(doorward_protocol::Trust::Anonymous, doorward_protocol::Trust::Known);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The client was admitted without authentication. The limits for unauthenticated clients
    /// apply.
    Anonymous,
    /// The client is authenticated.
    Known,
}

#[derive(Debug)]
pub(super) enum State {
    /// A CONNECT has arrived and its admission has not started.
    Waiting { auth: Option<Box<str>> },
    /// An admission is running.
    Deciding,
    /// The client is admitted. If it is anonymous, it may send `events_left` more events.
    Admitted { trust: Trust, events_left: u32 },
}

#[derive(Debug)]
struct Slot {
    name: Box<str>,
    state: State,
}

/// All slots of a link. There are at most twenty by default, so a linear search is faster than an
/// index.
#[derive(Debug, Default)]
pub(super) struct Slots(Vec<Option<Slot>>);

impl Slots {
    pub(super) fn find(&self, name: &str) -> Option<SlotId> {
        self.position(|slot| &*slot.name == name)
    }

    pub(super) fn insert(&mut self, name: &str, auth: Option<&str>) {
        let slot = Slot { name: name.into(), state: State::Waiting { auth: auth.map(Box::from) } };
        // Reusing the first free slot keeps every index below the limit for namespaces, so that
        // drivers can use the index in tables of their own.
        match self.0.iter_mut().find(|place| place.is_none()) {
            Some(free) => *free = Some(slot),
            None => self.0.push(Some(slot)),
        }
    }

    pub(super) fn remove(&mut self, slot: SlotId) {
        self.0[slot.0] = None;
    }

    pub(super) fn len(&self) -> usize {
        self.iter().count()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn name(&self, slot: SlotId) -> &str {
        &self.get(slot).name
    }

    pub(super) fn state(&self, slot: SlotId) -> &State {
        &self.get(slot).state
    }

    pub(super) fn first_waiting(&self) -> Option<SlotId> {
        self.position(|slot| matches!(slot.state, State::Waiting { .. }))
    }

    pub(super) fn deciding(&self) -> usize {
        self.iter().filter(|slot| matches!(slot.state, State::Deciding)).count()
    }

    pub(super) fn any_admitted(&self) -> bool {
        self.iter().any(|slot| matches!(slot.state, State::Admitted { .. }))
    }

    pub(super) fn any_known(&self) -> bool {
        self.iter().any(|slot| matches!(slot.state, State::Admitted { trust: Trust::Known, .. }))
    }

    /// Starts the admission of a waiting slot and returns its `auth` payload.
    pub(super) fn decide(&mut self, slot: SlotId) -> Option<Box<str>> {
        match std::mem::replace(&mut self.get_mut(slot).state, State::Deciding) {
            State::Waiting { auth } => auth,
            State::Deciding | State::Admitted { .. } => None,
        }
    }

    pub(super) fn admit(&mut self, slot: SlotId, trust: Trust, events_left: u32) {
        self.get_mut(slot).state = State::Admitted { trust, events_left };
    }

    pub(super) fn set_events_left(&mut self, slot: SlotId, left: u32) {
        if let State::Admitted { events_left, .. } = &mut self.get_mut(slot).state {
            *events_left = left;
        }
    }

    fn position(&self, is_it: impl Fn(&Slot) -> bool) -> Option<SlotId> {
        self.0.iter().position(|slot| slot.as_ref().is_some_and(&is_it)).map(SlotId)
    }

    fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.0.iter().flatten()
    }

    fn get(&self, slot: SlotId) -> &Slot {
        self.0[slot.0].as_ref().expect("a slot id is used only while its namespace is on the link")
    }

    fn get_mut(&mut self, slot: SlotId) -> &mut Slot {
        self.0[slot.0].as_mut().expect("a slot id is used only while its namespace is on the link")
    }
}
