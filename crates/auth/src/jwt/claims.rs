//! Claims of a verified token.
//!
//! [`Claims`] are created in one place, after the last check of the token. Code that receives
//! claims need not check the token again. The application reads further claims with
//! [`Claims::get`]. Guards read `scope` and `roles`.

use std::{fmt, sync::Arc, time::SystemTime};

use doorward_core::{HasRoles, HasScopes, SessionId, TokenId, UserId};
use serde_json::{Map, Value};

use crate::jwt::shape::Shape;

/// Claims of a verified token.
///
/// Claims are the principal of [`Jwt`](crate::Jwt). [`Jwt::load`](crate::Jwt::load) replaces them
/// with the application's own user. An application cannot create `Claims` without a token.
///
/// # Security
/// `Debug` prints the names of the claims and `[redacted]` for their values.
///
/// # Examples
/// ```
/// use doorward_auth::Claims;
///
/// fn tenant(claims: &Claims) -> Option<&str> {
///     claims.get("tenant")?.as_str()
/// }
/// ```
#[derive(Clone, PartialEq)]
pub struct Claims {
    pub(crate) subject: UserId,
    pub(crate) expires_at: SystemTime,
    pub(crate) issued_at: Option<SystemTime>,
    pub(crate) token: Option<TokenId>,
    pub(crate) session: Option<SessionId>,
    pub(crate) signed_in_at: Option<SystemTime>,
    /// Generation of the user when the session of the token was created (`gen`). It is `None` for
    /// tokens of other issuers, and for tokens without a session.
    pub(crate) generation: Option<u64>,
    /// Names of the claims that list scopes and roles.
    pub(crate) shape: Shape,
    /// All claims as they were written, including those of the other fields. The map is shared,
    /// because loaders receive copies of the claims.
    pub(crate) all: Arc<Map<String, Value>>,
}

impl Claims {
    /// Returns the user that the token names in `sub`, or in the claim that
    /// [`Jwt::user_claim`](crate::Jwt::user_claim) sets. The text has 1-255 printable characters. A
    /// whole number is returned as its decimal digits. For a token that
    /// [`Issuers`](crate::Issuers) have verified, the name of the issuer and a colon come first.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.subject.as_str()
    }

    /// Returns the time at which the token expires (`exp`). Without an `exp`, this is the maximum
    /// lifetime after `iat`.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// Returns the time at which the token was issued; `None` if it has no `iat`.
    #[must_use]
    pub fn issued_at(&self) -> Option<SystemTime> {
        self.issued_at
    }

    /// Returns the time of the user's last authentication; `None` if the token has no `auth_time`.
    #[must_use]
    pub fn signed_in_at(&self) -> Option<SystemTime> {
        self.signed_in_at
    }

    /// Returns the issuer of the token; `None` if it has no `iss` that is a string.
    ///
    /// # Security
    /// The value is verified only if an issuer is configured. Do not fetch it as a URL.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.get("iss")?.as_str()
    }

    /// Returns the id of the token, which has 1-255 printable characters; `None` if the token has
    /// no `jti`.
    #[must_use]
    pub fn token_id(&self) -> Option<&TokenId> {
        self.token.as_ref()
    }

    /// Returns the id of the session that the token belongs to, which has 1-255 printable
    /// characters; `None` if the token has no `sid`.
    #[must_use]
    pub fn session_id(&self) -> Option<&SessionId> {
        self.session.as_ref()
    }

    /// Returns a claim by its name, registered or private; `None` if the token has no such claim.
    ///
    /// The issuer has signed the claim, but its type was not checked.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.all.get(name)
    }
}

/// Reads the claim `roles` (RFC 9068, section 2.2.3.1), an array of strings. A
/// [`Preset`](crate::Preset) may name another claim.
impl HasRoles for Claims {
    fn has_role(&self, role: &str) -> bool {
        self.shape.has_role(&self.all, role)
    }
}

/// Reads the claim `scope` (RFC 9068, section 2.2.3), a string of scopes separated by spaces. A
/// [`Preset`](crate::Preset) may name other claims.
impl HasScopes for Claims {
    fn has_scope(&self, scope: &str) -> bool {
        self.shape.has_scope(&self.all, scope)
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims ")?;
        f.debug_map()
            .entries(self.all.keys().map(|name| (name, format_args!("[redacted]"))))
            .finish()
    }
}
