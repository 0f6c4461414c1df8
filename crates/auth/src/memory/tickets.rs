//! Stores tickets in memory.

use std::{
    collections::{HashMap, hash_map::Entry},
    future::ready,
    time::SystemTime,
};

use doorward_core::{BoxFuture, StoreError, TicketKey, TicketRecord, TicketStore};

use super::MemoryStore;

/// Tickets that were not used yet.
pub(super) struct Tickets {
    capacity: usize,
    by_key: HashMap<TicketKey, TicketRecord>,
}

impl Tickets {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, by_key: HashMap::new() }
    }

    fn put(&mut self, key: TicketKey, ticket: &TicketRecord) -> Result<(), StoreError> {
        let is_full = self.by_key.len() >= self.capacity;
        match self.by_key.entry(key) {
            Entry::Occupied(_) => Err(StoreError::Exists),
            // Expired tickets count until the next sweep.
            Entry::Vacant(_) if is_full => Err(StoreError::Full),
            Entry::Vacant(free) => {
                free.insert(ticket.clone());
                Ok(())
            }
        }
    }

    pub(super) fn sweep(&mut self, now: SystemTime) {
        self.by_key.retain(|_, ticket| ticket.expires_at > now);
    }
}

impl TicketStore for MemoryStore {
    fn put_ticket<'a>(
        &'a self,
        key: &'a TicketKey,
        ticket: &'a TicketRecord,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(ready(self.lock().tickets.put(*key, ticket)))
    }

    fn take_ticket<'a>(
        &'a self,
        key: &'a TicketKey,
    ) -> BoxFuture<'a, Result<Option<TicketRecord>, StoreError>> {
        Box::pin(ready(Ok(self.lock().tickets.by_key.remove(key))))
    }
}
