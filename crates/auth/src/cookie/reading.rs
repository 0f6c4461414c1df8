//! Reads a cookie if the page that sent the request may use it.

use doorward_core::{
    Fault, Handshake, Headers, Part, Problem, Refusal, RefusalReason, RequestKind,
};
use tracing::info;

use crate::cookie::{
    find::{FoundCookie, find_cookie},
    origins::Origins,
};

/// Returns the value of the cookie `name`, or `None` if the request has no such cookie. Fails if the
/// page may not use the cookie, or if several cookies have the name.
pub(super) fn read<'a>(
    origins: &Origins,
    name: &str,
    kind: RequestKind,
    headers: &Headers,
    credentials: &'a Headers,
) -> Result<Option<&'a [u8]>, RefusalReason> {
    let found = find_cookie(credentials, name);
    if found == FoundCookie::Nothing {
        return Ok(None);
    }
    // The origin is checked first, so that a page of another origin learns nothing about the cookie.
    if !origins.may_use_cookie(kind, headers) {
        return Err(RefusalReason::OriginForbidden);
    }
    match found {
        FoundCookie::One(value) => Ok(Some(value)),
        _ => Err(RefusalReason::CredentialAmbiguous),
    }
}

/// Returns the refusal for a reason, and logs how to allow the page if that is the reason.
pub(super) fn refused(reason: RefusalReason, handshake: &Handshake) -> Refusal {
    if reason == RefusalReason::OriginForbidden {
        log_origin(handshake.request.headers());
    }
    Refusal::unauthenticated(reason).about(fault(reason))
}

/// Returns the header that is at fault for a refusal, and its problem. Returns `None` for a reason
/// that no header causes.
pub(super) fn fault(reason: RefusalReason) -> Option<Fault> {
    let (header, problem) = match reason {
        RefusalReason::CredentialAmbiguous => ("cookie", Problem::Ambiguous),
        RefusalReason::CredentialMissing => ("cookie", Problem::Missing),
        RefusalReason::OriginForbidden => ("origin", Problem::NotAllowed),
        RefusalReason::SessionUnknown => ("cookie", Problem::Malformed),
        _ => return None,
    };
    Some(Fault::new(Part::Header, header, problem))
}

/// Logs for the operator how to allow the page that sent the cookie.
fn log_origin(headers: &Headers) {
    // Only a valid origin is logged, because the header is untrusted and may contain any text.
    let is_origin = |origin: &&str| origin.len() <= 255 && Origins::is_origin(origin);
    let origin = headers.get_str("origin").filter(is_origin);
    info!(
        ?origin,
        "A session cookie was ignored, because the origin of the page is not allowed. If the page is yours, allow \
         its origin: `origins.allow` in the configuration, or `Origins` in a program."
    );
}
