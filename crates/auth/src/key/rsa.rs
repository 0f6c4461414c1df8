//! Reads RSA keys and rejects weak ones.
//!
//! The key is parsed here, because the cryptography library accepts exponents and moduli that are
//! known to be weak. Start reading at [`parse`].

use aws_lc_rs::signature::{ParsedPublicKey, RsaParameters, RsaPublicKeyComponents};

use crate::key::error::KeyError;

/// Creates a key from a modulus and an exponent, which are big-endian and have no leading zeros.
/// Fails if one of them is weak or malformed.
pub(super) fn parse(
    padding: &'static RsaParameters,
    modulus: &[u8],
    exponent: &[u8],
) -> Result<ParsedPublicKey, KeyError> {
    let (Some(first), Some(last)) = (modulus.first(), modulus.last()) else {
        return Err(KeyError::NotRsa);
    };
    // The product of two odd primes is odd. A leading zero would make `bits` wrong.
    if *first == 0 || last % 2 == 0 {
        return Err(KeyError::NotRsa);
    }
    let bits = modulus.len() * 8 - usize::try_from(first.leading_zeros()).unwrap_or(8);
    if !(2048..=8192).contains(&bits) {
        return Err(KeyError::RsaSize { bits });
    }
    if !is_good_exponent(exponent) {
        return Err(KeyError::RsaExponent);
    }
    if is_roca(modulus) {
        return Err(KeyError::RsaRoca);
    }
    RsaPublicKeyComponents { n: modulus, e: exponent }
        .to_parsed_public_key(padding)
        .map_err(|_rejected| KeyError::NotRsa)
}

/// Returns the modulus and the exponent of a `SubjectPublicKeyInfo` (RFC 8017 appendix A.1.1).
/// Returns `None` unless `der` is strict DER of a plain RSA key.
pub(super) fn read_spki(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let info = whole(SEQUENCE, der)?;
    let bits = whole(BIT_STRING, info.strip_prefix(&RSA_ENCRYPTION)?)?;
    // The bit string starts with its number of unused bits, which is 0 for whole bytes.
    let numbers = whole(SEQUENCE, bits.strip_prefix(&[0])?)?;
    let (modulus, rest) = element(INTEGER, numbers)?;
    let exponent = whole(INTEGER, rest)?;
    Some((positive(modulus)?, positive(exponent)?))
}

/// Returns `true` if the exponent is odd, at least 65537 and at most 32 bits long.
fn is_good_exponent(exponent: &[u8]) -> bool {
    let (Some(first), Some(last)) = (exponent.first(), exponent.last()) else { return false };
    let value = exponent.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    *first != 0 && exponent.len() <= 4 && last % 2 == 1 && value >= 65_537
}

/// Returns `true` if the modulus has the fingerprint of CVE-2017-15361 (Nemec et al., "The Return
/// of Coppersmith's Attack", section 3.2).
///
/// The primes of such keys are `k * M + (65537^a mod M)`, where M is the product of the first
/// primes. Modulo each of these first primes, the modulus is therefore a power of 65537. About one
/// in 10^8 sound keys matches by chance.
fn is_roca(modulus: &[u8]) -> bool {
    SMALL_PRIMES.iter().all(|prime| {
        let remainder =
            modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let powers = std::iter::successors(Some(1), |power| Some(power * 65_537 % prime));
        // The powers repeat after fewer than `prime` steps.
        powers.take(usize::try_from(*prime).unwrap_or(0)).any(|power| power == remainder)
    })
}

/// Returns the content of the DER element at the start of `der`, and the bytes after the element.
/// Returns `None` if the element has another tag, or a length that is malformed or too large.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = der.split_first_chunk()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81 => {
            let (&[byte], rest) = rest.split_first_chunk()?;
            (usize::from((byte >= 0x80).then_some(byte)?), rest)
        }
        0x82 => {
            let (bytes, rest) = rest.split_first_chunk()?;
            let length = u16::from_be_bytes(*bytes);
            (usize::from((length >= 0x100).then_some(length)?), rest)
        }
        // Lengths of two bytes suffice, because a key of 8192 bits has about 1100 bytes.
        _ => return None,
    };
    (found == tag).then(|| rest.split_at_checked(length))?
}

/// Returns the content of the DER element `der`. Returns `None` as [`element`] does, or if bytes
/// follow the element.
fn whole(tag: u8, der: &[u8]) -> Option<&[u8]> {
    element(tag, der).filter(|(_, rest)| rest.is_empty()).map(|(content, _)| content)
}

/// Returns a DER integer without the leading zero that marks it as positive. Returns `None` if the
/// number is negative, zero or not in its shortest form.
fn positive(number: &[u8]) -> Option<&[u8]> {
    match number {
        [0, rest @ ..] if rest.first().is_some_and(|byte| *byte >= 0x80) => Some(rest),
        [1..=0x7f, ..] => Some(number),
        _ => None,
    }
}

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const INTEGER: u8 = 0x02;

/// Algorithm identifier rsaEncryption with its parameters NULL (RFC 3279 section 2.3.1).
const RSA_ENCRYPTION: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// Odd primes that divide the M of [`is_roca`] for every key length. For the shortest keys, M is
/// the product of the first 39 primes, which are these and 2.
const SMALL_PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

#[cfg(test)]
mod tests;
