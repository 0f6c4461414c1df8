//! Finds the desk of a link by the id that its client sends with each request.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
};

use doorward_core::lock;

use crate::transport::polled::desk::Desk;

/// The desks of all links whose clients poll, by the id of the transport (`sid`).
///
/// The id has 144 random bits, and is known to its client only.
pub(crate) struct Table<T> {
    desks: Mutex<HashMap<Box<str>, Found<T>>>,
    /// Ids of the last [`MAX_ENDED`] links that have ended.
    ended: Mutex<VecDeque<Box<str>>>,
}

/// Desk of a link, and what its requests must match.
pub(crate) struct Found<T> {
    pub(crate) desk: Arc<Desk>,
    pub(crate) binding: Arc<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { desks: Mutex::default(), ended: Mutex::default() }
    }
}

impl<T> Clone for Found<T> {
    fn clone(&self) -> Self {
        Self { desk: Arc::clone(&self.desk), binding: Arc::clone(&self.binding) }
    }
}

/// Entry of a link. Requests no longer find the link after the entry is dropped.
pub(crate) struct Entry(Option<Box<dyn FnOnce() + Send + Sync>>);

impl<T: Send + Sync + 'static> Table<T> {
    /// Adds a link. Returns `None` if there are `limit` links already.
    pub(crate) fn add(self: &Arc<Self>, sid: &str, found: Found<T>, limit: usize) -> Option<Entry> {
        let (table, key) = (Arc::clone(self), Box::<str>::from(sid));
        let mut desks = lock(&self.desks);
        if desks.len() >= limit {
            return None;
        }
        desks.insert(key.clone(), found);
        drop(desks);
        Some(Entry(Some(Box::new(move || {
            let removed = lock(&table.desks).remove(&key);
            drop(removed);
            let mut ended = lock(&table.ended);
            if ended.len() == MAX_ENDED {
                ended.pop_front();
            }
            ended.push_back(key);
        }))))
    }

    pub(crate) fn find(&self, sid: &str) -> Option<Found<T>> {
        lock(&self.desks).get(sid).cloned()
    }

    /// Returns `true` if a link with this id has ended lately. Its client may not know it yet.
    pub(crate) fn has_ended(&self, sid: &str) -> bool {
        lock(&self.ended).iter().any(|ended| **ended == *sid)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(remove) = self.0.take() {
            remove();
        }
    }
}

/// Number of ended links whose ids are kept, which bounds the memory and the time of a search.
const MAX_ENDED: usize = 1_024;
