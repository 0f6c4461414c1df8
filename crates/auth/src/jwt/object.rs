//! Decodes the header and the claims of a token as JSON objects.
//!
//! Two parsers may read different values from an object with duplicate members (RFC 8725 section
//! 2.4). Duplicates are therefore rejected, even in members that are not used here. The nesting
//! depth is limited, because the parser uses stack for each level. Start reading at [`decode`].

use doorward_core::UniqueObject;
use serde_json::{Map, Value};

use crate::jwt::parts::base64url;

/// Decodes a segment of a token; `None` unless the segment is base64url of a JSON object that has
/// no duplicate members and is at most [`MAX_DEPTH`] deep.
pub(super) fn decode(segment: &str) -> Option<Map<String, Value>> {
    let json = base64url(segment)?;
    // The depth is checked before parsing, because the parser is recursive.
    if depth(&json) > MAX_DEPTH {
        return None;
    }
    serde_json::from_slice(&json).ok().map(|UniqueObject(members)| members)
}

/// Returns the nesting depth of objects and arrays. The result is exact for valid JSON. The parser
/// rejects any other text later.
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
