//! Decodes the header and the claims of a token as JSON objects.
//!
//! Two parsers that treat a duplicate member differently see two different tokens (RFC 8725 section
//! 2.4). So duplicates are rejected, even in members that are not used here. Nesting is bounded,
//! because the parser uses stack for each level.
//! Start reading at [`decode`].

use doorward_core::UniqueObject;
use serde_json::{Map, Value};

use crate::jwt::parts::base64url;

/// Decodes a segment of a token; `None` unless it is base64url of a JSON object without duplicate
/// members.
pub(super) fn decode(segment: &str) -> Option<Map<String, Value>> {
    let json = base64url(segment)?;
    // Before parsing: the parser itself is recursive.
    if depth(&json) > MAX_DEPTH {
        return None;
    }
    serde_json::from_slice(&json).ok().map(|UniqueObject(members)| members)
}

/// Returns the nesting depth of objects and arrays. The result is exact for valid JSON; anything
/// else is rejected by the parser later.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            // The byte after a backslash is part of the string, even if it is a quote.
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Includes the object itself.
const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests;
