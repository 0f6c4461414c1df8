//! Signs in users who have lost all passkeys, with recovery codes.
//!
//! An account has a set of ten codes, and each code can be used once. The codes are stored as Argon2id hashes with one
//! salt per account, so that checking a code takes one hash computation. An unknown user name causes the same work as a
//! known name. Start reading at [`Service::recover`].

use doorward::{UserId, audit::Decision, auth::RefusalReason, session::Session};
use doorward_core::RecoveryCodes;
use serde::Deserialize;

use super::{Service, no_user, username};
use crate::{
    client::{Client, Handover},
    hook::Proof,
    records::About,
    recovery_codes::Code,
    wire::{Failure, Reply, Result, SignInCode},
};

/// Request to sign in with a recovery code.
#[derive(Deserialize)]
pub(crate) struct Recovery {
    username: String,
    code: String,
    challenge: Option<String>,
}

impl Service {
    /// Signs a user in with a recovery code, and uses the code up.
    pub(crate) async fn recover(&self, client: &Client, shown: Recovery) -> Result<Reply> {
        let handover = Handover::choose(client, self.exposes_token, shown.challenge.as_deref())?;
        let name = username(&shown.username)?;
        let about = About { client: Some(client), ..About::default() };
        self.attempt(&self.attempts.codes_tried, client)?;
        let found = self.ask(about, self.accounts.account_named(name.key())).await?;
        let owner = found.as_ref().map_or_else(no_user, |account| account.id.clone());
        let about = About { user: found.as_ref().map(|account| &account.id), ..about };
        let kept = self.ask(about, self.accounts.recovery_codes(&owner)).await?;
        let salt = match kept.hashes.is_empty() {
            true => self.hasher.made_up_salt(name.key()),
            false => kept.salt,
        };
        // A malformed code is replaced by a code that no account has, so that it causes the same work.
        let code = Code::parse(&shown.code).unwrap_or(Code::NONE);
        let hash = self.hasher.hash_one(code, salt).await?;
        if !kept.hashes.contains(&hash) {
            return Err(self.refuse(about, RefusalReason::RecoveryCodeInvalid));
        }
        let account = self.usable_account(&owner, about).await?;
        self.complete(client, &account, Proof::RecoveryCode(&hash), handover).await
    }

    /// Uses up a code of the account. If two clients present the same code at the same time, one of them is rejected
    /// here.
    pub(super) async fn use_code(
        &self,
        owner: &UserId,
        hash: &[u8; 32],
        about: About<'_>,
    ) -> Result<()> {
        match self.ask(about, self.accounts.take_recovery_code(owner, hash)).await? {
            true => Ok(()),
            false => Err(self.refuse(about, RefusalReason::RecoveryCodeInvalid)),
        }
    }

    /// Creates a new set of codes for the user of a session, and returns the codes. Previous codes become invalid.
    /// Fails if the last sign-in of the session is too old.
    pub(crate) async fn make_recovery_codes(
        &self,
        client: &Client,
        session: &Session,
    ) -> Result<Vec<String>> {
        self.check_fresh(session)?;
        self.attempts
            .codes_made
            .take(&session.user, self.clock.now())
            .map_err(Failure::too_many)?;
        let mut salt = [0; 16];
        self.entropy.fill(&mut salt);
        let codes: Vec<_> = (0..CODES).map(|_| Code::draw(&*self.entropy)).collect();
        let shown = codes.iter().map(Code::write).collect();
        let hashes = self.hasher.hash_all(codes, salt).await?;
        let about = About::of(client, session);
        let codes = RecoveryCodes { salt, hashes };
        if !self.ask(about, self.accounts.put_recovery_codes(&session.user, &codes)).await? {
            return Err(SignInCode::NotFound.into());
        }
        self.records.decided(Decision::RecoveryCodesMade, about);
        Ok(shown)
    }
}

/// Number of codes in a set.
const CODES: usize = 10;
