//! Creates accounts, and adds passkeys to accounts.
//!
//! Each of the two takes two requests of the client. The first request returns options for an authenticator, and the
//! second verifies the answer of the authenticator. The account store assigns the user name in the second request. If
//! two clients ask for the same name, only one of them gets it. Start reading at [`Service::begin_sign_up`].

use doorward::{UserId, audit::Decision, auth::RefusalReason, session::Session, store::StoreError};
use doorward_core::{Account, CreateAccountError, PasskeyRecord};
use serde::Deserialize;
use webauthn_rs::prelude::{PasskeyRegistration, RegisterPublicKeyCredential, Uuid};

use super::{Service, username};
use crate::{
    ceremony::{AnswerError, CeremonyChallenge, Purpose, Registration, Shown, Started},
    client::{Client, Handover},
    device::describe_device,
    hook::Proof,
    records::About,
    username::{display_name, is_name_of_another, label},
    wire::{Failure, Reply, Result, SignInCode},
};

/// Request to create an account.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignUp {
    username: String,
    display_name: Option<String>,
    challenge: Option<String>,
}

/// Answer of an authenticator that has created a passkey.
#[derive(Debug, Deserialize)]
pub(crate) struct NewPasskey {
    pub(crate) credential: RegisterPublicKeyCredential,
    /// Name that the user has chosen for the passkey.
    pub(crate) name: Option<String>,
}

