//! Keeps sessions. Each session has a record, and an entry that maps the session token to the
//! session. Each user has a list of sessions.

use std::{future::ready, time::SystemTime};

use doorward_core::{
    Session, SessionData, SessionId, SessionKey, SessionStore, StoreError, StoreFuture, UserId,
};

use super::{
    RedisStore,
    record::{self, Fields},
};
use crate::{
    keys::{hash, hex},
    link::{Call, unreadable},
    time::to_millis,
};

fn one(fields: &Fields) -> Result<Option<Session>, StoreError> {
    if fields.is_empty() { Ok(None) } else { record::read(fields).map(Some) }
}

/// Converts the answer of a script. The answer is 1 (`true`) if the change was made, and 0
/// (`false`) if the session was not found. `create` answers 0 if the token or the id of the session
/// is taken.
fn done(answer: i64) -> Result<bool, StoreError> {
    match answer {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(unreadable("a script has answered neither 0 nor 1")),
    }
}

impl SessionStore for RedisStore {
    fn create<'a>(&'a self, key: &'a SessionKey, session: &'a Session) -> StoreFuture<'a, ()> {
        let keys = &self.0.keys;
        let call = Call::change(&self.0.scripts.create)
            .key(keys.sequence())
            .key(keys.token(key))
            .key(keys.session(&session.id))
            .key(keys.user(&session.user))
            .argument(hash(session.id.as_str()))
            .argument(to_millis(session.forget_at()))
            .argument("token")
            .argument(hex(key.as_bytes()))
            .argument("user_hash")
            .argument(hash(session.user.as_str()));
        let call = record::write(call, session);
        Box::pin(async move {
            let is_made = done(self.0.link.run(&call).await?)?;
            if is_made { Ok(()) } else { Err(StoreError::Exists) }
        })
    }

    fn find<'a>(&'a self, key: &'a SessionKey) -> StoreFuture<'a, Option<Session>> {
        let keys = &self.0.keys;
        let call = Call::question(&self.0.scripts.find)
            .key(keys.floor())
            .key(keys.token(key))
            .argument(keys.sessions());
        Box::pin(async move { one(&self.0.link.run(&call).await?) })
    }

    fn get<'a>(&'a self, id: &'a SessionId) -> StoreFuture<'a, Option<Session>> {
        let keys = &self.0.keys;
        let call = Call::question(&self.0.scripts.get).key(keys.floor()).key(keys.session(id));
        Box::pin(async move { one(&self.0.link.run(&call).await?) })
    }

    fn of_user<'a>(&'a self, user: &'a UserId) -> StoreFuture<'a, Vec<Session>> {
        let keys = &self.0.keys;
        let call = Call::question(&self.0.scripts.of_user)
            .key(keys.floor())
            .key(keys.user(user))
            .argument(keys.sessions());
        Box::pin(async move {
            let records: Vec<Fields> = self.0.link.run(&call).await?;
            let read = |fields: &Fields| Ok((record::sequence(fields)?, record::read(fields)?));
            let mut sessions = records.iter().map(read).collect::<Result<Vec<_>, StoreError>>()?;
            // The list on the server is sorted by expiry, but `of_user` must return the order of
            // creation.
            sessions.sort_by_key(|(sequence, _)| *sequence);
            Ok(sessions.into_iter().map(|(_, session)| session).collect())
        })
    }

    fn touch<'a>(&'a self, id: &'a SessionId, seen_at: SystemTime) -> StoreFuture<'a, bool> {
        let keys = &self.0.keys;
        let call = Call::change(&self.0.scripts.touch)
            .key(keys.floor())
            .key(keys.session(id))
            .argument(to_millis(seen_at));
        Box::pin(async move { done(self.0.link.run(&call).await?) })
    }

    fn rotate<'a>(
        &'a self,
        id: &'a SessionId,
        key: &'a SessionKey,
        signed_in_at: Option<SystemTime>,
    ) -> StoreFuture<'a, bool> {
        let keys = &self.0.keys;
        let signed_in_at = signed_in_at.map(|at| to_millis(at).to_string());
        let call = Call::change(&self.0.scripts.rotate)
            .key(keys.floor())
            .key(keys.session(id))
            .key(keys.token(key))
            .argument(hash(id.as_str()))
            .argument(hex(key.as_bytes()))
            .argument(keys.tokens())
            .argument(signed_in_at.unwrap_or_default());
        Box::pin(async move {
            match self.0.link.run(&call).await? {
                // The key of the token is taken.
                -1 => Err(StoreError::Exists),
                answer => done(answer),
            }
        })
    }

    fn put_data<'a>(&'a self, id: &'a SessionId, data: &'a SessionData) -> StoreFuture<'a, bool> {
        let keys = &self.0.keys;
        let call = Call::change(&self.0.scripts.put_data)
            .key(keys.sequence())
            .key(keys.session(id))
            .argument(record::write_data(data));
        Box::pin(async move { done(self.0.link.run(&call).await?) })
    }

    fn remove<'a>(&'a self, id: &'a SessionId) -> StoreFuture<'a, bool> {
        let keys = &self.0.keys;
        let call = Call::change(&self.0.scripts.remove)
            .key(keys.floor())
            .key(keys.session(id))
            .argument(hash(id.as_str()))
            .argument(keys.sessions())
            .argument(keys.tokens())
            .argument(keys.users());
        Box::pin(async move { done(self.0.link.run(&call).await?) })
    }

    /// Does nothing and returns 0, because Redis deletes expired keys automatically.
    fn sweep(&self, _: SystemTime) -> StoreFuture<'_, u64> {
        Box::pin(ready(Ok(0)))
    }
}
