//! Keeps tickets in memory.

use std::{
    collections::{HashMap, hash_map::Entry},
    time::SystemTime,
};

use doorward_core::{StoreError, TicketKey, TicketRecord};

/// Tickets that have not been used.
#[derive(Default)]
pub(super) struct Tickets(HashMap<TicketKey, TicketRecord>);

impl Tickets {
    pub(super) fn put(&mut self, key: TicketKey, ticket: &TicketRecord) -> Result<(), StoreError> {
        let is_full = self.0.len() >= MAX;
        match self.0.entry(key) {
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
        self.0.remove(key)
    }

    pub(super) fn sweep(&mut self, now: SystemTime) {
        self.0.retain(|_, ticket| ticket.expires_at > now);
    }
}

/// Maximum number of tickets. A ticket expires after 30 seconds, so users never need that many.
const MAX: usize = 100_000;
