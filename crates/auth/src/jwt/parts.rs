//! Decides what may be taken apart as a token: its size, its three segments, its alphabet.
//!
//! The size is compared before anything is decoded, so there is a bound to what a stranger can make
//! us decode. Only the compact form is known (RFC 7515 section 7.1); the JSON forms are absent.
//! Start reading at [`split`].

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// A token, taken apart and not judged.
pub(super) struct Parts<'a> {
    /// What the signature is made over: header, dot and claims as they were sent.
    pub(super) signed: &'a str,
    /// Still base64url.
    pub(super) header: &'a str,
    /// Still base64url.
    pub(super) claims: &'a str,
    pub(super) signature: Vec<u8>,
}

/// Takes a token apart; `None` when it is too large or has not exactly three segments with content.
pub(super) fn split(token: &str) -> Option<Parts<'_>> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    if claims.contains('.') || [header, claims, signature].contains(&"") {
        return None;
    }
    Some(Parts { signed, header, claims, signature: base64url(signature)? })
}

/// Decodes base64url as RFC 7515 section 2 wants it: no padding, no white space, no other alphabet,
/// and no bits left over. Were any of these let through, one token could be written in two ways.
pub(super) fn base64url(segment: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(segment).ok()
}

/// In bytes.
const MAX_TOKEN: usize = 8 * 1024;
