//! Decides whether an RSA key is one, and strong enough.
//!
//! The key is taken apart by hand, because its numbers have to be looked at: the library takes
//! exponents and moduli that are known to be weak.
//! Start reading at [`parse`].

use aws_lc_rs::signature::{ParsedPublicKey, RsaParameters, RsaPublicKeyComponents};

use super::KeyError;

/// Takes a modulus and an exponent, big-endian and without leading zeros.
pub(super) fn parse(
    padding: &'static RsaParameters,
    modulus: &[u8],
    exponent: &[u8],
) -> Result<ParsedPublicKey, KeyError> {
    let (Some(first), Some(last)) = (modulus.first(), modulus.last()) else {
        return Err(KeyError::NotRsa);
    };
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

/// Takes the two numbers out of a `SubjectPublicKeyInfo` (RFC 8017 appendix A.1.1); `None` when it is
/// anything but that of a plain RSA key in DER.
pub(super) fn read_spki(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let info = whole(SEQUENCE, der)?;
    let bits = whole(BIT_STRING, info.strip_prefix(&RSA_ENCRYPTION)?)?;
    // A string of whole bytes: no bit of the last one is unused.
    let numbers = whole(SEQUENCE, bits.strip_prefix(&[0])?)?;
    let (modulus, rest) = element(INTEGER, numbers)?;
    let exponent = whole(INTEGER, rest)?;
    Some((positive(modulus)?, positive(exponent)?))
}

/// Odd, from 65537 to 32 bits.
fn is_good_exponent(exponent: &[u8]) -> bool {
    let (Some(first), Some(last)) = (exponent.first(), exponent.last()) else { return false };
    let value = exponent.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    *first != 0 && exponent.len() <= 4 && last % 2 == 1 && value >= 65_537
}

/// Whether the modulus has the fingerprint of the keys of CVE-2017-15361 (Nemec et al., "The Return of
/// Coppersmith's Attack", section 3.2).
///
/// Their primes are `k * M + (65537^a mod M)`, with M the product of the first primes; so modulo each
/// of those the modulus is a power of 65537. Of other keys that is true once in 10^8 times.
fn is_roca(modulus: &[u8]) -> bool {
    SMALL_PRIMES.iter().all(|prime| {
        let remainder =
            modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let powers = std::iter::successors(Some(1), |power| Some(power * 65_537 % prime));
        // The powers come round to 1 again after fewer steps than the prime.
        powers.take(usize::try_from(*prime).unwrap_or(0)).any(|power| power == remainder)
    })
}

/// Reads one element of DER with this tag: what is in it, and what follows.
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
        _ => return None,
    };
    (found == tag).then(|| rest.split_at_checked(length))?
}

/// Reads one element with nothing behind it.
fn whole(tag: u8, der: &[u8]) -> Option<&[u8]> {
    element(tag, der).filter(|(_, rest)| rest.is_empty()).map(|(content, _)| content)
}

/// Takes the leading zero off that keeps a number positive; `None` when it is none, or one too many.
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

/// The algorithm rsaEncryption, with its parameters NULL (RFC 3279 section 2.3.1).
const RSA_ENCRYPTION: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// The primes that all of those keys share, however long they are: M of the shortest has 39 primes, of
/// which 2 says nothing.
const SMALL_PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

#[cfg(test)]
mod tests;
