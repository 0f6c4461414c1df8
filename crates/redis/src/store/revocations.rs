//! Keeps revocations: the floor for all users ([crate](crate)), the state of each user, and a mark for each ended
//! session or token.

use std::time::SystemTime;

use doorward_core::{
    REMEMBERED, RevocationState, RevocationStore, SessionId, StoreError, StoreFuture, TokenId,
    UserId,
};

use super::{Inner, RedisStore};
use crate::{
    keys::hash,
    link::{Call, MARGIN, unreadable},
    time::{duration_to_millis, from_millis, to_millis, to_millis_up},
};

fn parse(text: &str) -> Result<u64, StoreError> {
    text.parse().map_err(|_reason| unreadable("a number of a revocation is malformed"))
}

impl RevocationStore for RedisStore {
    fn read<'a>(
        &'a self,
        user: &'a UserId,
        session: Option<&'a SessionId>,
        token: Option<&'a TokenId>,
    ) -> StoreFuture<'a, RevocationState> {
        let keys = &self.0.keys;
        let mut call = Call::question(&self.0.scripts.read)
            .key(keys.floor())
            .key(keys.epoch(user))
            .argument(MARGIN);
        if let Some(session) = session {
            call = call.key(keys.ended_session(session));
        }
        if let Some(token) = token {
            call = call.key(keys.ended_token(token));
        }
        Box::pin(async move {
            let (generation, at, ended): (String, String, u64) = self.0.link.run(&call).await?;
            Ok(RevocationState {
                generation: parse(&generation)?,
                revoked_at: Some(from_millis(parse(&at)?)),
                is_ended: ended > 0,
            })
        })
    }

    fn bump<'a>(&'a self, user: &'a UserId, at: SystemTime) -> StoreFuture<'a, u64> {
        Box::pin(async move { Ok(self.0.bump(user, at).await?.0) })
    }

    fn end_session<'a>(&'a self, session: &'a SessionId, at: SystemTime) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.0.end_session(session, at).await.map(drop) })
    }

    fn end_token<'a>(&'a self, token: &'a TokenId, at: SystemTime) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.0.end_token(token, at).await.map(drop) })
    }
}

/// Answer of a script that appends an order: the number of the order, the era of the log, the members that have to
/// carry it out, and the time for which there may be other members. `cluster` turns it into a receipt.
pub(crate) type Written = (String, String, Vec<String>, String);

impl Inner {
    /// Revokes a user. Returns the new generation.
    pub(crate) async fn bump(
        &self,
        user: &UserId,
        at: SystemTime,
    ) -> Result<(u64, Written), StoreError> {
        let keys = &self.keys;
        let call = Call::change(&self.scripts.bump)
            .key(keys.floor())
            .key(keys.epoch(user))
            .key(keys.user(user))
            .argument(MARGIN)
            .argument(to_millis(at))
            .argument(to_millis_up(at))
            .argument(duration_to_millis(REMEMBERED))
            .argument(keys.sessions())
            .argument(keys.tokens())
            .argument(user.as_str());
        let (generation, written): (String, Written) = self.link.run(&call).await?;
        Ok((parse(&generation)?, written))
    }

    pub(crate) async fn end_session(
        &self,
        session: &SessionId,
        at: SystemTime,
    ) -> Result<Written, StoreError> {
        let keys = &self.keys;
        let call = Call::change(&self.scripts.end_session)
            .key(keys.floor())
            .key(keys.ended_session(session))
            .argument(hash(session.as_str()))
            .argument(keys.sessions())
            .argument(keys.tokens())
            .argument(keys.users())
            .argument(to_millis_up(at))
            .argument(duration_to_millis(REMEMBERED))
            .argument(session.as_str());
        self.link.run(&call).await
    }

    pub(crate) async fn end_token(
        &self,
        token: &TokenId,
        at: SystemTime,
    ) -> Result<Written, StoreError> {
        let keys = &self.keys;
        let call = Call::change(&self.scripts.end_token)
            .key(keys.floor())
            .key(keys.ended_token(token))
            .argument(to_millis_up(at))
            .argument(duration_to_millis(REMEMBERED))
            .argument(token.as_str());
        self.link.run(&call).await
    }
}
