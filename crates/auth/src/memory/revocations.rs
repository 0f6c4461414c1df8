//! Keeps revocations in memory.

use std::{collections::HashMap, hash::Hash, time::SystemTime};

use doorward_core::{REMEMBERED, RevocationState, SessionId, StoreError, TokenId, UserId};

/// Revocations, each of which is kept for [`REMEMBERED`].
#[derive(Default)]
pub(super) struct Marks {
    capacity: usize,
    /// Revocation state that applies to every user.
    floor: RevocationState,
    /// Generation of each revoked user, and the time of the user's last revocation.
    users: HashMap<UserId, (u64, SystemTime)>,
    sessions: HashMap<SessionId, SystemTime>,
    tokens: HashMap<TokenId, SystemTime>,
}

impl Marks {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, ..Self::default() }
    }

    pub(super) fn refuse_before(&mut self, at: SystemTime) {
        // This generation exceeds that of every credential that was issued before `at`.
        self.floor.generation = self.floor.next_generation(at);
        self.floor.revoked_at = Some(at);
    }

    pub(super) fn read(
        &self,
        user: &UserId,
        session: Option<&SessionId>,
        token: Option<&TokenId>,
    ) -> RevocationState {
        let (generation, revoked_at) = match self.users.get(user) {
            Some((generation, at)) => (*generation, Some(*at)),
            None => (0, None),
        };
        RevocationState {
            generation: generation.max(self.floor.generation),
            revoked_at: revoked_at.max(self.floor.revoked_at),
            is_ended: session.is_some_and(|id| self.sessions.contains_key(id))
                || token.is_some_and(|id| self.tokens.contains_key(id)),
        }
    }

    /// Removes expired revocations if there are as many of one kind as the store may keep.
    fn make_room(&mut self, now: SystemTime) {
        let fullest = self.users.len().max(self.sessions.len()).max(self.tokens.len());
        if fullest >= self.capacity {
            self.sweep(now);
        }
    }

    pub(super) fn bump(&mut self, user: &UserId, at: SystemTime) -> Result<u64, StoreError> {
        self.make_room(at);
        let epoch = self.read(user, None, None);
        let generation = epoch.next_generation(at);
        // If the clock was set back, an earlier revocation must not be undone.
        let at = epoch.revoked_at.unwrap_or(at).max(at);
        mark(&mut self.users, self.capacity, user, (generation, at))?;
        Ok(generation)
    }

    pub(super) fn end_session(
        &mut self,
        session: &SessionId,
        at: SystemTime,
    ) -> Result<(), StoreError> {
        self.make_room(at);
        mark(&mut self.sessions, self.capacity, session, at)
    }

    pub(super) fn end_token(&mut self, token: &TokenId, at: SystemTime) -> Result<(), StoreError> {
        self.make_room(at);
        mark(&mut self.tokens, self.capacity, token, at)
    }

    pub(super) fn sweep(&mut self, now: SystemTime) {
        let is_remembered =
            |at: &SystemTime| at.checked_add(REMEMBERED).is_none_or(|end| end > now);
        self.users.retain(|_, (_, at)| is_remembered(at));
        self.sessions.retain(|_, at| is_remembered(at));
        self.tokens.retain(|_, at| is_remembered(at));
    }
}

/// Stores a revocation under `key`, and replaces an earlier one. Fails with [`StoreError::Full`] if
/// `marks` has `capacity` other entries.
fn mark<K: Clone + Eq + Hash, V>(
    marks: &mut HashMap<K, V>,
    capacity: usize,
    key: &K,
    value: V,
) -> Result<(), StoreError> {
    if marks.len() >= capacity && !marks.contains_key(key) {
        return Err(StoreError::Full);
    }
    marks.insert(key.clone(), value);
    Ok(())
}
