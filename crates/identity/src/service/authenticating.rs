//! Signs users in with passkeys, with or without a user name.
//!
//! For an unknown user name, the options for the authenticator list made-up passkeys. An answer with an unknown passkey
//! is verified with a decoy key. Neither the responses nor their cost reveal which users exist. Start reading at
//! [`Service::begin_sign_in`].

use doorward::auth::RefusalReason;
use doorward_core::{CredentialId, Fault, Part, PasskeyRecord, PasskeyUse, Problem};
use serde::Deserialize;
use webauthn_rs::prelude::{PublicKeyCredential, Uuid};

use super::{Service, no_user, username};
use crate::{
    ceremony::{AnswerError, Authentication, CeremonyChallenge, Started, Wanted},
    client::{Client, Handover},
    hook::Proof,
    records::About,
    username::Username,
    wire::{Reply, Result, SignInCode},
};

/// Request to sign in.
#[derive(Debug, Deserialize)]
pub(crate) struct SignIn {
    /// User name. Without a name, any passkey of this server is accepted.
    username: Option<String>,
    /// SHA-256 of the verifier with which the page will redeem its ticket, in base64url.
    challenge: Option<String>,
}

/// Answer of an authenticator that uses a passkey to sign in.
#[derive(Debug, Deserialize)]
pub(crate) struct KnownPasskey {
    credential: PublicKeyCredential,
}

impl Service {
    /// Starts a sign-in, and returns the options for the authenticator.
    pub(crate) async fn begin_sign_in(&self, client: &Client, wish: SignIn) -> Result<Reply> {
        self.check_begin(client)?;
        let handover = Handover::choose(client, self.exposes_token, wish.challenge.as_deref())?;
        let (wanted, allowed) = match wish.username.as_deref().filter(|name| !name.is_empty()) {
            None => (Wanted::AnyUser, Vec::new()),
            Some(name) => self.passkeys_of_name(client, &username(name)?).await?,
        };
        let started = self.relying_party.start_authentication(&allowed);
        let Started { options, challenge, state } = started.ok_or(SignInCode::Unavailable)?;
        let begun = Authentication { state, wanted, handover };
        let (network, now) = (client.network(), self.clock.now());
        self.authentications.put(client.binding, network, challenge, begun, now);
        Ok(Reply::options(options))
    }

    /// Returns the user whose passkey is accepted for the name, and the ids of the passkeys to list in the options. An
    /// unknown name causes the same work as a known name.
    async fn passkeys_of_name(
        &self,
        client: &Client,
        name: &Username,
    ) -> Result<(Wanted, Vec<CredentialId>)> {
        let about = About { client: Some(client), ..About::default() };
        let made_up = self.decoys.of(name.key());
        let found = self.ask(about, self.accounts.account_named(name.key())).await?;
        let owner = found.as_ref().map_or_else(no_user, |account| account.id.clone());
        let passkeys = self.ask(about, self.accounts.passkeys_of(&owner)).await?;
        // An account without passkeys looks like an account that does not exist.
        let allowed = match passkeys.is_empty() {
            true => made_up,
            false => passkeys.into_iter().map(|passkey| passkey.id).collect(),
        };
        Ok((found.map_or(Wanted::NoUser, |account| Wanted::User(account.id)), allowed))
    }

    /// Verifies the answer of an authenticator, and signs in the owner of the passkey.
    pub(crate) async fn finish_sign_in(
        &self,
        client: &Client,
        answer: KnownPasskey,
    ) -> Result<Reply> {
        let KnownPasskey { credential } = answer;
        let stranger = About { client: Some(client), ..About::default() };
        let challenge = CeremonyChallenge::of(&credential.response.client_data_json)
            .ok_or_else(|| self.refuse(stranger, RefusalReason::PasskeyInvalid))?;
        // The ceremony is removed before the answer is verified, so that a second answer is rejected.
        let begun = self.authentications.take(client.binding, &challenge, self.clock.now());
        let Authentication { state, wanted, handover } = begun.ok_or_else(|| self.over(client))?;
        let id = CredentialId::checked(credential.raw_id.as_ref() as &[u8])
            .ok_or_else(|| self.refuse(stranger, RefusalReason::PasskeyInvalid))?;
        let found = self.ask(stranger, self.accounts.passkey(&id)).await?;
        let about = About { user: found.as_ref().map(|passkey| &passkey.user), ..stranger };
        let key = found.as_ref().map(|passkey| &*passkey.key);
        let result = self.relying_party.finish_authentication(&credential, state, key);
        let shown = result.map_err(|error| {
            let (reason, fault) = match error {
                AnswerError::Cloned => (RefusalReason::PasskeyCloned, None),
                AnswerError::Downgraded => (RefusalReason::PasskeyDowngraded, Some(DOWNGRADED)),
                AnswerError::Invalid(_) if found.is_none() => (RefusalReason::PasskeyUnknown, None),
                AnswerError::Invalid(fault) => (RefusalReason::PasskeyInvalid, fault),
            };
            self.refuse(About { fault, ..about }, reason)
        })?;
        let unknown = |fault| self.refuse(About { fault, ..about }, RefusalReason::PasskeyUnknown);
        let passkey = found.as_ref().ok_or_else(|| unknown(None))?;
        check_owner(passkey, &wanted, credential.get_user_unique_id()).map_err(unknown)?;
        let account = self.usable_account(&passkey.user, about).await?;
        let (before, after) = (&*passkey.key, &*shown.key);
        let signed_in =
            PasskeyUse { before, after, is_synced: shown.is_synced, at: self.clock.wall() };
        if !self.ask(about, self.accounts.record_use(&passkey.id, signed_in)).await? {
            // Another sign-in has changed the counter since it was read, or the passkey was removed.
            return Err(self.refuse(about, RefusalReason::PasskeyCloned));
        }
        self.complete(client, &account, Proof::Passkey, handover).await
    }
}

/// Checks that the passkey belongs to the accepted user, and that the user handle of the answer names the same user
/// (Web Authentication Level 3, section 7.2, step 6). If the client gave no name, the user handle is required, because
/// nothing else identifies the user. Fails with the part at fault, if a part of the answer is at fault. An empty user
/// handle counts as missing, because some password managers send one if they have no value.
fn check_owner(
    passkey: &PasskeyRecord,
    wanted: &Wanted,
    user_handle: Option<&[u8]>,
) -> Result<(), Option<Fault>> {
    let wrong = |problem| Err(Some(Fault::new(Part::Member, "userHandle", problem)));
    let owner = Uuid::parse_str(passkey.user.as_str()).ok();
    let user_handle = user_handle.filter(|handle| !handle.is_empty());
    let agrees = user_handle.map(|handle| owner.is_some_and(|owner| owner.as_bytes() == handle));
    match (wanted, agrees) {
        (Wanted::NoUser, _) => Err(None),
        (Wanted::User(user), _) if *user != passkey.user => Err(None),
        (_, Some(false)) => wrong(Problem::Mismatch),
        (Wanted::AnyUser, None) => wrong(Problem::Missing),
        (Wanted::AnyUser, Some(true)) | (Wanted::User(_), None | Some(true)) => Ok(()),
    }
}

/// Fault of an answer which states that the passkey is no longer eligible for backup.
const DOWNGRADED: Fault = Fault::new(Part::Flag, "backup_eligible", Problem::Changed);
