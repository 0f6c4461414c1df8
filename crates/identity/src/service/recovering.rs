//! Recovery codes: how somebody comes back who has lost every passkey.
//!
//! There are ten, each good once. They are kept as Argon2id hashes with one salt for each account, so that a
//! code is hashed once and looked up; a name that nobody has costs the same.
//! Start reading at [`Service::recover`].

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::hmac;
use doorward::{Clock, Decision, RefusalReason, Session, UserId};
use doorward_core::RecoveryCodes;
use serde::Deserialize;

use crate::{
    SignInCode, Username,
    authenticating::no_user,
    client::{Client, Handover},
    records::About,
    service::Service,
    signing_in::Proof,
    turns::Turns,
    wire::{Failure, Reply},
};

/// Who shows a recovery code.
#[derive(Deserialize)]
pub(crate) struct Recovery {
    username: String,
    code: String,
    challenge: Option<String>,
}

/// Hashes codes, a few at a time: each takes 19 MiB and some hundredths of a second.
///
/// Using a code and making ten of them do not wait for each other: a user who makes codes again and again keeps
/// no one out.
pub(crate) struct Hasher {
    making: Turns,
    using: Turns,
    /// For the salts of accounts that do not exist.
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

    /// Hashes the code that a client shows.
    async fn hash_one(&self, code: Code, salt: [u8; 16]) -> Result<[u8; 32], Failure> {
        let done = self.using.run(move || code.hash(&salt, &mut memory())).await;
        done.ok().flatten().ok_or_else(|| SignInCode::Unavailable.into())
    }

    /// Hashes new codes.
    async fn hash_all(&self, codes: Vec<Code>, salt: [u8; 16]) -> Result<Vec<[u8; 32]>, Failure> {
        let work = move || {
            let mut memory = memory();
            codes.iter().map(|code| code.hash(&salt, &mut memory)).collect::<Option<Vec<_>>>()
        };
        let done = self.making.run(work).await;
        done.ok().flatten().ok_or_else(|| SignInCode::Unavailable.into())
    }

    /// A salt that nobody can tell from a real one, always the same for the same name.
    fn made_up_salt(&self, name_key: &str) -> [u8; 16] {
        let tag = hmac::sign(&self.key, name_key.as_bytes());
        let mut salt = [0; 16];
        salt.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        salt
    }
}

impl Service {
    /// Signs somebody in by a recovery code, and uses it up.
    pub(crate) async fn recover(&self, client: &Client, shown: Recovery) -> Result<Reply, Failure> {
        let handover = Handover::choose(client, self.exposes_token, shown.challenge.as_deref())?;
        let name: Username = shown
            .username
            .parse()
            .map_err(|_malformed| Failure::from(SignInCode::InvalidUsername))?;
        let about = About { client: Some(client), ..About::default() };
        self.attempts.try_code(client.address, self.clock.now())?;
        let found = self.accounts.account_named(name.key()).await;
        let found = found.map_err(|error| self.unavailable(&error, about))?;
        let owner = found.as_ref().map_or_else(no_user, |account| account.id.clone());
        let about = About { user: found.as_ref().map(|account| &account.id), ..about };
        let kept = self.accounts.recovery_codes(&owner).await;
        let kept = kept.map_err(|error| self.unavailable(&error, about))?;
        let salt = match kept.hashes.is_empty() {
            true => self.hasher.made_up_salt(name.key()),
            false => kept.salt,
        };
        // What cannot be a code is hashed as one that nobody has.
        let code = Code::parse(&shown.code).unwrap_or(Code([0; CODE_BYTES]));
        let hash = self.hasher.hash_one(code, salt).await?;
        if !kept.hashes.contains(&hash) {
            return Err(self.refuse(about, RefusalReason::RecoveryCodeInvalid));
        }
        let account = self.usable_account(&owner, about).await?;
        self.complete(client, &account, Proof::RecoveryCode(&hash), handover).await
    }

