//! Formats, parses and hashes recovery codes. Start reading at [`Hasher`].

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::hmac;
use doorward::server::{Clock, Entropy};

use crate::{
    turns::Turns,
    wire::{Result, SignInCode},
};

/// Hashes recovery codes. Only a few hashes are computed at a time, because each takes 19 MiB and some hundredths of a
/// second.
///
/// Checking a code and creating ten codes have separate queues, so that a user who repeatedly creates codes does not
/// delay the sign-ins of others.
pub(crate) struct Hasher {
    /// Queue for creating codes.
    making: Turns,
    /// Queue for checking codes.
    using: Turns,
    /// HMAC key from which the salts of unknown names are derived.
    key: hmac::Key,
}

impl Hasher {
    pub(crate) fn new(secret: &[u8; 32], clock: &Arc<dyn Clock>) -> Self {
        Self {
            making: Turns::new("make", MADE_AT_ONCE, Arc::clone(clock)),
            using: Turns::new("use", USED_AT_ONCE, Arc::clone(clock)),
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
        }
    }

    /// Returns the hash of a code that a client has sent. Fails with `Unavailable` if the queue is full, if the wait
    /// was too long, or if hashing fails.
    pub(crate) async fn hash_one(&self, code: Code, salt: [u8; 16]) -> Result<[u8; 32]> {
        let done = self.using.run(move || code.hash(&salt, &mut memory())).await;
        done.ok().flatten().ok_or_else(|| SignInCode::Unavailable.into())
    }

    /// Returns the hashes of new codes. Fails with `Unavailable` if the queue is full, if the wait was too long, or if
    /// hashing fails.
    pub(crate) async fn hash_all(&self, codes: Vec<Code>, salt: [u8; 16]) -> Result<Vec<[u8; 32]>> {
        let work = move || {
            let mut memory = memory();
            codes.iter().map(|code| code.hash(&salt, &mut memory)).collect::<Option<Vec<_>>>()
        };
        let done = self.making.run(work).await;
        done.ok().flatten().ok_or_else(|| SignInCode::Unavailable.into())
    }

    /// Returns a made-up salt for a user name without recovery codes. The same name always has the same salt.
    pub(crate) fn made_up_salt(&self, name_key: &str) -> [u8; 16] {
        let tag = hmac::sign(&self.key, name_key.as_bytes());
        let mut salt = [0; 16];
        salt.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        salt
    }
}

/// Recovery code with 80 random bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code([u8; CODE_BYTES]);

impl Code {
    /// Code that no account has.
    pub(crate) const NONE: Self = Self([0; CODE_BYTES]);

    pub(crate) fn draw(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; CODE_BYTES];
        entropy.fill(&mut bytes);
        Self(bytes)
    }

    /// Parses a code that a person has typed. Case, white space and hyphens are ignored, and letters that look like
    /// digits count as these digits (Crockford's base 32). Returns `None` for any other text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut value: u128 = 0;
        let mut digits = 0;
        for character in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let plain = match character.to_ascii_lowercase() {
                'o' => '0',
                'i' | 'l' => '1',
                other => other,
            };
            let digit = DIGITS.find(plain).and_then(|digit| u128::try_from(digit).ok())?;
            digits += 1;
            if digits > CODE_DIGITS {
                return None;
            }
            value = value << 5 | digit;
        }
        let bytes = value.to_be_bytes();
        let own = bytes.get(bytes.len() - CODE_BYTES..)?;
        (digits == CODE_DIGITS).then_some(Self(own.try_into().ok()?))
    }

    /// Formats the code in groups of four characters.
    pub(crate) fn write(&self) -> String {
        let value = self.0.iter().fold(0_u128, |value, byte| value << 8 | u128::from(*byte));
        let mut text = String::new();
        for digit in (0..CODE_DIGITS).rev() {
            let at = usize::try_from(value >> (5 * digit) & 31).unwrap_or_default();
            text.push(DIGITS.chars().nth(at).unwrap_or('0'));
            if digit % 4 == 0 && digit > 0 {
                text.push('-');
            }
        }
        text
    }

    /// Returns the hash of the code with the parameters that OWASP recommends for Argon2id, which are 19 MiB, two
    /// passes and one lane. Returns `None` if the library fails.
    fn hash(&self, salt: &[u8; 16], memory: &mut [Block]) -> Option<[u8; 32]> {
        let parameters = Params::new(BLOCKS, 2, 1, Some(32)).ok()?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
        let mut hash = [0; 32];
        argon2.hash_password_into_with_memory(&self.0, salt, &mut hash, memory).ok()?;
        Some(hash)
    }
}

/// Allocates the memory in which the codes of one turn are hashed (see [`Turns`]). It is freed when the turn ends.
///
/// The allocation is larger than needed. glibc returns blocks above 32 MiB (`DEFAULT_MMAP_THRESHOLD_MAX`) to the system
/// when they are freed, but may keep smaller blocks for each thread. Pages that are never accessed take no memory.
fn memory() -> Vec<Block> {
    let mut memory = Vec::with_capacity(33 * 1024);
    memory.resize(BLOCKS as usize, Block::new());
    memory
}

const CODE_BYTES: usize = 10;

const CODE_DIGITS: u32 = 16;

/// Alphabet of recovery codes, in lower case. It has no letters that look like digits, and no `u`.
const DIGITS: &str = "0123456789abcdefghjkmnpqrstvwxyz";

/// Memory of one hash, in blocks of 1 KiB.
const BLOCKS: u32 = 19 * 1024;

/// Maximum number of concurrent checks. Two checks use both cores of a small machine for a short time.
const USED_AT_ONCE: usize = 2;

/// Maximum number of concurrent creations, of ten codes each.
const MADE_AT_ONCE: usize = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = Code([0xff, 0x00, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0]);
        let text = code.write();

        assert_eq!(text.len(), 19);
        for typed in [
            text.clone(),
            text.to_uppercase(),
            text.replace('-', ""),
            format!(" {} ", text.replace('-', " ")),
            text.replace('0', "O").replace('1', "l"),
        ] {
            assert!(Code::parse(&typed) == Some(code), "{typed}");
        }
    }

    #[test]
    fn what_is_no_code_is_none() {
        for text in ["", "0000-0000-0000-000", "0000-0000-0000-00000", "uuuu-0000-0000-0000", "é"]
        {
            assert!(Code::parse(text).is_none(), "{text}");
        }
        assert!(Code::parse(&"0".repeat(1 << 20)).is_none());
    }

    #[test]
    fn a_hash_depends_on_code_and_salt() {
        let (one, other) = (Code([1; CODE_BYTES]), Code([2; CODE_BYTES]));

        let hash = |code: &Code, salt| code.hash(&[salt; 16], &mut memory()).unwrap();

        assert_eq!(hash(&one, 1), hash(&one, 1));
        assert_ne!(hash(&one, 1), hash(&one, 2));
        assert_ne!(hash(&one, 1), hash(&other, 1));
    }

    /// All codes of a set are hashed in the same memory, so the hash must not depend on its previous content.
    #[test]
    fn a_hash_does_not_depend_on_what_was_hashed_before() {
        let (mut used, code) = (memory(), Code([2; CODE_BYTES]));
        Code([1; CODE_BYTES]).hash(&[3; 16], &mut used).unwrap();

        assert_eq!(code.hash(&[1; 16], &mut used), code.hash(&[1; 16], &mut memory()));
    }
}
