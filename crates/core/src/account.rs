//! Account records, and the contract of the store that keeps them.
//!
//! An account is identified by a random id. Its user name is unique and may be shown to others.
//! `doorward-identity` decides what a passkey is, how a name is folded and how a recovery code is
//! hashed. A store only keeps the results, and enforces the rules that must hold under every race:
//! - a name belongs to one account;
//! - a passkey belongs to one account;
//! - the last passkey cannot be removed while there is no recovery code;
//! - a recovery code works once.

use std::time::SystemTime;

use crate::{
    BoxFuture, CredentialId, PasskeyRecord, PasskeyRemoval, PasskeyUse, RecoveryCodes, StoreError,
    UserId,
};

/// The account of a user who can sign in.
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
    /// Random id. It never changes and is never reused for another account.
    pub id: UserId,
    /// User name, spelled as it is displayed.
    pub name: Box<str>,
    /// User name in the form that is compared; unique among all accounts.
    pub name_key: Box<str>,
    /// Name that other users see.
    pub display_name: Box<str>,
    /// Time at which the account was created.
    pub created_at: SystemTime,
    /// Time since which sign-in is disabled; `None` while the account is enabled.
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

/// Error of [`AccountStore::create_account`].
///
/// Nothing was changed, unless the cause is [`StoreError::Unavailable`]: then the account may
/// exist.
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
    /// The store failed.
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
/// must then assume neither outcome: the change may have happened or not.
///
/// # Cancel safety
/// Dropping a future leaves its change either made or not made, never half made.
pub trait AccountStore: Send + Sync + 'static {
    /// Returns the secret from which decoy passkeys are derived: a sign-in with an unknown user
    /// name must look like one with an account. Stores `drawn` if there is no secret yet;
    /// concurrent callers all get the same one.
    fn decoy_secret<'a>(
        &'a self,
        drawn: &'a [u8; 32],
    ) -> BoxFuture<'a, Result<[u8; 32], StoreError>>;

    /// Stores a new account and its first passkey, both or neither.
    ///
    /// # Errors
    /// - [`CreateAccountError::NameTaken`], [`CreateAccountError::PasskeyTaken`]: another account
    ///   was first.
    /// - [`StoreError::Exists`]: the id is taken. This does not happen to ids drawn at random.
    fn create_account<'a>(
        &'a self,
        account: &'a Account,
        passkey: &'a PasskeyRecord,
    ) -> BoxFuture<'a, Result<(), CreateAccountError>>;

    /// Finds an account by its id, including a disabled one.
    fn account<'a>(&'a self, id: &'a UserId) -> BoxFuture<'a, Result<Option<Account>, StoreError>>;

    /// Finds an account by [`Account::name_key`], including a disabled one.
    fn account_named<'a>(
        &'a self,
        name_key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Account>, StoreError>>;

    /// Lists up to `limit` accounts, sorted by the bytes of [`Account::name_key`], starting after
    /// the key `after`.
    fn list_accounts<'a>(
        &'a self,
        after: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Account>, StoreError>>;

    /// Disables an account at `at`, or enables it with `None`. Returns whether the account exists.
    fn set_disabled<'a>(
        &'a self,
        id: &'a UserId,
        at: Option<SystemTime>,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Removes an account with its passkeys and recovery codes. Its name becomes available. Returns
    /// whether the account existed.
    fn remove_account<'a>(&'a self, id: &'a UserId) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Adds a passkey to an account. Returns `false` if the account does not exist or has `limit`
    /// passkeys already.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if any account has the passkey already; then nothing was changed.
    fn add_passkey<'a>(
        &'a self,
        passkey: &'a PasskeyRecord,
        limit: u32,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Finds a passkey of any account.
    fn passkey<'a>(
        &'a self,
        id: &'a CredentialId,
    ) -> BoxFuture<'a, Result<Option<PasskeyRecord>, StoreError>>;

    /// Lists the passkeys of an account in the order in which they were added.
    fn passkeys_of<'a>(
        &'a self,
        user: &'a UserId,
    ) -> BoxFuture<'a, Result<Vec<PasskeyRecord>, StoreError>>;

    /// Records a sign-in with a passkey, if the stored key still equals [`PasskeyUse::before`], and
    /// returns whether it did.
    ///
    /// This is a compare-and-swap: of two sign-ins that read the same counter, one gets `false`.
    /// [`PasskeyRecord::used_at`] never goes back.
    fn record_use<'a>(
        &'a self,
        id: &'a CredentialId,
        signed_in: PasskeyUse<'a>,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Renames a passkey of `user` and returns whether it exists.
    fn rename_passkey<'a>(
        &'a self,
        user: &'a UserId,
        id: &'a CredentialId,
        name: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Removes a passkey of `user`, unless it is the last one and there is no recovery code. Two
    /// concurrent removals must not both count the other passkey as remaining.
    fn remove_passkey<'a>(
        &'a self,
        user: &'a UserId,
        id: &'a CredentialId,
    ) -> BoxFuture<'a, Result<PasskeyRemoval, StoreError>>;

    /// Replaces all recovery codes of an account and returns whether the account exists.
    fn put_recovery_codes<'a>(
        &'a self,
        user: &'a UserId,
        codes: &'a RecoveryCodes,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Returns the unused recovery codes. If none were ever made, the list is empty and the salt is
    /// all zeros.
    fn recovery_codes<'a>(
        &'a self,
        user: &'a UserId,
    ) -> BoxFuture<'a, Result<RecoveryCodes, StoreError>>;

    /// Consumes the recovery code with this hash and returns whether there was one. However many
    /// callers present the same code, concurrently or later, exactly one gets `true`.
    fn take_recovery_code<'a>(
        &'a self,
        user: &'a UserId,
        hash: &'a [u8; 32],
    ) -> BoxFuture<'a, Result<bool, StoreError>>;
}