    /// Takes a code that was there. Of two who show it at the same moment one is refused here.
    pub(crate) async fn use_code(
        &self,
        owner: &UserId,
        hash: &[u8; 32],
        about: About<'_>,
    ) -> Result<(), Failure> {
        let taken = self.accounts.take_recovery_code(owner, hash).await;
        match taken.map_err(|error| self.unavailable(&error, about))? {
            true => Ok(()),
            false => Err(self.refuse(about, RefusalReason::RecoveryCodeInvalid)),
        }
    }

    /// Makes new codes for the user of a session who was there just now. Older ones are worth nothing.
    pub(crate) async fn make_recovery_codes(
        &self,
        client: &Client,
        session: &Session,
    ) -> Result<Vec<String>, Failure> {
        self.check_fresh(session)?;
        self.attempts.make_codes(&session.user, self.clock.now())?;
        let mut salt = [0; 16];
        self.entropy.fill(&mut salt);
        let codes: Vec<_> = (0..CODES).map(|_| self.draw_code()).collect();
        let shown = codes.iter().map(Code::write).collect();
        let hashes = self.hasher.hash_all(codes, salt).await?;
        let user = &session.user;
        let about = About {
            client: Some(client),
            user: Some(user),
            session: Some(&session.id),
            fault: None,
        };
        let codes = RecoveryCodes { salt, hashes };
        let is_there = self.accounts.put_recovery_codes(user, &codes).await;
        if !is_there.map_err(|error| self.unavailable(&error, about))? {
            return Err(SignInCode::NotFound.into());
        }
        self.records.decided(Decision::RecoveryCodesMade, about);
        Ok(shown)
    }

    fn draw_code(&self) -> Code {
        let mut bytes = [0; CODE_BYTES];
        self.entropy.fill(&mut bytes);
        Code(bytes)
    }
}

/// One code: 80 random bits.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Code([u8; CODE_BYTES]);

impl Code {
    /// Reads what a person has typed: in groups or not, in any case, with letters for the digits that they
    /// look like (Crockford's base 32).
    fn parse(text: &str) -> Option<Self> {
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

    /// Writes it in groups of four.
    fn write(&self) -> String {
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

    /// OWASP's parameters for Argon2id: 19 MiB, two passes, one lane.
    fn hash(&self, salt: &[u8; 16], memory: &mut [Block]) -> Option<[u8; 32]> {
        let parameters = Params::new(BLOCKS, 2, 1, Some(32)).ok()?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
        let mut hash = [0; 32];
        argon2.hash_password_into_with_memory(&self.0, salt, &mut hash, memory).ok()?;
        Some(hash)
    }
}

/// The memory of one turn, which is given back with it.
///
/// More is asked for than is used. glibc takes what is above 32 MiB (`DEFAULT_MMAP_THRESHOLD_MAX`) from the system
/// and gives it back when it is freed; less than that it keeps, once for each thread. Pages that are never touched
/// cost nothing.
fn memory() -> Vec<Block> {
    let mut memory = Vec::with_capacity(33 * 1024);
    memory.resize(BLOCKS as usize, Block::new());
    memory
}

/// How many there are.
const CODES: usize = 10;

const CODE_BYTES: usize = 10;

const CODE_DIGITS: u32 = 16;

/// Without letters that look like digits, and without u.
const DIGITS: &str = "0123456789abcdefghjkmnpqrstvwxyz";

/// Of 1 KiB each.
const BLOCKS: u32 = 19 * 1024;

/// Both cores of a small machine, for a moment.
const USED_AT_ONCE: usize = 2;

/// Ten codes one after the other.
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

    /// The memory of a turn is used for all of its codes: what an earlier one has left must not matter.
    #[test]
    fn a_hash_does_not_depend_on_what_was_hashed_before() {
        let (mut used, code) = (memory(), Code([2; CODE_BYTES]));
        Code([1; CODE_BYTES]).hash(&[3; 16], &mut used).unwrap();

        assert_eq!(code.hash(&[1; 16], &mut used), code.hash(&[1; 16], &mut memory()));
    }
}
