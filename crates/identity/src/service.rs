//! The service that signs people in: what it is made of, and what all its parts need.
//!
//! `registering`, `authenticating` and `recovering` judge proofs, and `signing_in` turns a proof into a session.

pub(crate) mod authenticating;
pub(crate) mod recovering;
pub(crate) mod registering;
mod signing_in;

use std::{error::Error, sync::Arc, time::Duration};

use doorward::{
    Clock, Decision, Entropy, RefusalReason, Session, UserId,
    auth::{CreateSessionError, Issuer, Origins, SessionCookie, Sessions, Tickets},
};
use doorward_core::{Account, AccountStore, StoreError};

use crate::{
    attempts::Attempts,
    ceremony::{Authentication, Ceremonies, Decoys, Registration, RelyingParty},
    client::Client,
    farewell::Farewell,
    hook::Hook,
    records::{About, Records},
    recovery_codes::Hasher,
    wire::{Failure, SignInCode},
};

/// What an [`Identity`](crate::Identity) is a handle of.
pub(crate) struct Service {
    pub(crate) accounts: Arc<dyn AccountStore>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) tickets: Tickets,
    pub(crate) cookie: SessionCookie,
    pub(crate) origins: Arc<Origins>,
    /// The origin of the server's own pages.
    pub(crate) own_origin: Box<str>,
    pub(crate) issuer: Option<Issuer>,
    pub(crate) relying_party: RelyingParty,
    pub(crate) decoys: Decoys,
    pub(crate) hasher: Hasher,
    pub(crate) registrations: Ceremonies<Registration>,
    pub(crate) authentications: Ceremonies<Authentication>,
    pub(crate) attempts: Attempts,
    pub(crate) hook: Option<Hook>,
    pub(crate) farewell: Option<Farewell>,
    pub(crate) records: Records,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) exposes_token: bool,
    /// How long a sign-in counts as fresh.
    pub(crate) fresh_for: Duration,
}

impl Service {
    /// Shows that the user of a session proved who they are not long ago.
    pub(crate) fn check_fresh(&self, session: &Session) -> Result<(), Failure> {
        let until = session.signed_in_at.checked_add(self.fresh_for);
        // A clock that was set back makes nothing fresh.
        let is_past = session.signed_in_at <= self.clock.wall();
        if is_past && until.is_some_and(|until| self.clock.wall() <= until) {
            return Ok(());
        }
        Err(SignInCode::ReauthenticationRequired.into())
    }

    /// Lets a client begin a ceremony. A page of another site spends no budget of its visitor.
    pub(crate) fn check_begin(&self, client: &Client) -> Result<(), Failure> {
        if client.is_foreign(&self.origins) {
            return Err(SignInCode::Forbidden.into());
        }
        self.attempts.begin(client.address, self.clock.now())
    }

    /// Finds the account, if its owner may sign in to it.
    async fn usable_account(&self, user: &UserId, about: About<'_>) -> Result<Account, Failure> {
        let found = self.accounts.account(user).await;
        let found = found.map_err(|error| self.unavailable(&error, about))?;
        let account = found.ok_or_else(|| self.refuse(about, RefusalReason::UserUnknown))?;
        if account.disabled_at.is_some() {
            return Err(self.refuse(about, RefusalReason::AccountDisabled));
        }
        Ok(account)
    }

    /// One answer for everything; the audit knows more.
    fn refuse(&self, about: About<'_>, reason: RefusalReason) -> Failure {
        self.records.decided(Decision::Refused(reason), about);
        SignInCode::AuthenticationFailed.into()
    }
    /// There is no ceremony that an answer could belong to.
    fn over(&self, client: &Client) -> Failure {
        let about = About { client: Some(client), ..About::default() };
        self.records.decided(Decision::Refused(RefusalReason::CeremonyUnknown), about);
        SignInCode::CeremonyOver.into()
    }

    /// Notes that nothing could be decided, or that nothing could be kept.
    pub(crate) fn unavailable(&self, cause: &(dyn Error + 'static), about: About<'_>) -> Failure {
        tracing::warn!(cause, "A sign-in could not be decided.");
        self.records.decided(Decision::Undecided(RefusalReason::Unavailable), about);
        if is_full(cause) { SignInCode::StorageFull } else { SignInCode::Unavailable }.into()
    }
}

/// A user without an account: ids of accounts are UUIDs.
fn no_user() -> UserId {
    UserId::new("no-user")
}

/// Whether a store had no room, however deep that stands in the causes.
fn is_full(cause: &(dyn Error + 'static)) -> bool {
    let mut next = Some(cause);
    while let Some(cause) = next {
        if matches!(cause.downcast_ref(), Some(StoreError::Full))
            || matches!(cause.downcast_ref(), Some(CreateSessionError::Full))
        {
            return true;
        }
        next = cause.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::AccountError;

    #[test]
    fn a_full_store_is_told_from_one_that_does_not_answer() {
        let away = || StoreError::Unavailable("it is away".into());

        assert!(is_full(&StoreError::Full));
        assert!(is_full(&CreateSessionError::from(StoreError::Full)));
        assert!(is_full(&AccountError::from(StoreError::Full)));
        assert!(is_full(&StoreError::Unavailable(StoreError::Full.into())));
        assert!(!is_full(&away()));
        assert!(!is_full(&AccountError::from(away())));
    }
}
