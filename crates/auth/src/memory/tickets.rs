//! Keeps tickets in memory.

use std::{
    collections::{HashMap, hash_map::Entry},
    time::SystemTime,
};

use doorward_core::{StoreError, TicketKey, TicketRecord};

/// Tickets that have not been used.
pub(super) struct Tickets {
    capacity: usize,
    by_key: HashMap<TicketKey, TicketRecord>,
}

impl Tickets {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, by_key: HashMap::new() }
    }

    pub(super) fn put(&mut self, key: TicketKey, ticket: &TicketRecord) -> Result<(), StoreError> {
        let is_full = self.by_key.len() >= self.capacity;
        match self.by_key.entry(key) {
            Entry::Occupied(_) => Err(StoreError::Exists),
            // Expired tickets count towards the limit until the next sweep.
            Entry::Vacant(_) if is_full => Err(StoreError::Full),
            Entry::Vacant(free) => {
                free.insert(ticket.clone());
                Ok(())
            }
        }
    }

    pub(super) fn take(&mut self, key: &TicketKey) -> Option<TicketRecord> {
        self.by_key.remove(key)
    }

    pub(super) fn sweep(&mut self, now: SystemTime) {
        self.by_key.retain(|_, ticket| ticket.expires_at > now);
    }
}
