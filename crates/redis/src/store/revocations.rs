//! Keeps revocations: the floor for all users ([crate](crate)), the state of each user, and a mark for each ended
//! session or token.

use std::time::SystemTime;

use doorward_core::{
    REMEMBERED, RevocationState, RevocationStore, SessionId, StoreError, StoreFuture, TokenId,
    UserId,
};

use super::RedisStore;
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
        let keys = &self.0.keys;
        let call = Call::change(&self.0.scripts.bump)
            .key(keys.floor())
            .key(keys.epoch(user))
            .key(keys.user(user))
            .argument(MARGIN)
            .argument(to_millis(at))
            .argument(to_millis_up(at))
            .argument(duration_to_millis(REMEMBERED))
            .argument(keys.sessions())
            .argument(keys.tokens());
        Box::pin(async move { parse(&self.0.link.run::<String>(&call).await?) })
    }

    fn end_session<'a>(&'a self, session: &'a SessionId, at: SystemTime) -> StoreFuture<'a, ()> {
        let keys = &self.0.keys;
        let call = Call::change(&self.0.scripts.end_session)
            .key(keys.floor())
            .key(keys.ended_session(session))
            .argument(hash(session.as_str()))
            .argument(keys.sessions())
            .argument(keys.tokens())
            .argument(keys.users())
            .argument(to_millis_up(at))
            .argument(duration_to_millis(REMEMBERED));
        Box::pin(async move { self.0.link.run(&call).await })
    }

    fn end_token<'a>(&'a self, token: &'a TokenId, at: SystemTime) -> StoreFuture<'a, ()> {
        let keys = &self.0.keys;
        let call = Call::change(&self.0.scripts.end_token)
            .key(keys.floor())
            .key(keys.ended_token(token))
            .argument(to_millis_up(at))
            .argument(duration_to_millis(REMEMBERED));
        Box::pin(async move { self.0.link.run(&call).await })
    }
}
