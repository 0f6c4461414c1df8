//! Account records, and the trait of the store that keeps them.
//!
//! An account is identified by a random id. Its user name is unique and may be shown to other
//! users. `doorward-identity` verifies passkeys, folds names and hashes recovery codes. An account
//! store keeps only the results, and enforces the rules that must hold even under concurrent
//! changes:
//! - a name belongs to one account;
//! - a passkey belongs to one account;
//! - the last passkey cannot be removed while there is no recovery code;
//! - a recovery code can be used once.

use std::time::SystemTime;

use crate::{
    BoxFuture, CredentialId, PasskeyRecord, PasskeyRemoval, PasskeyUse, RecoveryCodes, StoreError,
    StoreFuture, UserId,
};

/// Account of a user.
///
/// A store keeps times to the millisecond.
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
    /// Random id of the account. It never changes and is never reused for another account.
    pub id: UserId,
    /// User name, spelled as it is displayed.
    pub name: Box<str>,
    /// Folded form of the user name, by which names are compared. It is unique among all accounts.
    pub name_key: Box<str>,
    /// Name that other users see.
    pub display_name: Box<str>,
    /// Time at which the account was created.
    pub created_at: SystemTime,
    /// Time at which the account was disabled; `None` while it is enabled.
    pub disabled_at: Option<SystemTime>,
}

impl Account {
    /// Creates an enabled account whose display name is its user name.
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

/// Error returned by [`AccountStore::create_account`].
///
/// The account was not created. Only if the cause is [`StoreError::Unavailable`], it may have been
/// created.
///
/// # Examples
/// ```
/// assert_eq!(doorward_core::CreateAccountError::NameTaken.to_string(), "the user name is taken");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateAccountError {
    /// Another account has this name.
    #[error("the user name is taken")]
    NameTaken,
    /// The passkey belongs to an account already.
    #[error("the passkey belongs to an account")]
    PasskeyTaken,
    /// The account store failed. The value is the cause.
    #[error("the account was not stored")]
    Store(#[from] StoreError),
}

/// Keeps accounts, with their passkeys and recovery codes.
///
/// A change is durable when its future completes. Every implementation passes the same conformance
/// tests (`doorward_testkit::conformance`).
///
/// # Examples
/// ```
/// use doorward_core::{Account, AccountStore, StoreError};
///
/// async fn find(store: &dyn AccountStore, name_key: &str) -> Result<Option<Account>, StoreError> {
///     store.account_named(name_key).await
/// }
/// ```
///
/// # Errors
/// All methods fail with [`StoreError::Unavailable`] when the store does not answer. The caller
/// cannot know if the change has happened. Methods that store something fail with
/// [`StoreError::Full`] when the store is full.
///
/// # Cancel safety
/// If a future is dropped, its change is made completely or not at all.
pub trait AccountStore: Send + Sync + 'static {
    /// Returns the secret from which made-up passkeys of unknown users are derived. With made-up
    /// passkeys, a sign-in with an unknown user name looks like a sign-in with a known name.
    ///
    /// `drawn` is a random value from the caller. If the store has no secret yet, it keeps `drawn`
    /// as the secret. Concurrent callers all receive the same secret.
    fn decoy_secret<'a>(&'a self, drawn: &'a [u8; 32]) -> StoreFuture<'a, [u8; 32]>;

