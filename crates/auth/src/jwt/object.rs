//! Decodes the header and the claims of a token as JSON objects.
//!
//! Two parsers may read different values from an object with duplicate members (RFC 8725 section
//! 2.4). Objects with duplicate members are therefore rejected, even if no check reads these
//! members. The nesting depth is limited, because the parser uses stack for each level. Start
//! reading at [`decode`].

use doorward_core::UniqueObject;
use serde_json::{Map, Value};

use crate::jwt::parts::base64url;

/// Decodes a segment of a token, which must be a JSON object in base64url. Returns `None` if the
/// segment is anything else, if an object has duplicate members, or if the nesting is deeper than
/// [`MAX_DEPTH`].
pub(super) fn decode(segment: &str) -> Option<Map<String, Value>> {
    let json = base64url(segment)?;
    // The depth is checked before parsing, because the parser is recursive.
    if depth(&json) > MAX_DEPTH {
        return None;
    }
    serde_json::from_slice(&json).ok().map(|UniqueObject(members)| members)
}

/// Returns the nesting depth of objects and arrays in a JSON text. For a text that is not JSON, the
/// result has no meaning, and the parser rejects the text later.
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

/// Maximum nesting depth of objects and arrays, including the outermost object.
const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests;
