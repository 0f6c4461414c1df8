//! Sign-in service, with the components and helpers that its modules share.
//!
//! `registering`, `authenticating` and `recovering` verify proofs of identity, and `signing_in` creates a session for a
//! proof. Start reading at [`signing_in`].

pub(crate) mod authenticating;
pub(crate) mod recovering;
pub(crate) mod registering;
mod signing_in;

use std::{error::Error, iter, net::IpAddr, sync::Arc, time::Duration};

use doorward::{
    __private::Budget,
    UserId,
    audit::Decision,
    auth::{Issuer, Origins, RefusalReason, SessionCookie},
    server::{Clock, Entropy},
    session::{CreateSessionError, Session, Sessions, Tickets},
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
    username::Username,
    wire::{Failure, Result, SignInCode},
};

/// State that all clones of an [`Identity`](crate::Identity) share.
pub(crate) struct Service {
    pub(crate) accounts: Arc<dyn AccountStore>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) tickets: Tickets,
    pub(crate) cookie: SessionCookie,
    pub(crate) origins: Arc<Origins>,
    /// Origin of the server's own pages.
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
    pub(crate) is_sign_up_open: bool,
    /// Time for which a sign-in counts as fresh.
    pub(crate) fresh_for: Duration,
}

impl Service {
    /// Checks that the last sign-in of a session is at most [`fresh_for`](Self::fresh_for) ago. Fails with
    /// `ReauthenticationRequired` otherwise.
    pub(crate) fn check_fresh(&self, session: &Session) -> Result<()> {
        let until = session.signed_in_at.checked_add(self.fresh_for);
        // A sign-in in the future, after the clock was set back, does not count as fresh.
        let is_past = session.signed_in_at <= self.clock.wall();
        if is_past && until.is_some_and(|until| self.clock.wall() <= until) {
            return Ok(());
        }
        Err(SignInCode::ReauthenticationRequired.into())
    }

    /// Checks that a client may start a ceremony, and takes one attempt from its budget. Pages of other sites are
    /// rejected first, so that they cannot use up the budget of their visitors' network.
    pub(crate) fn check_begin(&self, client: &Client) -> Result<()> {
        if client.is_foreign(&self.origins) {
            return Err(SignInCode::Forbidden.into());
        }
        self.attempt(&self.attempts.ceremonies, client)
    }

    /// Takes one attempt from the budget of the client's network. Fails if the budget is used up. A client without a
    /// known address has no budget, because all such clients would share it.
    pub(crate) fn attempt(&self, budget: &Budget<IpAddr>, client: &Client) -> Result<()> {
        let Some(network) = client.network() else { return Ok(()) };
        budget.take(&network, self.clock.now()).map_err(Failure::too_many)
    }

    /// Returns the account of a user. If the account is missing or disabled, records the rejection and fails.
    async fn usable_account(&self, user: &UserId, about: About<'_>) -> Result<Account> {
        let found = self.ask(about, self.accounts.account(user)).await?;
        let account = found.ok_or_else(|| self.refuse(about, RefusalReason::UserUnknown))?;
        if account.disabled_at.is_some() {
            return Err(self.refuse(about, RefusalReason::AccountDisabled));
        }
        Ok(account)
    }

    /// Records the rejection of a proof, and returns the failure. The client receives the same answer for all reasons.
    /// Only the audit record contains the reason.
    fn refuse(&self, about: About<'_>, reason: RefusalReason) -> Failure {
        self.records.decided(Decision::Refused(reason), about);
        SignInCode::AuthenticationFailed.into()
    }

    /// Records the rejection of an answer that belongs to no ceremony, and returns the failure.
    fn over(&self, client: &Client) -> Failure {
        let about = About { client: Some(client), ..About::default() };
        self.records.decided(Decision::Refused(RefusalReason::CeremonyUnknown), about);
        SignInCode::CeremonyOver.into()
    }

    /// Waits for the answer of a store or of another dependency, and converts its error with
    /// [`unavailable`](Self::unavailable).
    pub(crate) async fn ask<T, E: Error + 'static>(
        &self,
        about: About<'_>,
        answer: impl Future<Output = Result<T, E>>,
    ) -> Result<T> {
        answer.await.map_err(|error| self.unavailable(&error, about))
    }

    /// Records that nothing was decided because a dependency failed. Returns the failure, which is `StorageFull` if a
    /// store is full and `Unavailable` otherwise.
    pub(crate) fn unavailable(&self, cause: &(dyn Error + 'static), about: About<'_>) -> Failure {
        tracing::warn!(cause, "A sign-in could not be decided.");
        self.records.decided(Decision::Undecided(RefusalReason::Unavailable), about);
        if is_full(cause) { SignInCode::StorageFull } else { SignInCode::Unavailable }.into()
    }
}

/// Parses the user name in a request. Fails with `InvalidUsername` if the text is not a user name.
fn username(text: &str) -> Result<Username> {
    text.parse().map_err(|_malformed| SignInCode::InvalidUsername.into())
}

/// Returns an id that no account has. Ids of accounts are UUIDs, and this id is not a UUID.
fn no_user() -> UserId {
    UserId::new("no-user")
}

/// Returns `true` if a full store is among the causes of the error.
fn is_full(cause: &(dyn Error + 'static)) -> bool {
    let mut causes = iter::successors(Some(cause), |&cause| cause.source());
    causes.any(|cause| {
        matches!(cause.downcast_ref(), Some(StoreError::Full))
            || matches!(cause.downcast_ref(), Some(CreateSessionError::Full))
    })
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
