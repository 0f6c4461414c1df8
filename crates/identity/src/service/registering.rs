//! Makes accounts, and adds passkeys to them.
//!
//! Each is two steps: options for an authenticator, and its answer. Names are taken for good only with the
//! second one, by the store, so of two who want the same name one is told that it is taken.
//! Start reading at [`Service::begin_sign_up`].

use doorward::{Decision, RefusalReason, Session, StoreError, UserId};
use doorward_core::{Account, CreateAccountError, PasskeyRecord};
use serde::Deserialize;
use webauthn_rs::prelude::{PasskeyRegistration, RegisterPublicKeyCredential, Uuid};

use super::Service;
use crate::{
    ceremony::{AnswerError, CeremonyChallenge, Purpose, Registration, Shown, Started},
    client::{Client, Handover},
    device,
    hook::Proof,
    records::About,
    username::{Username, display_name, is_name_of_another, label},
    wire::{Failure, Reply, SignInCode},
};

/// The wish for an account.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignUp {
    username: String,
    display_name: Option<String>,
    challenge: Option<String>,
}

/// The answer of an authenticator that was asked for a new passkey.
#[derive(Debug, Deserialize)]
pub(crate) struct NewPasskey {
    pub(crate) credential: RegisterPublicKeyCredential,
    /// What its owner calls it.
    pub(crate) name: Option<String>,
}

impl Service {
    /// Begins a sign-up: what is to be asked of an authenticator.
    pub(crate) async fn begin_sign_up(
        &self,
        client: &Client,
        wish: SignUp,
    ) -> Result<Reply, Failure> {
        self.check_begin(client)?;
        let handover = Handover::choose(client, self.exposes_token, wish.challenge.as_deref())?;
        let name: Username = wish
            .username
            .parse()
            .map_err(|_malformed| Failure::from(SignInCode::InvalidUsername))?;
        let display = match &wish.display_name {
            Some(wanted) => display_name(wanted).ok_or(SignInCode::InvalidDisplayName)?,
            None => name.as_str().into(),
        };
        let about = About { client: Some(client), ..About::default() };
        let id = self.draw_id();
        let user = UserId::new(id.hyphenated().to_string());
        let mut account = Account::new(user, name.as_str(), name.key(), self.clock.wall());
        account.display_name = display;
        self.check_name(&account, about).await?;
        self.check_display_name(&account, about).await?;
        let (name, shown) = (&account.name, &account.display_name);
        let started = self.relying_party.start_registration(id, name, shown, &[]);
        self.keep(client, started, Purpose::SignUp(Box::new(account), handover))
    }

    /// Makes the account, and signs its owner in.
    pub(crate) async fn finish_sign_up(
        &self,
        client: &Client,
        answer: NewPasskey,
    ) -> Result<Reply, Failure> {
        let (registration, shown) = self.judge_new(client, &answer)?;
        let Purpose::SignUp(account, handover) = registration.purpose else {
            return Err(self.refuse_new(client, RefusalReason::CeremonyUnknown));
        };
        let passkey = self.record(client, &account.id, shown, answer.name.as_deref());
        let about = About { client: Some(client), user: Some(&account.id), ..About::default() };
        // Both may have been taken since the sign-up began.
        self.check_name(&account, about).await?;
        self.check_display_name(&account, about).await?;
        self.complete(client, &account, Proof::SignUp(&passkey), handover).await
    }

    /// Stores a new account. Of two who want its name at the same moment one is refused here.
    pub(super) async fn store_account(
        &self,
        account: &Account,
        passkey: &PasskeyRecord,
        about: About<'_>,
    ) -> Result<(), Failure> {
        match self.accounts.create_account(account, passkey).await {
            Ok(()) => {}
            Err(CreateAccountError::NameTaken) => return Err(SignInCode::UsernameTaken.into()),
            Err(CreateAccountError::PasskeyTaken) => {
                let stranger = About { user: None, session: None, ..about };
                self.records.decided(Decision::Refused(RefusalReason::PasskeyTaken), stranger);
                return Err(SignInCode::RegistrationFailed.into());
            }
            Err(error) => return Err(self.unavailable(&error, about)),
        }
        self.records.decided(Decision::SignedUp, About { session: None, ..about });
        Ok(())
    }

    /// Of all who want a name the store lets one have it; who is late learns so before anything is stored.
    async fn check_name(&self, account: &Account, about: About<'_>) -> Result<(), Failure> {
        let taken = self.accounts.account_named(&account.name_key).await;
        match taken.map_err(|error| self.unavailable(&error, about))? {
            Some(_) => Err(SignInCode::UsernameTaken.into()),
            None => Ok(()),
        }
    }

    /// Others must not take a new account for another one that is there.
    async fn check_display_name(&self, account: &Account, about: About<'_>) -> Result<(), Failure> {
        let is_taken = is_name_of_another(&*self.accounts, account).await;
        match is_taken.map_err(|error| self.unavailable(&error, about))? {
            true => Err(SignInCode::InvalidDisplayName.into()),
            false => Ok(()),
        }
    }

