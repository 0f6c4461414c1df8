//! Keeps sessions in memory.

use std::{collections::HashMap, time::SystemTime};

use doorward_core::{Session, SessionData, SessionId, SessionKey, StoreError, UserId};

/// Sessions, which can be found by the hash of their token, by id and by user.
pub(super) struct Sessions {
    capacity: usize,
    by_id: HashMap<SessionId, (SessionKey, Session)>,
    by_key: HashMap<SessionKey, SessionId>,
    /// Sessions of each user, in order of creation.
    by_user: HashMap<UserId, Vec<SessionId>>,
}

impl Sessions {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, by_id: HashMap::new(), by_key: HashMap::new(), by_user: HashMap::new() }
    }

    pub(super) fn create(&mut self, key: SessionKey, session: &Session) -> Result<(), StoreError> {
        if self.by_key.contains_key(&key) || self.by_id.contains_key(&session.id) {
            return Err(StoreError::Exists);
        }
        if self.by_id.len() >= self.capacity {
            // Sessions are swept only when the store is full, because a sweep visits all of them.
            self.sweep(session.created_at);
            if self.by_id.len() >= self.capacity {
                return Err(StoreError::Full);
            }
        }
        self.by_key.insert(key, session.id.clone());
        self.by_user.entry(session.user.clone()).or_default().push(session.id.clone());
        self.by_id.insert(session.id.clone(), (key, session.clone()));
        Ok(())
    }

    pub(super) fn find(&self, key: &SessionKey) -> Option<Session> {
        self.get(self.by_key.get(key)?)
    }

    pub(super) fn get(&self, id: &SessionId) -> Option<Session> {
        self.by_id.get(id).map(|(_, session)| session.clone())
    }

    pub(super) fn of_user(&self, user: &UserId) -> Vec<Session> {
        let ids = self.by_user.get(user).into_iter().flatten();
        ids.filter_map(|id| self.get(id)).collect()
    }

    pub(super) fn touch(&mut self, id: &SessionId, seen_at: SystemTime) -> bool {
        let Some((_, session)) = self.by_id.get_mut(id) else { return false };
        // Activity must not revive an expired session.
        if session.is_over(seen_at) {
            return false;
        }
        session.seen_at = session.seen_at.max(seen_at);
        true
    }

    pub(super) fn rotate(
        &mut self,
        id: &SessionId,
        key: SessionKey,
        signed_in_at: Option<SystemTime>,
    ) -> Result<bool, StoreError> {
        if self.by_key.contains_key(&key) {
            return Err(StoreError::Exists);
        }
        let Some((current, session)) = self.by_id.get_mut(id) else { return Ok(false) };
        self.by_key.remove(current);
        self.by_key.insert(key, id.clone());
        *current = key;
        if let Some(at) = signed_in_at {
            session.signed_in_at = at;
        }
        Ok(true)
    }

    pub(super) fn put_data(&mut self, id: &SessionId, data: &SessionData) -> bool {
        let Some((_, session)) = self.by_id.get_mut(id) else { return false };
        session.data = data.clone();
        true
    }

    pub(super) fn remove(&mut self, id: &SessionId) -> bool {
        let Some((key, session)) = self.by_id.remove(id) else { return false };
        self.by_key.remove(&key);
        if let Some(ids) = self.by_user.get_mut(&session.user) {
            ids.retain(|other| other != id);
            if ids.is_empty() {
                self.by_user.remove(&session.user);
            }
        }
        true
    }

    pub(super) fn remove_user(&mut self, user: &UserId) {
        for id in self.by_user.remove(user).unwrap_or_default() {
            if let Some((key, _)) = self.by_id.remove(&id) {
                self.by_key.remove(&key);
            }
        }
    }

    pub(super) fn sweep(&mut self, now: SystemTime) -> u64 {
        let sessions = self.by_id.values().map(|(_, session)| session);
        let over: Vec<_> = sessions
            .filter(|session| session.forget_at() <= now)
            .map(|session| session.id.clone())
            .collect();
        over.iter().map(|id| u64::from(self.remove(id))).sum()
    }
}
