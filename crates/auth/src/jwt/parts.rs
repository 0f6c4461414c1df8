//! Splits a token into its segments, and limits its size.
//!
//! The size is checked before anything is decoded, which bounds the work that an unauthenticated
//! client can cause. Only the compact form is supported (RFC 7515 section 7.1), not the JSON forms.
//! Start reading at [`split`].

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_core::{Problem, RefusalReason};

use crate::credential::{denied::Denied, explicit::Explicit};

/// The three segments of a token. The token is not verified yet.
pub(super) struct Parts<'a> {
    /// Signed part of the token, which is the header, a dot and the claims as they were sent.
    pub(super) signed: &'a str,
    /// Header in base64url.
    pub(super) header: &'a str,
    /// Claims in base64url.
    pub(super) claims: &'a str,
    /// Decoded signature.
    pub(super) signature: Vec<u8>,
}

/// Splits a token into its segments. Fails if the token is larger than [`MAX_TOKEN`], does not have
/// exactly three non-empty segments, or has a signature that is not base64url.
pub(super) fn split(token: &str) -> Result<Parts<'_>, Denied> {
    // The size is checked first, so that a long token costs only a comparison.
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

/// Returns the text after the prefix `Bearer `. Returns `None` if there is no such prefix. The
/// prefix is the scheme of an `Authorization` header (RFC 6750 section 2.1), which is
/// case-insensitive (RFC 9110 section 11.1).
pub(super) fn split_bearer(token: &str) -> Option<&str> {
    let (scheme, token) = token.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(token)
}

/// Creates a refusal that names the whole token as the part at fault.
pub(super) const fn whole(problem: Problem) -> Denied {
    Explicit::Token.denied(RefusalReason::TokenMalformed, problem)
}

/// Decodes base64url strictly (RFC 7515 section 2). Returns `None` for padding, white space, other
/// alphabets, and non-zero bits after the last byte. With a lenient decoder, one token would have
/// several spellings.
pub(super) fn base64url(segment: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(segment).ok()
}

/// Maximum size of a token, in bytes.
const MAX_TOKEN: usize = 8 * 1024;
