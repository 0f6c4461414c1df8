//! Decides how recovery codes are written, parsed and hashed. Start reading at [`Hasher`].

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::hmac;
use doorward::server::{Clock, Entropy};

use crate::{
    turns::Turns,
    wire::{Failure, SignInCode},
};

/// Hashes codes, a few at a time: each takes 19 MiB and some hundredths of a second.
///
/// Checking a code and creating ten of them have separate queues: a user who creates codes again and again delays
/// no sign-in.
pub(crate) struct Hasher {
    making: Turns,
    using: Turns,
    /// Key of the salts of unknown accounts.
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

    /// Hashes the code of a client.
    pub(crate) async fn hash_one(&self, code: Code, salt: [u8; 16]) -> Result<[u8; 32], Failure> {
        let done = self.using.run(move || code.hash(&salt, &mut memory())).await;
        done.ok().flatten().ok_or_else(|| SignInCode::Unavailable.into())
    }

    /// Hashes new codes.
    pub(crate) async fn hash_all(
        &self,
        codes: Vec<Code>,
        salt: [u8; 16],
    ) -> Result<Vec<[u8; 32]>, Failure> {
        let work = move || {
            let mut memory = memory();
            codes.iter().map(|code| code.hash(&salt, &mut memory)).collect::<Option<Vec<_>>>()
        };
        let done = self.making.run(work).await;
        done.ok().flatten().ok_or_else(|| SignInCode::Unavailable.into())
    }

    /// Returns a salt for an unknown name. It is always the same for the same name and looks like a real one.
    pub(crate) fn made_up_salt(&self, name_key: &str) -> [u8; 16] {
        let tag = hmac::sign(&self.key, name_key.as_bytes());
        let mut salt = [0; 16];
        salt.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        salt
    }
}

/// A code of 80 random bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code([u8; CODE_BYTES]);

impl Code {
    /// A code that no account has.
    pub(crate) const NONE: Self = Self([0; CODE_BYTES]);

    pub(crate) fn draw(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; CODE_BYTES];
        entropy.fill(&mut bytes);
        Self(bytes)
    }

    /// Parses a code as typed by a person: with or without groups, in any case, and with letters for the digits
    /// that they look like (Crockford's base 32).
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

    /// Formats the code in groups of four.
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

    /// Parameters that OWASP recommends for Argon2id: 19 MiB, two passes, one lane.
    fn hash(&self, salt: &[u8; 16], memory: &mut [Block]) -> Option<[u8; 32]> {
        let parameters = Params::new(BLOCKS, 2, 1, Some(32)).ok()?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
        let mut hash = [0; 32];
        argon2.hash_password_into_with_memory(&self.0, salt, &mut hash, memory).ok()?;
        Some(hash)
    }
}

/// Allocates the memory of one turn, which is freed with it.
///
/// The allocation is larger than needed. glibc takes blocks above 32 MiB (`DEFAULT_MMAP_THRESHOLD_MAX`) from the
/// system and returns them when they are freed; smaller ones stay with each thread. Pages that are never touched
/// cost nothing.
fn memory() -> Vec<Block> {
    let mut memory = Vec::with_capacity(33 * 1024);
    memory.resize(BLOCKS as usize, Block::new());
    memory
}

const CODE_BYTES: usize = 10;

const CODE_DIGITS: u32 = 16;

/// Alphabet without letters that look like digits, and without u.
const DIGITS: &str = "0123456789abcdefghjkmnpqrstvwxyz";

/// Blocks of 1 KiB.
const BLOCKS: u32 = 19 * 1024;

/// Concurrent checks: both cores of a small machine, for a moment.
const USED_AT_ONCE: usize = 2;

/// Concurrent creations, of ten codes each.
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

    /// The memory of a turn is reused for all of its codes: the content from an earlier one must not matter.
    #[test]
    fn a_hash_does_not_depend_on_what_was_hashed_before() {
        let (mut used, code) = (memory(), Code([2; CODE_BYTES]));
        Code([1; CODE_BYTES]).hash(&[3; 16], &mut used).unwrap();

        assert_eq!(code.hash(&[1; 16], &mut used), code.hash(&[1; 16], &mut memory()));
    }
}
