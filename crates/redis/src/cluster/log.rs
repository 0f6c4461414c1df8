//! Reads entries of the log of orders.

use std::collections::HashMap;

use doorward_core::{
    Incarnation, LinkNumber, RevocationState, SessionId, SocketId, StoreError, TokenId, UserId,
    cluster::{LogEntry, Order, Position},
};

use super::parse::{number, position};
use crate::{link::unreadable, time::from_millis};

/// Answer to `XREAD` with one stream: its name, and its entries with their fields. Nothing if there is no entry.
pub(super) type Entries = Option<Vec<(String, Vec<(String, HashMap<String, String>)>)>>;

/// Returns the orders of an answer.
pub(super) fn entries(found: Entries) -> Result<Vec<LogEntry>, StoreError> {
    let streams = found.unwrap_or_default();
    streams
        .into_iter()
        .flat_map(|(_, entries)| entries)
        .map(|(id, fields)| entry(&id, &fields))
        .collect()
}

fn entry(id: &str, fields: &HashMap<String, String>) -> Result<LogEntry, StoreError> {
    let field = |name| {
        fields
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| unreadable("a field of an order is missing"))
    };
    let name = field("name")?;
    let socket =
        || name.parse::<SocketId>().map_err(|_reason| unreadable("an order names no socket"));
    let order = match field("kind")? {
        "user" => Order::User(UserId::new(name)),
        "session" => Order::Session(SessionId::new(name)),
        "token" => Order::Token(TokenId::new(name)),
        "probe" => probe(name)?,
        "socket" => Order::Socket(socket()?),
        "replaced" => Order::Replaced(socket()?),
        "rights" => Order::Rights(UserId::new(name)),
        // A node of another version must not go on as if it had carried the order out.
        _ => {
            return Err(unreadable("an order is of an unknown kind: run one version on all nodes"));
        }
    };
    let (generation, revoked_at) = (number(field("generation")?)?, number(field("revoked_at")?)?);
    let is_user = matches!(order, Order::User(_));
    let state = RevocationState {
        generation,
        revoked_at: is_user.then(|| from_millis(revoked_at)),
        is_ended: !is_user,
    };
    Ok(LogEntry { position: sequence(id)?, order, state })
}

/// Parses the output of [`probe_name`].
fn probe(name: &str) -> Result<Order, StoreError> {
    let parsed = name.split_once(' ').and_then(|(incarnation, link)| {
        let link = LinkNumber::new(link.parse().ok()?);
        Some(Order::Probe { incarnation: incarnation.parse().ok()?, link })
    });
    parsed.ok_or_else(|| unreadable("an order names no link"))
}

/// Returns the link of a probe as text.
pub(super) fn probe_name(incarnation: Incarnation, link: LinkNumber) -> String {
    format!("{incarnation} {link}")
}

/// Returns the number in the id of an entry, such as `7-0`.
fn sequence(id: &str) -> Result<Position, StoreError> {
    let number =
        id.strip_suffix("-0").ok_or_else(|| unreadable("the id of an order is malformed"))?;
    position(number)
}
