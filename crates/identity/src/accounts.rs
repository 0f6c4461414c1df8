//! Manages accounts for operators.
//!
//! Disabling or removing an account ends all of its sessions, tokens and sockets. The account is disabled first, so
//! that no new session can start afterwards. Start reading at [`Accounts::disable`].

use std::sync::Arc;

use doorward::{
    BoxError, Principals, Revoke, UserId,
    access::{Revocation, RevokeError},
    audit::Decision,
    store::StoreError,
};
use doorward_core::Account;

use crate::{
    records::About,
    service::Service,
    username::{Username, UsernameError},
};

/// Manages the accounts of a sign-in service. [`Identity::accounts`](crate::Identity::accounts) returns it.
///
/// # Examples
/// ```
/// use doorward_identity::{AccountError, Accounts};
///
/// async fn fire(accounts: &Accounts, name: &str) -> Result<(), AccountError> {
///     if let Some(account) = accounts.named(name).await? {
///         accounts.disable(&account.id).await?;
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Accounts {
    service: Arc<Service>,
    principals: Principals,
}

impl Accounts {
    pub(crate) fn new(service: Arc<Service>, principals: Principals) -> Self {
        Self { service, principals }
    }

    /// Returns up to `limit` accounts, sorted by user name. The list starts after the user name `after`, or at the
    /// first account if `after` is `None`.
    ///
    /// # Errors
    /// - [`AccountError::Name`]: `after` cannot be a user name.
    /// - [`AccountError::Store`]: the store did not answer.
    pub async fn list(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Account>, AccountError> {
        let after: Option<Username> = after.map(str::parse).transpose()?;
        let after = after.as_ref().map(Username::key);
        Ok(self.service.accounts.list_accounts(after, limit).await?)
    }

    /// Returns the account with this user name. Returns `None` if there is no such account. Case is ignored.
    ///
    /// # Errors
    /// - [`AccountError::Name`]: `name` cannot be a user name.
    /// - [`AccountError::Store`]: the store did not answer.
    pub async fn named(&self, name: &str) -> Result<Option<Account>, AccountError> {
        let name: Username = name.parse()?;
        Ok(self.service.accounts.account_named(name.key()).await?)
    }

    /// Disables an account, so that its user can no longer sign in. Ends all sessions, tokens and sockets of the
    /// account. Returns `None` if there is no such account.
    ///
    /// When this method returns, the sessions and tokens have ended. The sockets have closed on all servers except
    /// those in [`Revocation::missing`].
    ///
    /// # Errors
    /// [`AccountError::Store`], [`AccountError::Revoke`]: the change may or may not have happened. Try again.
    pub async fn disable(&self, id: &UserId) -> Result<Option<Revocation>, AccountError> {
        let now = self.service.clock.wall();
        if !self.service.accounts.set_disabled(id, Some(now)).await? {
            return Ok(None);
        }
        self.note(Decision::AccountDisabled, id);
        self.end_everything(id).await.map(Some)
    }

    /// Enables an account again. Returns `false` if there is no such account.
    ///
    /// # Errors
    /// [`AccountError::Store`] if the store did not answer.
    pub async fn enable(&self, id: &UserId) -> Result<bool, AccountError> {
        let is_there = self.service.accounts.set_disabled(id, None).await?;
        if is_there {
            self.note(Decision::AccountEnabled, id);
        }
        Ok(is_there)
    }

    /// Removes an account with its passkeys and recovery codes. The user name becomes available to other users. Returns
    /// `None` if there is no such account.
    ///
    /// The account is disabled first, so that nothing is written for its user while the
    /// [hook](crate::IdentityBuilder::on_account_removed) of the application deletes the data of the user.
    ///
    /// # Errors
    /// Same as [`disable`](Self::disable), or [`AccountError::Application`] if the hook failed. The account then still
    /// exists and is disabled.
    pub async fn remove(&self, id: &UserId) -> Result<Option<Revocation>, AccountError> {
        let Some(revocation) = self.disable(id).await? else { return Ok(None) };
        if let Some(farewell) = &self.service.farewell {
            let forgotten = farewell.bid(id, &*self.service.clock).await;
            forgotten.map_err(AccountError::Application)?;
        }
        self.service.accounts.remove_account(id).await?;
        self.note(Decision::AccountRemoved, id);
        Ok(Some(revocation))
    }

    async fn end_everything(&self, id: &UserId) -> Result<Revocation, AccountError> {
        let revocation = self.principals.revoke(Revoke::User(id.clone())).await?;
        // If revocations and sessions are in separate stores, the sessions still exist.
        self.service.sessions.end_user(id).await?;
        Ok(revocation)
    }

    fn note(&self, decision: Decision, id: &UserId) {
        self.service.records.decided(decision, About { user: Some(id), ..About::default() });
    }
}

doorward_core::debug_fields!(Accounts {});

/// Error returned by the methods of [`Accounts`].
///
/// # Examples
/// ```
/// use doorward::store::StoreError;
/// use doorward_identity::AccountError;
///
/// assert_eq!(AccountError::from(StoreError::Full).to_string(), "the accounts cannot be reached");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// The hook of the application could not delete the data of the user. The account was not removed, and is disabled.
    #[error("the application cannot forget the user now; the account is disabled")]
    Application(#[source] BoxError),
    /// The text cannot be a user name.
    #[error("this can be no user name")]
    Name(#[from] UsernameError),
    /// The account is disabled, but its sessions, tokens and sockets may not have ended. Try again.
    #[error("the account is changed, but its sessions may not have ended")]
    Revoke(#[from] RevokeError),
    /// The account store or the session store failed. The value is the cause.
    #[error("the accounts cannot be reached")]
    Store(#[from] StoreError),
}
