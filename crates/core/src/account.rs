//! Accounts as a server keeps them, and the promise of whoever stores them.
//!
//! An account is its random id; its user name is unique and may be shown. What a passkey is, how a name is
//! folded and how a code is hashed is decided in `doorward-identity`; a store only keeps, and keeps the
//! rules that must hold under any race: one name, one account; one passkey, one account; never the
//! last passkey without a recovery code; a recovery code is good once.

use std::time::SystemTime;

use crate::{
    BoxFuture, CredentialId, PasskeyRecord, PasskeyRemoval, PasskeyUse, RecoveryCodes, StoreError,
    UserId,
};

/// Somebody who can sign in.
///
/// Times are kept to the millisecond.
///
/// # Examples
/// ```
/// use std::time::SystemTime;
/// use doorward_core::{Account, UserId};
///
/// let account = Account::new(UserId::new("0b5c"), "Alice", "alice", SystemTime::UNIX_EPOCH);
/// assert_eq!(&*account.display_name, "Alice");
/// assert!(account.disabled_at.is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// Drawn at random; it never changes and is never given to somebody else.
    pub id: UserId,
    /// What the user signs in with, as it is shown.
    pub name: Box<str>,
    /// The name as it is compared: no two accounts have the same.
    pub name_key: Box<str>,
    /// What others read.
    pub display_name: Box<str>,
    /// When it was made.
    pub created_at: SystemTime,
    /// Since when nobody may sign in to it; `None` while somebody may.
    pub disabled_at: Option<SystemTime>,
}

impl Account {
    /// Describes an account that is displayed under its name and may be used.
    #[must_use]
    pub fn new(
        id: UserId,
        name: impl Into<Box<str>>,
        name_key: impl Into<Box<str>>,
        created_at: SystemTime,
    ) -> Self {
        let name = name.into();
        let display_name = name.clone();
        Self { id, name, name_key: name_key.into(), display_name, created_at, disabled_at: None }
    }
}

/// Why an account was not made. Nothing was changed, as far as the store has answered.
///
/// # Examples
/// ```
/// assert_eq!(doorward_core::CreateAccountError::NameTaken.to_string(), "the user name is taken");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateAccountError {
    /// Another account has the name.
    #[error("the user name is taken")]
    NameTaken,
    /// The passkey is one of an account already.
    #[error("the passkey belongs to an account")]
    PasskeyTaken,
    /// The store did not do it.
    #[error("the account was not stored")]
    Store(#[from] StoreError),
}

/// Keeps accounts, with their passkeys and recovery codes.
///
/// Whatever is said to be done is done for good when the future completes. Every implementation runs the
/// same conformance tests (`doorward_testkit::conformance`).
///
/// # Examples
/// ```
/// use doorward_core::{Account, AccountStore, StoreError};
///
/// async fn find(store: &dyn AccountStore, name_key: &str) -> Result<Option<Account>, StoreError> {
///     store.account_named(name_key).await
/// }
/// # drop(find);
/// ```
///
/// # Errors
/// All methods fail with [`StoreError::Unavailable`] when the store does not answer. Then nothing may be
/// assumed: the change may have happened or not.
///
/// # Cancel safety
/// A future that is dropped may have made its change or not, never half of it.
pub trait AccountStore: Send + Sync + 'static {
    /// Returns the secret that passkeys of nobody are made up from: `drawn`, unless there is one already. Of
    /// many that ask at the same moment, all get the same.
    fn decoy_secret<'a>(
        &'a self,
        drawn: &'a [u8; 32],
    ) -> BoxFuture<'a, Result<[u8; 32], StoreError>>;

    /// Keeps a new account and its first passkey, both or neither.
    ///
    /// # Errors
    /// [`CreateAccountError::NameTaken`], [`CreateAccountError::PasskeyTaken`]: somebody was first.
    /// [`StoreError::Exists`] when the id is taken, which happens to nobody who draws it at random.
    fn create_account<'a>(
        &'a self,
        account: &'a Account,
        passkey: &'a PasskeyRecord,
    ) -> BoxFuture<'a, Result<(), CreateAccountError>>;

    /// Finds an account by its id, also one that is disabled.
    fn account<'a>(&'a self, id: &'a UserId) -> BoxFuture<'a, Result<Option<Account>, StoreError>>;

    /// Finds an account by [`Account::name_key`], also one that is disabled.
    fn account_named<'a>(
        &'a self,
        name_key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Account>, StoreError>>;

    /// Lists up to `limit` accounts whose [`Account::name_key`] comes behind `after`, in the order of
    /// its bytes.
    fn list_accounts<'a>(
        &'a self,
        after: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Account>, StoreError>>;

    /// Disables an account, or enables it again with `None`, and says whether there is one.
    fn set_disabled<'a>(
        &'a self,
        id: &'a UserId,
        at: Option<SystemTime>,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Removes an account with its passkeys and codes, and says whether there was one. Its name is free
    /// then.
    fn remove_account<'a>(&'a self, id: &'a UserId) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Adds a passkey to an account, and says whether there is such an account, that has fewer than `limit`
    /// passkeys.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when some account has it already; then nothing was changed.
    fn add_passkey<'a>(
        &'a self,
        passkey: &'a PasskeyRecord,
        limit: u32,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Finds a passkey, whoever it belongs to.
    fn passkey<'a>(
        &'a self,
        id: &'a CredentialId,
    ) -> BoxFuture<'a, Result<Option<PasskeyRecord>, StoreError>>;

    /// Lists the passkeys of an account in the order in which they were added.
    fn passkeys_of<'a>(
        &'a self,
        user: &'a UserId,
    ) -> BoxFuture<'a, Result<Vec<PasskeyRecord>, StoreError>>;

    /// Writes down that somebody has signed in with a passkey, if its key is still
    /// [`PasskeyUse::before`], and says whether it was. Of two sign-ins that saw the same counter one
    /// is told no. [`PasskeyRecord::used_at`] never goes back.
    fn record_use<'a>(
        &'a self,
        id: &'a CredentialId,
        signed_in: PasskeyUse<'a>,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Renames a passkey of `user`, and says whether there is one.
    fn rename_passkey<'a>(
        &'a self,
        user: &'a UserId,
        id: &'a CredentialId,
        name: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Removes a passkey of `user`, unless it is the last one and there is no recovery code. Two that
    /// are removed at the same moment are not both "one of two".
    fn remove_passkey<'a>(
        &'a self,
        user: &'a UserId,
        id: &'a CredentialId,
    ) -> BoxFuture<'a, Result<PasskeyRemoval, StoreError>>;

    /// Replaces all recovery codes of an account, and says whether there is one.
    fn put_recovery_codes<'a>(
        &'a self,
        user: &'a UserId,
        codes: &'a RecoveryCodes,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Returns the codes that were not used; none, with a salt of zeros, when none were ever made.
    fn recovery_codes<'a>(
        &'a self,
        user: &'a UserId,
    ) -> BoxFuture<'a, Result<RecoveryCodes, StoreError>>;

    /// Uses a recovery code up, and says whether there was one with this hash: of all who show it, at
    /// the same time or later, one is told yes.
    fn take_recovery_code<'a>(
        &'a self,
        user: &'a UserId,
        hash: &'a [u8; 32],
    ) -> BoxFuture<'a, Result<bool, StoreError>>;
}
