//! Converts a session to and from its row.

use doorward_core::{Session, SessionData, SessionId, StoreError};
use serde_json::{Map, Value};

use crate::{
    sqlite_file::Statement,
    sqlx_error::unreadable,
    time::{duration_from_millis, duration_to_millis, from_millis, to_millis},
};

/// Columns of a session: id, user, generation, times of creation, of last activity and of sign-in, idle timeout, end,
/// user agent, network, data. Times are in milliseconds since 1970, and the idle timeout is in milliseconds.
pub(super) type Row =
    (String, String, i64, i64, i64, i64, i64, i64, Option<String>, Option<String>, String);

/// Binds the columns of a [`Row`], in its order.
pub(super) fn bind(statement: Statement, session: &Session) -> Statement {
    statement
        .bind(session.id.as_str())
        .bind(session.user.as_str())
        // SQLite has no unsigned integers. The cast keeps all bits, and `read` casts back.
        .bind(session.generation.cast_signed())
        .bind(to_millis(session.created_at))
        .bind(to_millis(session.seen_at))
        .bind(to_millis(session.signed_in_at))
        .bind(duration_to_millis(session.idle_timeout))
        .bind(to_millis(session.ends_at))
        .bind(session.user_agent.as_deref())
        .bind(session.network.map(|network| network.to_string()))
        .bind(write_data(&session.data))
}

pub(super) fn write_data(data: &SessionData) -> String {
    Value::Object(data.0.clone()).to_string()
}

pub(super) fn read(row: Row) -> Result<Session, StoreError> {
    let (id, user, generation, created, seen, signed_in, idle, ends, agent, network, data) = row;
    let idle = duration_from_millis(idle);
    let mut session = Session::new(SessionId::new(id), user, from_millis(created), idle, idle);
    session.generation = generation.cast_unsigned();
    session.seen_at = from_millis(seen);
    session.signed_in_at = from_millis(signed_in);
    session.ends_at = from_millis(ends);
    session.user_agent = agent.map(Into::into);
    session.network = network.map(|text| text.parse()).transpose().map_err(unreadable)?;
    session.data = SessionData(serde_json::from_str::<Map<_, _>>(&data).map_err(unreadable)?);
    Ok(session)
}