impl Service {
    /// Starts a sign-up, and returns the options for the authenticator.
    pub(crate) async fn begin_sign_up(&self, client: &Client, wish: SignUp) -> Result<Reply> {
        if !self.is_sign_up_open {
            return Err(SignInCode::SignUpClosed.into());
        }
        self.check_begin(client)?;
        let handover = Handover::choose(client, self.exposes_token, wish.challenge.as_deref())?;
        let name = username(&wish.username)?;
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

    /// Verifies the answer of an authenticator, creates the account, and signs its user in.
    pub(crate) async fn finish_sign_up(
        &self,
        client: &Client,
        answer: NewPasskey,
    ) -> Result<Reply> {
        let (registration, shown) = self.verify_new(client, &answer)?;
        let Purpose::SignUp(account, handover) = registration.purpose else {
            return Err(self.refuse_new(client, RefusalReason::CeremonyUnknown));
        };
        let passkey = self.record(client, &account.id, shown, answer.name.as_deref());
        let about = About { client: Some(client), user: Some(&account.id), ..About::default() };
        // Both names may have been taken since the start of the ceremony.
        self.check_name(&account, about).await?;
        self.check_display_name(&account, about).await?;
        self.complete(client, &account, Proof::SignUp(&passkey), handover).await
    }

    /// Stores a new account. If two clients ask for the same name at the same time, one of them is rejected here.
    pub(super) async fn store_account(
        &self,
        account: &Account,
        passkey: &PasskeyRecord,
        about: About<'_>,
    ) -> Result<()> {
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

    /// Checks that the user name of a new account is free, before anything is stored. The account store checks the name
    /// again when it stores the account.
    async fn check_name(&self, account: &Account, about: About<'_>) -> Result<()> {
        match self.ask(about, self.accounts.account_named(&account.name_key)).await? {
            Some(_) => Err(SignInCode::UsernameTaken.into()),
            None => Ok(()),
        }
    }

    /// Checks that the display name of a new account does not look like the user name of another account.
    async fn check_display_name(&self, account: &Account, about: About<'_>) -> Result<()> {
        match self.ask(about, is_name_of_another(&*self.accounts, account)).await? {
            true => Err(SignInCode::InvalidDisplayName.into()),
            false => Ok(()),
        }
    }

    /// Starts to add a passkey to the account of a session, and returns the options for the authenticator. Fails if the
    /// last sign-in of the session is too old.
    pub(crate) async fn begin_adding(&self, client: &Client, session: &Session) -> Result<Reply> {
        self.check_begin(client)?;
        let taken = self.attempts.passkeys_added.take(&session.user, self.clock.now());
        taken.map_err(Failure::too_many)?;
        self.check_fresh(session)?;
        let about = About { client: Some(client), user: Some(&session.user), ..About::default() };
        let found = self.ask(about, self.accounts.account(&session.user)).await?;
        let account = found.ok_or(SignInCode::NotFound)?;
        let id = Uuid::parse_str(account.id.as_str())
            .map_err(|_foreign| Failure::from(SignInCode::NotFound))?;
        let existing = self.ask(about, self.accounts.passkeys_of(&account.id)).await?;
        if existing.len() >= MAX_PASSKEYS as usize {
            return Err(SignInCode::TooManyPasskeys.into());
        }
        let exclude: Vec<_> = existing.into_iter().map(|passkey| passkey.id).collect();
        let (name, shown) = (&account.name, &account.display_name);
        let started = self.relying_party.start_registration(id, name, shown, &exclude);
        self.keep(client, started, Purpose::Add(account.id.clone()))
    }

    /// Verifies the answer of an authenticator, and adds the passkey to the account of the session.
    pub(crate) async fn finish_adding(
        &self,
        client: &Client,
        session: &Session,
        answer: NewPasskey,
    ) -> Result<PasskeyRecord> {
        let (registration, shown) = self.verify_new(client, &answer)?;
        let Purpose::Add(user) = registration.purpose else {
            return Err(self.refuse_new(client, RefusalReason::CeremonyUnknown));
        };
        // Another user has signed in with this browser since the start of the ceremony.
        if user != session.user {
            return Err(self.refuse_new(client, RefusalReason::UserChanged));
        }
        let passkey = self.record(client, &user, shown, answer.name.as_deref());
        let about = About::of(client, session);
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

    /// Returns `true` if an answer belongs to a ceremony that adds a passkey to an existing account.
    pub(crate) fn is_adding(&self, client: &Client, answer: &NewPasskey) -> bool {
        let challenge = CeremonyChallenge::of(&answer.credential.response.client_data_json);
        challenge.is_some_and(|challenge| {
            self.registrations.find(client.binding, &challenge, |registration| {
                matches!(registration.purpose, Purpose::Add(_))
            }) == Some(true)
        })
    }

    /// Stores a started ceremony for its client, and returns the options for the authenticator. Fails if the ceremony
    /// could not be started.
    fn keep(
        &self,
        client: &Client,
        started: Option<Started<PasskeyRegistration>>,
        purpose: Purpose,
    ) -> Result<Reply> {
        let Started { options, challenge, state } = started.ok_or(SignInCode::Unavailable)?;
        let registration = Registration { state, purpose };
        let (network, now) = (client.network(), self.clock.now());
        self.registrations.put(client.binding, network, challenge, registration, now);
        Ok(Reply::options(options))
    }

    /// Removes the ceremony to which an answer belongs, and then verifies the answer. Returns the ceremony and the new
    /// passkey.
    fn verify_new(&self, client: &Client, answer: &NewPasskey) -> Result<(Registration, Shown)> {
        let NewPasskey { credential, .. } = answer;
        let challenge = CeremonyChallenge::of(&credential.response.client_data_json)
            .ok_or_else(|| self.refuse_new(client, RefusalReason::PasskeyInvalid))?;
        let now = self.clock.now();
        let begun = self.registrations.take(client.binding, &challenge, now);
        let begun = begun.ok_or_else(|| self.over(client))?;
        // The library verifies the data that the authenticator has signed. No other data of the answer is trusted.
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
        let name = name.or_else(|| user_agent.and_then(describe_device).map(Into::into));
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

    /// Generates the id of an account, which is a version 4 UUID (RFC 9562). The id is also the user handle of the
    /// account.
    fn draw_id(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes);
        // Sets the version and variant bits.
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Uuid::from_bytes(bytes)
    }
}

/// Maximum number of passkeys per account. A person needs one for each of a few devices, and a spare key.
const MAX_PASSKEYS: u32 = 20;
