//! Decides what may be read as a JSON object: the header and the claims of a token.
//!
//! Two parsers that disagree about a member that is named twice see two tokens (RFC 8725 section
//! 2.4), so such objects are refused, also when the member means nothing here. Depth is bounded,
//! because a parser needs stack for it.
//! Start reading at [`decode`].

use doorward_core::UniqueObject;
use serde_json::{Map, Value};

use super::parts::base64url;

/// Decodes a segment of a token; `None` when it is anything but base64url of a plain JSON object.
pub(super) fn decode(segment: &str) -> Option<Map<String, Value>> {
    let json = base64url(segment)?;
    if depth(&json) > MAX_DEPTH {
        return None;
    }
    serde_json::from_slice(&json).ok().map(|UniqueObject(members)| members)
}

/// How deep objects and arrays are nested. It is right for JSON; what is none is refused later.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
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

/// The object itself counts as one.
const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests;
