//! Records of passkeys and recovery codes.
//!
//! Public keys are opaque bytes in this crate. The verifier in `doorward-identity` interprets them.

use std::{fmt, time::SystemTime};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::UserId;

/// Id of a passkey. The authenticator, which is the device that holds the private key, chooses the
/// id. The id grants nothing, because the private key never leaves the authenticator.
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
    /// Creates an id from bytes that were checked before, such as the bytes that a store has kept.
    #[must_use]
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// Creates an id from bytes that an authenticator or a client has sent. Returns `None` unless
    /// there are 1 to [`MAX_CREDENTIAL_ID`] bytes.
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

    /// Returns the bytes of the id.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the id as clients write it (base64url without padding).
    #[must_use]
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0)
    }

    /// Parses an id that a client has sent (base64url without padding). Returns `None` if the text
    /// is malformed or the id has the wrong length.
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
    /// Id of the passkey, unique among all accounts.
    pub id: CredentialId,
    /// User that the passkey belongs to.
    pub user: UserId,
    /// Name that the user has given to the passkey.
    pub name: Box<str>,
    /// Time at which the passkey was added.
    pub created_at: SystemTime,
    /// Time of the last sign-in with the passkey; `None` before the first sign-in.
    pub used_at: Option<SystemTime>,
    /// `true` if the provider keeps a backup of the passkey (the flag BS of Web Authentication
    /// Level 3, section 6.1).
    pub is_synced: bool,
    /// Public key and signature counter, as serialized by the verifier. Stores do not interpret
    /// them.
    pub key: Box<[u8]>,
}

crate::debug_fields!(PasskeyRecord { id });

/// Changes that a sign-in makes to a passkey.
///
/// # Examples
/// ```
/// use std::time::SystemTime;
/// use doorward_core::PasskeyUse;
///
/// let signed_in = PasskeyUse { before: b"1", after: b"2", is_synced: false, at: SystemTime::UNIX_EPOCH };
/// assert_eq!(signed_in.at, SystemTime::UNIX_EPOCH);
/// ```
#[derive(Clone, Copy)]
pub struct PasskeyUse<'a> {
    /// Value of [`PasskeyRecord::key`] against which the sign-in was verified.
    pub before: &'a [u8],
    /// Value of [`PasskeyRecord::key`] after the sign-in.
    pub after: &'a [u8],
    /// New value of [`PasskeyRecord::is_synced`].
    pub is_synced: bool,
    /// Time of the sign-in.
    pub at: SystemTime,
}

impl fmt::Debug for PasskeyUse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasskeyUse").field("at", &self.at).finish_non_exhaustive()
    }
}

/// Recovery codes of one account, as hashes.
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
    /// Random salt of all recovery codes of the account. The codes share one salt, so that checking
    /// a code takes one hash computation.
    pub salt: [u8; 16],
    /// Hashes of the unused codes, in no particular order.
    pub hashes: Vec<[u8; 32]>,
}

impl fmt::Debug for RecoveryCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoveryCodes").field("left", &self.hashes.len()).finish_non_exhaustive()
    }
}

/// Result of [`AccountStore::remove_passkey`](crate::AccountStore::remove_passkey).
///
/// # Examples
/// ```
/// use doorward_core::PasskeyRemoval;
///
/// assert_ne!(PasskeyRemoval::LastOne, PasskeyRemoval::Removed);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasskeyRemoval {
    /// The passkey was not removed. It is the last one and there is no recovery code, so the user
    /// would be locked out.
    LastOne,
    /// The account has no such passkey.
    NotThere,
    /// The passkey was removed.
    Removed,
}

/// Maximum length of a [`CredentialId`] in bytes (Web Authentication Level 3, section 5.1).
pub const MAX_CREDENTIAL_ID: usize = 1023;
