//! Writes a key ring as text, and reads it back.
//!
//! The text is PEM (RFC 7468). A line before each public key states until when the key is trusted,
//! and other tools skip this line. Any other content is rejected, so that a damaged file does not
//! lose a key silently.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::key::{
    error::KeyError,
    public::PublicKey,
    ring::{
        error::KeyRingError,
        trusted::{Retiring, Trusted},
    },
    signing::SigningKey,
};

pub(super) fn write(trusted: &Trusted) -> Result<String, KeyError> {
    let mut parts = vec![trusted.current.to_pkcs8_pem()?];
    parts.extend(trusted.retiring.iter().map(|old| {
        let until = old.until.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        // The time is rounded up, because a token that expires within this second is still valid.
        let seconds = until.as_secs().saturating_add(u64::from(until.subsec_nanos() > 0));
        format!("{TRUSTED_UNTIL}{seconds}\n{}", old.key.to_pem())
    }));
    Ok(parts.concat())
}

pub(super) fn read(text: &str) -> Result<Trusted, KeyRingError> {
    let mut parts = text.split(TRUSTED_UNTIL);
    let current = match parts.next().map(str::trim) {
        None | Some("") => return Err(KeyRingError::Shape),
        // `from_pkcs8_pem` rejects any text around the block.
        Some(private) => SigningKey::from_pkcs8_pem(private)?,
    };
    let retiring: Vec<_> = parts.map(read_retiring).collect::<Result<_, _>>()?;
    // A duplicate key would have two expiry times, or would be both current and old.
    let mut ids: Vec<_> = retiring.iter().map(|old| old.key.id()).collect();
    ids.push(current.id());
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(KeyRingError::Twice);
    }
    Ok(Trusted { current: Arc::new(current), retiring })
}

/// Reads an old key from whole seconds since 1970, a line break, and a block `PUBLIC KEY`.
fn read_retiring(part: &str) -> Result<Retiring, KeyRingError> {
    let (seconds, pem) = part.split_once('\n').ok_or(KeyRingError::Shape)?;
    let until = seconds
        .trim_end()
        .parse()
        .ok()
        .and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)))
        .ok_or(KeyRingError::Shape)?;
    Ok(Retiring { key: PublicKey::from_pem(pem)?, until })
}

const TRUSTED_UNTIL: &str = "Trusted-Until: ";
