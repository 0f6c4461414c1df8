//! Identifiers of users, sockets, links, sessions, tokens and decisions.
//!
//! Each kind of id has its own type, so that ids of different kinds cannot be confused. `Debug`
//! prints `[redacted]` for ids that grant access or belong to a credential. An id that other users
//! may see grants nothing.

use std::{fmt, str::FromStr, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::Entropy;

/// Declares an id of random bytes that is written as base64url.
macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Generates a random id.
            #[must_use]
            pub fn generate(entropy: &(impl Entropy + ?Sized)) -> Self {
                let mut bytes = [0; $bytes];
                entropy.fill(&mut bytes);
                Self(bytes)
            }

            /// Returns the id as it appears on the wire (base64url without padding).
            #[must_use]
            pub fn encode(&self) -> String {
                URL_SAFE_NO_PAD.encode(self.0)
            }
        }
    };
}

random_id! {
    /// Public id of a socket. Other users may see it.
    ///
    /// Knowing the id grants no access. Every socket has its own id, even if one client has sockets
    /// in several namespaces.
    ///
    /// # Examples
    /// ```
    /// # use doorward_core::{Entropy, SocketId};
    /// # struct Fixed;
    /// # impl Entropy for Fixed { fn fill(&self, bytes: &mut [u8]) { bytes.fill(0) } }
    /// assert_eq!(SocketId::generate(&Fixed).to_string(), "AAAAAAAAAAAAAAAAAAAA");
    /// ```
    SocketId, 15
}

random_id! {
    /// Id of a link, which is one Engine.IO connection. Engine.IO calls it the session id (`sid`).
    ///
    /// # Security
    /// With HTTP polling, knowing this id is enough to act as the client of the link. It is
    /// therefore sent only to that client, and its `Debug` prints `[redacted]`.
    ///
    /// # Examples
    /// ```
    /// # use doorward_core::{Entropy, LinkId};
    /// # struct Fixed;
    /// # impl Entropy for Fixed { fn fill(&self, bytes: &mut [u8]) { bytes.fill(0) } }
    /// assert_eq!(format!("{:?}", LinkId::generate(&Fixed)), "LinkId([redacted])");
    /// ```
    LinkId, 18
}

/// Number of a link, unique on its node. Operators see it, and it grants nothing.
///
/// # Examples
/// ```
/// use doorward_core::LinkNumber;
///
/// assert_eq!(LinkNumber::new(7).to_string(), "7");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkNumber(u64);

impl LinkNumber {
    /// Creates the number of a link.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for LinkNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

random_id! {
    /// Random id of one run of a node in its cluster. It is not secret.
    ///
    /// # Examples
    /// ```
    /// # use doorward_core::{Entropy, Incarnation};
    /// # struct Fixed;
    /// # impl Entropy for Fixed { fn fill(&self, bytes: &mut [u8]) { bytes.fill(0) } }
    /// assert_eq!(Incarnation::generate(&Fixed).to_string(), "AAAAAAAAAAAAAAAA");
    /// ```
    Incarnation, 12
}

random_id! {
    /// Id of one decision of the server, such as a refusal. The answer to the client and the audit
    /// record both contain the id.
    ///
    /// # Examples
    /// ```
    /// # use doorward_core::{DecisionId, Entropy};
    /// # struct Fixed;
    /// # impl Entropy for Fixed { fn fill(&self, bytes: &mut [u8]) { bytes.fill(0) } }
    /// assert_eq!(DecisionId::generate(&Fixed).encode().len(), 12);
    /// ```
    DecisionId, 9
}

/// Implements `FromStr`, which reads what `encode` has written.
macro_rules! parsed {
    ($($(#[$doc:meta])* $name:ident, $bytes:literal, $error:ident;)+) => {$(
        $(#[$doc])*
        impl FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                let mut bytes = [0; $bytes];
                // The engine rejects padding and non-zero trailing bits, so an id has one spelling only.
                match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
                    Ok($bytes) => Ok(Self(bytes)),
                    _ => Err($error(())),
                }
            }
        }
    )+};
}

