//! Passkeys and recovery codes as a server keeps them.
//!
//! What a key means is known to its verifier in `doorward-identity`; here it is bytes.

use std::{fmt, time::SystemTime};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::UserId;

/// What an authenticator calls a passkey. It opens nothing: the private key stays where it is.
///
/// # Examples
/// ```
/// use doorward_core::CredentialId;
///
/// assert_eq!(CredentialId::new([1, 2, 3]).encode(), "AQID");
/// assert_eq!(CredentialId::decode("AQID"), Some(CredentialId::new([1, 2, 3])));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CredentialId(Box<[u8]>);

impl CredentialId {
    /// Wraps bytes that were judged before, such as those of a store.
    #[must_use]
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// Wraps the bytes that an authenticator or a client has named; `None` when they are less than 1 or more than
    /// [`MAX_CREDENTIAL_ID`].
    ///
    /// # Examples
    /// ```
    /// use doorward_core::CredentialId;
    ///
    /// assert!(CredentialId::checked([7; 16]).is_some());
    /// assert!(CredentialId::checked([]).is_none());
    /// assert!(CredentialId::checked([7; 1024]).is_none());
    /// ```
    #[must_use]
    pub fn checked(bytes: impl Into<Box<[u8]>>) -> Option<Self> {
        let bytes = bytes.into();
        (1..=MAX_CREDENTIAL_ID).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Writes the id as clients do (base64url without padding).
    #[must_use]
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0)
    }

    /// Reads what a client has sent; `None` when it is no id.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok().and_then(Self::checked)
    }
}

impl fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialId({})", self.encode())
    }
}

/// One passkey of an account.
///
/// # Examples
/// ```
/// use std::time::SystemTime;
/// use doorward_core::{CredentialId, PasskeyRecord, UserId};
///
/// let passkey = PasskeyRecord {
///     id: CredentialId::new([1, 2, 3]),
///     user: UserId::new("0b5c"),
///     name: "phone".into(),
///     created_at: SystemTime::UNIX_EPOCH,
///     used_at: None,
///     is_synced: true,
///     key: b"{}".as_slice().into(),
/// };
/// assert!(!format!("{passkey:?}").contains("{}"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PasskeyRecord {
    /// Unique over all accounts.
    pub id: CredentialId,
    /// Whose it is.
    pub user: UserId,
    /// What its owner calls it.
    pub name: Box<str>,
    /// When it was added.
    pub created_at: SystemTime,
    /// When somebody last signed in with it.
    pub used_at: Option<SystemTime>,
    /// Whether its provider keeps a copy of it elsewhere.
    pub is_synced: bool,
    /// The public key with its counter, as the verifier wrote it. It means nothing to a store.
    pub key: Box<[u8]>,
}

impl fmt::Debug for PasskeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasskeyRecord").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What has changed about a passkey by a sign-in.
///
/// # Examples
/// ```
/// use std::time::SystemTime;
/// use doorward_core::PasskeyUse;
///
/// let signed_in = PasskeyUse { before: b"1", after: b"2", is_synced: false, at: SystemTime::UNIX_EPOCH };
/// # drop(signed_in);
/// ```
#[derive(Clone, Copy)]
pub struct PasskeyUse<'a> {
    /// [`PasskeyRecord::key`] as it was when the sign-in was judged.
    pub before: &'a [u8],
    /// What it is now.
    pub after: &'a [u8],
    /// Whether its provider keeps a copy now.
    pub is_synced: bool,
    /// When.
    pub at: SystemTime,
}

impl fmt::Debug for PasskeyUse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasskeyUse").field("at", &self.at).finish_non_exhaustive()
    }
}

/// The recovery codes of one account, hashed.
///
/// # Examples
/// ```
/// use doorward_core::RecoveryCodes;
///
/// let codes = RecoveryCodes { salt: [7; 16], hashes: vec![[1; 32], [2; 32]] };
/// assert_eq!(format!("{codes:?}"), "RecoveryCodes { left: 2, .. }");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RecoveryCodes {
    /// Drawn with the codes: all of one account share it, so that one hash finds the code.
    pub salt: [u8; 16],
    /// Those that were not used yet, in no order.
    pub hashes: Vec<[u8; 32]>,
}

impl fmt::Debug for RecoveryCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoveryCodes").field("left", &self.hashes.len()).finish_non_exhaustive()
    }
}

/// What became of a passkey that was to be removed.
///
/// # Examples
/// ```
/// use doorward_core::PasskeyRemoval;
///
/// assert_ne!(PasskeyRemoval::LastOne, PasskeyRemoval::Removed);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasskeyRemoval {
    /// It is the last one, and there is no recovery code: nothing was changed, or its owner would be
    /// locked out.
    LastOne,
    /// The account has no such passkey.
    NotThere,
    /// It is gone.
    Removed,
}

/// The most bytes that [`CredentialId`] has (Web Authentication Level 3, section 5.1).
pub const MAX_CREDENTIAL_ID: usize = 1023;
