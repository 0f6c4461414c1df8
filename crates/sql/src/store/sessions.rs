//! Reads and writes sessions.

mod row;

use std::time::SystemTime;

use doorward_core::{
    REMEMBERED, Session, SessionData, SessionId, SessionKey, SessionStore, StoreError, StoreFuture,
    UserId,
};
use sqlx::{SqliteConnection, query, query_as, query_scalar};

use self::row::Row;
use super::SqlStore;
use crate::{
    sqlite_file::Statement,
    sqlx_error::failed,
    time::{duration_to_millis, to_millis},
};

/// Columns of a session, in the order of [`Row`].
macro_rules! columns {
    () => {
        "id, user_id, generation, created_at, seen_at, signed_in_at, idle_timeout, ends_at, \
         user_agent, network, data"
    };
}

const CREATE: &str = concat!(
    "INSERT INTO sessions (key, forget_at, ",
    columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
);

pub(super) const FIND: &str = concat!("SELECT ", columns!(), " FROM sessions WHERE key = $1");

pub(super) const GET: &str = concat!("SELECT ", columns!(), " FROM sessions WHERE id = $1");

pub(super) const OF_USER: &str =
    concat!("SELECT ", columns!(), " FROM sessions WHERE user_id = $1 ORDER BY seq");

/// Records activity of a session, unless the session has ended by the rule of `Session::is_over`.
pub(super) const TOUCH: &str = "UPDATE sessions \
    SET seen_at = CASE WHEN seen_at < $2 THEN $2 ELSE seen_at END \
    WHERE id = $1 AND seen_at + idle_timeout > $2 AND ends_at > $2";

pub(super) const IS_TAKEN: &str = "SELECT EXISTS (SELECT 1 FROM sessions WHERE key = $1)";

pub(super) const ROTATE: &str =
    "UPDATE sessions SET key = $2, signed_in_at = COALESCE($3, signed_in_at) WHERE id = $1";

pub(super) const PUT_DATA: &str = "UPDATE sessions SET data = $2 WHERE id = $1";

pub(super) const REMOVE: &str = "DELETE FROM sessions WHERE id = $1";

pub(super) const REMOVE_ALL_OF_USER: &str = "DELETE FROM sessions WHERE user_id = $1";

pub(super) const FORGET: &str = "DELETE FROM sessions WHERE forget_at <= $1";

pub(super) const FORGET_TICKETS: &str = "DELETE FROM tickets WHERE expires_at <= $1";

pub(super) const FORGET_EPOCHS: &str = "DELETE FROM epochs WHERE revoked_at <= $1";

pub(super) const FORGET_ENDED: &str = "DELETE FROM ended WHERE ended_at <= $1";

/// Returns the statement that removes a session.
pub(super) fn remove(id: &SessionId) -> Statement {
    query(REMOVE).bind(id.as_str())
}

async fn rotate(
    connection: &mut SqliteConnection,
    id: &SessionId,
    key: SessionKey,
    signed_in_at: Option<SystemTime>,
) -> Result<bool, StoreError> {
    let key = key.as_bytes().as_slice();
    let is_taken = query_scalar(IS_TAKEN).bind(key).fetch_one(&mut *connection).await;
    // The current token of the session counts as taken, too. A rotation to it would not replace the token.
    if is_taken.map_err(failed)? {
        return Err(StoreError::Exists);
    }
    let rotated = query(ROTATE).bind(id.as_str()).bind(key).bind(signed_in_at.map(to_millis));
    Ok(rotated.execute(connection).await.map_err(failed)?.rows_affected() > 0)
}

async fn sweep(connection: &mut SqliteConnection, now: SystemTime) -> Result<u64, StoreError> {
    let now = to_millis(now);
    // Revocations are kept for `REMEMBERED`. After this time, all credentials that they apply to have
    // expired.
    let long_ago = now.saturating_sub(duration_to_millis(REMEMBERED));
    for (statement, until) in
        [(FORGET_TICKETS, now), (FORGET_EPOCHS, long_ago), (FORGET_ENDED, long_ago)]
    {
        query(statement).bind(until).execute(&mut *connection).await.map_err(failed)?;
    }
    let forgotten = query(FORGET).bind(now).execute(connection).await.map_err(failed)?;
    Ok(forgotten.rows_affected())
}

fn one(found: sqlx::Result<Option<Row>>) -> Result<Option<Session>, StoreError> {
    found.map_err(failed)?.map(row::read).transpose()
}

impl SessionStore for SqlStore {
    fn create<'a>(&'a self, key: &'a SessionKey, session: &'a Session) -> StoreFuture<'a, ()> {
        let create = query(CREATE).bind(&key.as_bytes()[..]).bind(to_millis(session.forget_at()));
        let create = row::bind(create, session);
        Box::pin(async move { self.database.execute(create).await.map(drop) })
    }

    fn find<'a>(&'a self, key: &'a SessionKey) -> StoreFuture<'a, Option<Session>> {
        Box::pin(async move {
            let found = query_as(FIND).bind(key.as_bytes().as_slice());
            one(found.fetch_optional(self.database.readers()).await)
        })
    }

    fn get<'a>(&'a self, id: &'a SessionId) -> StoreFuture<'a, Option<Session>> {
        Box::pin(async move {
            let found = query_as(GET).bind(id.as_str());
            one(found.fetch_optional(self.database.readers()).await)
        })
    }

    fn of_user<'a>(&'a self, user: &'a UserId) -> StoreFuture<'a, Vec<Session>> {
        Box::pin(async move {
            let found = query_as::<_, Row>(OF_USER).bind(user.as_str());
            let rows = found.fetch_all(self.database.readers()).await.map_err(failed)?;
            rows.into_iter().map(row::read).collect()
        })
    }

    fn touch<'a>(&'a self, id: &'a SessionId, seen_at: SystemTime) -> StoreFuture<'a, bool> {
        let touch = query(TOUCH).bind(id.as_str()).bind(to_millis(seen_at));
        Box::pin(self.database.execute(touch))
    }

    fn rotate<'a>(
        &'a self,
        id: &'a SessionId,
        key: &'a SessionKey,
        signed_in_at: Option<SystemTime>,
    ) -> StoreFuture<'a, bool> {
        let (id, key) = (id.clone(), *key);
        Box::pin(self.database.write(move |connection| {
            Box::pin(async move { rotate(connection, &id, key, signed_in_at).await })
        }))
    }

    fn put_data<'a>(&'a self, id: &'a SessionId, data: &'a SessionData) -> StoreFuture<'a, bool> {
        let put = query(PUT_DATA).bind(id.as_str()).bind(row::write_data(data));
        Box::pin(self.database.execute(put))
    }

    fn remove<'a>(&'a self, id: &'a SessionId) -> StoreFuture<'a, bool> {
        Box::pin(self.database.execute(remove(id)))
    }

    fn sweep(&self, now: SystemTime) -> StoreFuture<'_, u64> {
        Box::pin(self.database.write(move |connection| Box::pin(sweep(connection, now))))
    }
}
