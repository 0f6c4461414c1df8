//! The service that signs people in: what it is made of, and what all its parts need.
//!
//! What it does stands in files of its own: `registering`, `authenticating`, `recovery` judge proofs,
//! `signing_in` makes sessions of them.

use std::{error::Error, sync::Arc, time::Duration};

use doorward::{
    Clock, Decision, Entropy, RefusalReason, Session,
    auth::{CreateSessionError, Issuer, Origins, SessionCookie, Sessions, Tickets},
};
use doorward_core::{AccountStore, StoreError};

use crate::{
    SignInCode,
    attempts::Attempts,
    authenticating::Authentication,
    ceremonies::Ceremonies,
    client::Client,
    decoys::Decoys,
    farewell::Farewell,
    records::{About, Records},
    recovery::Hasher,
    registering::Registration,
    relying_party::RelyingParty,
    signing_in::Hook,
    wire::Failure,
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

    /// Notes that nothing could be decided, or that nothing could be kept.
    pub(crate) fn unavailable(&self, cause: &(dyn Error + 'static), about: About<'_>) -> Failure {
        tracing::warn!(cause, "A sign-in could not be decided.");
        self.records.decided(Decision::Undecided(RefusalReason::Unavailable), about);
        if is_full(cause) { SignInCode::StorageFull } else { SignInCode::Unavailable }.into()
    }
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
    use crate::AccountError;

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
