//! Reads and writes revocations.

use std::time::SystemTime;

use doorward_core::{
    RevocationState, RevocationStore, SessionId, StoreError, StoreFuture, TokenId, UserId,
};
use sqlx::{SqliteConnection, query, query_as};

use super::{
    SqlStore,
    sessions::{self, REMOVE_ALL_OF_USER},
};
use crate::{
    sqlite_file::Statement,
    sqlx_error::{failed, unreadable},
    time::{from_millis, to_millis_up},
};

/// Reads the whole revocation state in one statement, so that all values are from the same snapshot.
pub(super) const READ: &str = "SELECT \
    (SELECT generation FROM epochs WHERE user_id = $1), \
    (SELECT revoked_at FROM epochs WHERE user_id = $1), \
    (SELECT generation FROM floor WHERE id = 1), \
    (SELECT revoked_at FROM floor WHERE id = 1), \
    EXISTS (SELECT 1 FROM ended WHERE kind = 'session' AND id = $2) \
    OR EXISTS (SELECT 1 FROM ended WHERE kind = 'token' AND id = $3)";

/// Replaces the generation and the time of a user.
pub(super) const BUMP: &str = "INSERT INTO epochs (user_id, generation, revoked_at) \
    VALUES ($1, $2, $3) ON CONFLICT (user_id) DO UPDATE \
    SET generation = excluded.generation, revoked_at = excluded.revoked_at";

/// Marks a session or token as ended. If the mark exists, the later of the two times is kept, so that the mark is not
/// deleted too early.
pub(super) const END: &str = "INSERT INTO ended (kind, id, ended_at) VALUES ($1, $2, $3) \
    ON CONFLICT (kind, id) DO UPDATE SET ended_at = excluded.ended_at \
    WHERE excluded.ended_at > ended.ended_at";

/// Generation and time of the user, generation and time of the floor, and `true` if the session or token was ended.
/// The floor applies to all users.
type Row = (Option<i64>, Option<i64>, Option<i64>, Option<i64>, bool);

fn read(
    (generation, revoked_at, floor, floor_at, is_ended): Row,
) -> Result<RevocationState, StoreError> {
    let generation = generation.max(floor).unwrap_or(0);
    Ok(RevocationState {
        generation: u64::try_from(generation).map_err(unreadable)?,
        revoked_at: revoked_at.max(floor_at).map(from_millis),
        is_ended,
    })
}

async fn bump(
    connection: &mut SqliteConnection,
    user: &UserId,
    at: SystemTime,
) -> Result<u64, StoreError> {
    // The state is read and written in one transaction, so that two revocations never begin the same generation.
    let none: Option<&str> = None;
    let row = query_as(READ).bind(user.as_str()).bind(none).bind(none);
    let epoch = read(row.fetch_one(&mut *connection).await.map_err(failed)?)?;
    let revoked_at = to_millis_up(at);
    let generation = epoch.next_generation(at);
    let last = epoch.revoked_at.map_or(revoked_at, |last| to_millis_up(last).max(revoked_at));
    let written = i64::try_from(generation).map_err(unreadable)?;
    let bump = query(BUMP).bind(user.as_str()).bind(written).bind(last);
    bump.execute(&mut *connection).await.map_err(failed)?;
    // The sessions are removed in the same transaction, so that no session survives the revocation of its user.
    let removed = query(REMOVE_ALL_OF_USER).bind(user.as_str());
    removed.execute(connection).await.map_err(failed)?;
    Ok(generation)
}

/// Returns the statement that marks a session or token as ended.
fn end(kind: &'static str, id: &str, at: SystemTime) -> Statement {
    query(END).bind(kind).bind(id).bind(to_millis_up(at))
}

impl RevocationStore for SqlStore {
    fn read<'a>(
        &'a self,
        user: &'a UserId,
        session: Option<&'a SessionId>,
        token: Option<&'a TokenId>,
    ) -> StoreFuture<'a, RevocationState> {
        Box::pin(async move {
            let row = query_as(READ)
                .bind(user.as_str())
                .bind(session.map(SessionId::as_str))
                .bind(token.map(TokenId::as_str));
            read(row.fetch_one(self.database.readers()).await.map_err(failed)?)
        })
    }

    fn bump<'a>(&'a self, user: &'a UserId, at: SystemTime) -> StoreFuture<'a, u64> {
        let user = user.clone();
        Box::pin(
            self.database.write(move |connection| {
                Box::pin(async move { bump(connection, &user, at).await })
            }),
        )
    }

    fn end_session<'a>(&'a self, session: &'a SessionId, at: SystemTime) -> StoreFuture<'a, ()> {
        let (remove, end) = (sessions::remove(session), end("session", session.as_str(), at));
        Box::pin(self.database.write(move |connection| {
            Box::pin(async move {
                remove.execute(&mut *connection).await.map_err(failed)?;
                end.execute(connection).await.map_err(failed)?;
                Ok(())
            })
        }))
    }

    fn end_token<'a>(&'a self, token: &'a TokenId, at: SystemTime) -> StoreFuture<'a, ()> {
        let end = end("token", token.as_str(), at);
        Box::pin(async move { self.database.execute(end).await.map(drop) })
    }
}
