//! Decides what may be taken apart as a token: its size, its three segments, its alphabet.
//!
//! The size is compared before anything is decoded, so there is a bound to what a stranger can make
//! us decode. Only the compact form is known (RFC 7515 section 7.1); the JSON forms are absent.
//! Start reading at [`split`].

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_core::{Problem, RefusalReason};

use crate::{credential::Explicit, denied::Denied};

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

/// Takes a token apart; it must not be too large, and have exactly three segments with content.
pub(super) fn split(token: &str) -> Result<Parts<'_>, Denied> {
    if token.len() > MAX_TOKEN {
        return Err(whole(Problem::TooLong));
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(whole(Problem::Malformed))?;
    let (header, claims) = signed.split_once('.').ok_or(whole(Problem::Malformed))?;
    if claims.contains('.') || [header, claims, signature].contains(&"") {
        return Err(whole(Problem::Malformed));
    }
    let signature = base64url(signature).ok_or(Denied::segment("signature"))?;
    Ok(Parts { signed, header, claims, signature })
}

/// What is before the token itself: the scheme that stands in an `Authorization` header (RFC 6750 section 2.1).
/// Schemes have no case (RFC 9110 section 11.1).
pub(super) fn split_bearer(token: &str) -> Option<&str> {
    let (scheme, token) = token.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(token)
}

/// The token as a whole is not good.
pub(super) const fn whole(problem: Problem) -> Denied {
    Explicit::Token.denied(RefusalReason::TokenMalformed, problem)
}

/// Decodes base64url as RFC 7515 section 2 wants it: no padding, no white space, no other alphabet,
/// and no bits left over. Were any of these let through, one token could be written in two ways.
pub(super) fn base64url(segment: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(segment).ok()
}

/// In bytes.
const MAX_TOKEN: usize = 8 * 1024;