    /// Stores a new account and its first passkey, either both or neither.
    ///
    /// # Errors
    /// - [`CreateAccountError::NameTaken`], [`CreateAccountError::PasskeyTaken`]: another account
    ///   has the name or the passkey.
    /// - [`StoreError::Exists`]: another account has the id. This does not happen with random ids.
    fn create_account<'a>(
        &'a self,
        account: &'a Account,
        passkey: &'a PasskeyRecord,
    ) -> BoxFuture<'a, Result<(), CreateAccountError>>;

    /// Finds an account by its id, even if the account is disabled. Yields `None` if there is no
    /// such account.
    fn account<'a>(&'a self, id: &'a UserId) -> StoreFuture<'a, Option<Account>>;

    /// Finds an account by [`Account::name_key`], even if the account is disabled. Yields `None` if
    /// there is no such account.
    fn account_named<'a>(&'a self, name_key: &'a str) -> StoreFuture<'a, Option<Account>>;

    /// Lists up to `limit` accounts, sorted by the bytes of [`Account::name_key`]. The list starts
    /// after the key `after`, or at the first account if `after` is `None`.
    fn list_accounts<'a>(
        &'a self,
        after: Option<&'a str>,
        limit: u32,
    ) -> StoreFuture<'a, Vec<Account>>;

    /// Disables an account at `at`, or enables it if `at` is `None`. Returns `true` if the account
    /// exists.
    fn set_disabled<'a>(&'a self, id: &'a UserId, at: Option<SystemTime>) -> StoreFuture<'a, bool>;

    /// Removes an account with its passkeys and recovery codes. Its name becomes available. Returns
    /// `true` if the account existed.
    fn remove_account<'a>(&'a self, id: &'a UserId) -> StoreFuture<'a, bool>;

    /// Adds a passkey to an account. Returns `false` if the account does not exist, or already has
    /// `limit` passkeys.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if an account already has the passkey. Nothing was changed.
    fn add_passkey<'a>(&'a self, passkey: &'a PasskeyRecord, limit: u32) -> StoreFuture<'a, bool>;

    /// Finds a passkey by its id, among the passkeys of all accounts. Yields `None` if there is no
    /// such passkey.
    fn passkey<'a>(&'a self, id: &'a CredentialId) -> StoreFuture<'a, Option<PasskeyRecord>>;

    /// Lists the passkeys of an account in the order in which they were added.
    fn passkeys_of<'a>(&'a self, user: &'a UserId) -> StoreFuture<'a, Vec<PasskeyRecord>>;

    /// Records a sign-in with a passkey if the stored key still equals [`PasskeyUse::before`].
    /// Returns `true` if the sign-in was recorded.
    ///
    /// The method compares and replaces the key in one atomic step. If two sign-ins have read the
    /// same key, one of them gets `false`. [`PasskeyRecord::used_at`] never goes back.
    fn record_use<'a>(
        &'a self,
        id: &'a CredentialId,
        signed_in: PasskeyUse<'a>,
    ) -> StoreFuture<'a, bool>;

    /// Renames a passkey of `user`. Returns `true` if the user has this passkey.
    fn rename_passkey<'a>(
        &'a self,
        user: &'a UserId,
        id: &'a CredentialId,
        name: &'a str,
    ) -> StoreFuture<'a, bool>;

    /// Removes a passkey of `user`, unless it is the last passkey and the user has no recovery
    /// code.
    ///
    /// Removals may run concurrently. If a user without recovery codes removes all passkeys at the
    /// same time, exactly one passkey must remain.
    fn remove_passkey<'a>(
        &'a self,
        user: &'a UserId,
        id: &'a CredentialId,
    ) -> StoreFuture<'a, PasskeyRemoval>;

    /// Replaces all recovery codes of an account. Returns `true` if the account exists.
    fn put_recovery_codes<'a>(
        &'a self,
        user: &'a UserId,
        codes: &'a RecoveryCodes,
    ) -> StoreFuture<'a, bool>;

    /// Returns the unused recovery codes of an account. If no codes were ever made, the list is
    /// empty and the salt is all zeros.
    fn recovery_codes<'a>(&'a self, user: &'a UserId) -> StoreFuture<'a, RecoveryCodes>;

    /// Removes the unused recovery code with this hash. Returns `true` if the account had such a
    /// code.
    ///
    /// If several callers present the same code, at the same time or one after the other, exactly
    /// one of them gets `true`.
    fn take_recovery_code<'a>(
        &'a self,
        user: &'a UserId,
        hash: &'a [u8; 32],
    ) -> StoreFuture<'a, bool>;
}
