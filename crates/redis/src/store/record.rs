//! Converts a session to and from the fields of its Redis hash.

use std::{collections::HashMap, str::FromStr};

use doorward_core::{Session, SessionData, SessionId, StoreError};
use serde_json::Value;

use crate::{
    link::{Call, unreadable},
    time::{duration_to_millis, from_millis, to_millis},
};

/// Names and values of the fields, as the server returns them. The map is empty if the hash does
/// not exist.
pub(super) type Fields = HashMap<String, String>;

/// Appends the fields of a session to a call. Fields that are `None` are left out.
pub(super) fn write<'a>(call: Call<'a>, session: &Session) -> Call<'a> {
    let call = call
        .argument("id")
        .argument(session.id.as_str())
        .argument("user")
        .argument(session.user.as_str())
        .argument("generation")
        .argument(session.generation)
        .argument("created_at")
        .argument(to_millis(session.created_at))
        .argument("seen_at")
        .argument(to_millis(session.seen_at))
        .argument("signed_in_at")
        .argument(to_millis(session.signed_in_at))
        .argument("idle_timeout")
        .argument(duration_to_millis(session.idle_timeout))
        .argument("ends_at")
        .argument(to_millis(session.ends_at))
        .argument("data")
        .argument(write_data(&session.data));
    let call = match &session.user_agent {
        Some(agent) => call.argument("user_agent").argument(agent),
        None => call,
    };
    match session.network {
        Some(network) => call.argument("network").argument(network),
        None => call,
    }
}

pub(super) fn write_data(data: &SessionData) -> Value {
    Value::Object(data.0.clone())
}

/// Creates a session from its fields. A malformed record is an error and does not count as an
/// absent session.
pub(super) fn read(fields: &Fields) -> Result<Session, StoreError> {
    let text = |name| fields.get(name).ok_or_else(|| unreadable("a field of a session is missing"));
    let time = |name| text(name).and_then(|text| parse(text)).map(from_millis);
    let idle = from_millis(parse(text("idle_timeout")?)?);
    let idle = idle.duration_since(from_millis(0)).unwrap_or_default();
    let (id, user) = (SessionId::new(text("id")?.as_str()), text("user")?.as_str());
    let mut session = Session::new(id, user, time("created_at")?, idle, idle);
    session.generation = parse(text("generation")?)?;
    session.seen_at = time("seen_at")?;
    session.signed_in_at = time("signed_in_at")?;
    session.ends_at = time("ends_at")?;
    session.user_agent = fields.get("user_agent").map(|agent| agent.as_str().into());
    session.network = fields.get("network").map(|text| parse(text)).transpose()?;
    let data = serde_json::from_str(text("data")?);
    session.data =
        SessionData(data.map_err(|_reason| unreadable("the data of a session is malformed"))?);
    Ok(session)
}

/// Returns the number that the script `create` gave the session. Sessions are numbered in order of
/// creation.
pub(super) fn sequence(fields: &Fields) -> Result<u64, StoreError> {
    let text = fields.get("sequence");
    parse(text.ok_or_else(|| unreadable("a session has no sequence number"))?)
}

fn parse<T: FromStr>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_reason| unreadable("a field of a session is malformed"))
}
