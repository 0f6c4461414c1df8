//! Names of rooms in messages of other servers.

use doorward_core::bridge::Unread;
use serde_json::value::RawValue;

/// Reads names of rooms. A room of a server for Node.js may be a number.
pub(super) fn names(list: &[&RawValue]) -> Result<Vec<Box<str>>, Unread> {
    list.iter().map(|name| name_of(name.get())).collect()
}

fn name_of(json: &str) -> Result<Box<str>, Unread> {
    match json.bytes().next() {
        Some(b'"') => serde_json::from_str(json).map_err(|_surrogate| Unread::Malformed),
        Some(b'-' | b'0'..=b'9') => Ok(json.into()),
        _ => Err(Unread::Malformed),
    }
}
