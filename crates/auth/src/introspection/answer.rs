//! Reads the answers of an introspection endpoint (RFC 7662 section 2.2).

use std::sync::Arc;

use doorward_core::UniqueObject;
use serde_json::{Map, Value};

/// Answer of the endpoint.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// The token is active. The JSON object describes it. It is kept as text, because parsed members
    /// take many times its size.
    Active(Arc<[u8]>),
    Inactive,
}

impl Answer {
    /// Returns the members that describe an active token. Returns `None` for an inactive token.
    pub(super) fn members(&self) -> Option<Map<String, Value>> {
        let Self::Active(json) = self else { return None };
        serde_json::from_slice(json).ok().map(|UniqueObject(members)| members)
    }

    /// Reads an answer. Returns `None` if it is not a JSON object with a member `active`, or if an
    /// object has a duplicate member.
    pub(super) fn read(body: Vec<u8>) -> Option<Self> {
        let UniqueObject(members) = serde_json::from_slice(&body).ok()?;
        match members.get("active")? {
            Value::Bool(true) => Some(Self::Active(body.into())),
            Value::Bool(false) => Some(Self::Inactive),
            _ => None,
        }
    }
}

/// Returns the error code in the answer of an OAuth server (RFC 6749 section 5.2).
pub(super) fn error_code(body: &[u8]) -> Option<String> {
    let UniqueObject(members) = serde_json::from_slice(body).ok()?;
    Some(members.get("error")?.as_str()?.to_owned())
}