parsed! {
    /// Parses an id that a client has sent, such as the recipient of a message.
    ///
    /// # Examples
    /// ```
    /// use doorward_core::SocketId;
    ///
    /// let id: SocketId = "AAAAAAAAAAAAAAAAAAAA".parse()?;
    /// assert_eq!(id.to_string(), "AAAAAAAAAAAAAAAAAAAA");
    /// assert!("team:7".parse::<SocketId>().is_err());
    /// # Ok::<_, doorward_core::SocketIdError>(())
    /// ```
    SocketId, 15, SocketIdError;
    /// Parses an incarnation that another node has written.
    ///
    /// # Examples
    /// ```
    /// use doorward_core::Incarnation;
    ///
    /// assert!("AAAAAAAAAAAAAAAA".parse::<Incarnation>().is_ok());
    /// assert!("eu-1".parse::<Incarnation>().is_err());
    /// ```
    Incarnation, 12, IncarnationError;
    /// Parses the id of a decision, such as the one that a client reports to support.
    ///
    /// # Examples
    /// ```
    /// use doorward_core::DecisionId;
    ///
    /// assert!("AAAAAAAAAAAA".parse::<DecisionId>().is_ok());
    /// assert!("42".parse::<DecisionId>().is_err());
    /// ```
    DecisionId, 9, DecisionIdError;
}

/// Error for a text that is not a [`DecisionId`].
///
/// # Examples
/// ```
/// let error = "42".parse::<doorward_core::DecisionId>().unwrap_err();
/// assert_eq!(error.to_string(), "not the id of a decision");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a decision")]
pub struct DecisionIdError(());

/// Error for a text that is not an [`Incarnation`].
///
/// # Examples
/// ```
/// let error = "eu-1".parse::<doorward_core::Incarnation>().unwrap_err();
/// assert_eq!(error.to_string(), "not an incarnation of a node");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an incarnation of a node")]
pub struct IncarnationError(());

/// Error for a text that is not a [`SocketId`].
///
/// # Examples
/// ```
/// let error = "team:7".parse::<doorward_core::SocketId>().unwrap_err();
/// assert_eq!(error.to_string(), "not a socket id");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a socket id")]
pub struct SocketIdError(());

/// Implements `Display` and `Debug` for ids that may be printed.
macro_rules! printed {
    ($($name:ident),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.encode())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    )+};
}

printed!(SocketId, DecisionId, Incarnation);
crate::debug_redacted!(LinkId);

/// Id of a user, such as the `sub` of a token or the id of an account. Connections are counted by
/// user id, and can be revoked by user id.
///
/// # Examples
/// ```
/// use doorward_core::UserId;
///
/// assert_eq!(UserId::new("alice").as_str(), "alice");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(Arc<str>);

impl UserId {
    /// Creates an id. Two users must never have the same id.
    #[must_use]
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for UserId {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

impl From<String> for UserId {
    fn from(id: String) -> Self {
        Self::new(id)
    }
}

/// Prints the id quoted and escaped, so that no user name can forge a log line.
impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// Declares an id that belongs to a credential and is therefore never printed.
macro_rules! secret_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Creates an id.
            #[must_use]
            pub fn new(id: impl Into<Arc<str>>) -> Self {
                Self(id.into())
            }

            /// Returns the id as text. Do not log it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        $crate::debug_redacted!($name);
    };
}

secret_id! {
    /// Id of the server-side session that a credential belongs to (the claim `sid` of a token).
    ///
    /// # Examples
    /// ```
    /// use doorward_core::SessionId;
    ///
    /// assert_eq!(format!("{:?}", SessionId::new("s-1")), "SessionId([redacted])");
    /// ```
    SessionId
}

secret_id! {
    /// Id of one token (the claim `jti`).
    ///
    /// # Examples
    /// ```
    /// use doorward_core::TokenId;
    ///
    /// assert_eq!(TokenId::new("t-1").as_str(), "t-1");
    /// ```
    TokenId
}
