//! Reads and writes the textual encoding of keys (RFC 7468).
//!
//! The text must have exactly one block with the expected label, and only white space around the
//! block. The callers interpret the decoded bytes.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Returns the decoded bytes of the block. Returns `None` unless `text` is exactly one block with
/// the label `label`.
pub(crate) fn decode(label: &str, text: &str) -> Option<Vec<u8>> {
    let body = text
        .trim()
        .strip_prefix(&format!("-----BEGIN {label}-----"))?
        .strip_suffix(&format!("-----END {label}-----"))?;
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).ok()
}

/// Returns the text of one block with the label `label` that contains `bytes`.
pub(crate) fn encode(label: &str, bytes: &[u8]) -> String {
    let mut lines = vec![format!("-----BEGIN {label}-----")];
    lines.extend(bytes.chunks(BYTES_PER_LINE).map(|line| STANDARD.encode(line)));
    lines.push(format!("-----END {label}-----\n"));
    lines.join("\n")
}

/// Number of bytes in one line. 48 bytes are 64 characters of base64, the line length that RFC 7468
/// section 2 requires of generators.
const BYTES_PER_LINE: usize = 48;

#[cfg(test)]
mod tests;