    /// Begins to add a passkey to the account of a session whose user was there just now.
    pub(crate) async fn begin_adding(
        &self,
        client: &Client,
        session: &Session,
    ) -> Result<Reply, Failure> {
        self.check_begin(client)?;
        self.attempts.add_passkey(&session.user, self.clock.now())?;
        self.check_fresh(session)?;
        let about = About { client: Some(client), user: Some(&session.user), ..About::default() };
        let found = self.accounts.account(&session.user).await;
        let account = found.map_err(|error| self.unavailable(&error, about))?;
        let account = account.ok_or(SignInCode::NotFound)?;
        let id = Uuid::parse_str(account.id.as_str())
            .map_err(|_foreign| Failure::from(SignInCode::NotFound))?;
        let existing = self.accounts.passkeys_of(&account.id).await;
        let existing = existing.map_err(|error| self.unavailable(&error, about))?;
        if existing.len() >= MAX_PASSKEYS as usize {
            return Err(SignInCode::TooManyPasskeys.into());
        }
        let exclude: Vec<_> = existing.into_iter().map(|passkey| passkey.id).collect();
        let (name, shown) = (&account.name, &account.display_name);
        let started = self.relying_party.start_registration(id, name, shown, &exclude);
        self.keep(client, started, Purpose::Add(account.id.clone()))
    }

    /// Adds the passkey.
    pub(crate) async fn finish_adding(
        &self,
        client: &Client,
        session: &Session,
        answer: NewPasskey,
    ) -> Result<PasskeyRecord, Failure> {
        let (registration, shown) = self.judge_new(client, &answer)?;
        let Purpose::Add(user) = registration.purpose else {
            return Err(self.refuse_new(client, RefusalReason::CeremonyUnknown));
        };
        // Another user has signed in to this browser meanwhile.
        if user != session.user {
            return Err(self.refuse_new(client, RefusalReason::UserChanged));
        }
        let passkey = self.record(client, &user, shown, answer.name.as_deref());
        let session = Some(&session.id);
        let about = About { client: Some(client), user: Some(&user), session, fault: None };
        match self.accounts.add_passkey(&passkey, MAX_PASSKEYS).await {
            Ok(true) => {}
            Ok(false) => return Err(SignInCode::TooManyPasskeys.into()),
            Err(StoreError::Exists) => {
                return Err(self.refuse_new(client, RefusalReason::PasskeyTaken));
            }
            Err(error) => return Err(self.unavailable(&error, about)),
        }
        self.records.decided(Decision::PasskeyAdded, about);
        Ok(passkey)
    }

    /// Whether an answer belongs to a passkey that is to be added to an account which is there.
    pub(crate) fn is_adding(&self, client: &Client, answer: &NewPasskey) -> bool {
        let challenge = CeremonyChallenge::of(&answer.credential.response.client_data_json);
        challenge.is_some_and(|challenge| {
            self.registrations.find(client.binding, &challenge, |registration| {
                matches!(registration.purpose, Purpose::Add(_))
            }) == Some(true)
        })
    }

    /// Remembers a ceremony, for the client that has begun it.
    fn keep(
        &self,
        client: &Client,
        started: Option<Started<PasskeyRegistration>>,
        purpose: Purpose,
    ) -> Result<Reply, Failure> {
        let Started { options, challenge, state } = started.ok_or(SignInCode::Unavailable)?;
        let registration = Registration { state, purpose };
        let (network, now) = (client.network(), self.clock.now());
        self.registrations.put(client.binding, network, challenge, registration, now);
        Ok(Reply::options(options))
    }

    /// Takes the ceremony out, and then looks at the answer.
    fn judge_new(
        &self,
        client: &Client,
        answer: &NewPasskey,
    ) -> Result<(Registration, Shown), Failure> {
        let NewPasskey { credential, .. } = answer;
        let challenge = CeremonyChallenge::of(&credential.response.client_data_json)
            .ok_or_else(|| self.refuse_new(client, RefusalReason::PasskeyInvalid))?;
        let now = self.clock.now();
        let Some(begun) = self.registrations.take(client.binding, &challenge, now) else {
            return Err(self.over(client));
        };
        // The library looks at what the authenticator says; nothing else may be believed.
        let shown = self.relying_party.finish_registration(credential, &begun.state);
        let shown = shown.map_err(|error| {
            let fault = match error {
                AnswerError::Invalid(fault) => fault,
                AnswerError::Cloned | AnswerError::Downgraded => None,
            };
            let about = About { client: Some(client), fault, ..About::default() };
            self.records.decided(Decision::Refused(RefusalReason::PasskeyInvalid), about);
            Failure::from(SignInCode::RegistrationFailed)
        })?;
        Ok((begun, shown))
    }

    fn record(
        &self,
        client: &Client,
        user: &UserId,
        shown: Shown,
        name: Option<&str>,
    ) -> PasskeyRecord {
        let Shown { id, key, is_synced } = shown;
        let name = name.and_then(label);
        let user_agent = client.user_agent.as_deref();
        let name = name.or_else(|| user_agent.and_then(device::describe).map(Into::into));
        PasskeyRecord {
            id,
            user: user.clone(),
            name: name.unwrap_or_else(|| "Passkey".into()),
            created_at: self.clock.wall(),
            used_at: None,
            is_synced,
            key,
        }
    }

    fn refuse_new(&self, client: &Client, reason: RefusalReason) -> Failure {
        let about = About { client: Some(client), ..About::default() };
        self.records.decided(Decision::Refused(reason), about);
        SignInCode::RegistrationFailed.into()
    }

    /// Draws the id of an account: a UUID of version 4 (RFC 9562), which is its user handle too.
    fn draw_id(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes);
        // The version and variant bits.
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Uuid::from_bytes(bytes)
    }
}

/// A person has some devices and a spare key.
const MAX_PASSKEYS: u32 = 20;
