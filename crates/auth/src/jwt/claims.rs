//! Claims of a verified token.
//!
//! [`Claims`] are made in one place, after the last check, so code that receives them needs no
//! check of its own. The application interprets further claims with [`Claims::get`]. Guards read
//! `scope` and `roles`.

use std::{fmt, sync::Arc, time::SystemTime};

use doorward_core::{HasRoles, HasScopes, SessionId, TokenId, UserId};
use serde_json::{Map, Value};

/// Claims of a token whose signature, times and claims were verified.
///
/// The principal of [`Jwt`](crate::Jwt) itself; [`Jwt::load`](crate::Jwt::load) turns it into the
/// application's own user. Claims cannot be made without a token.
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
    /// Set for tokens of this server only.
    pub(crate) generation: Option<u64>,
    /// Every claim as it was written, including those above. Shared, because loaders get copies.
    pub(crate) all: Arc<Map<String, Value>>,
}

impl Claims {
    /// Returns the user that the token names: `sub`, or the claim that
    /// [`Jwt::user_claim`](crate::Jwt::user_claim) names. 1-255 printable characters; a whole
    /// number is returned as its digits.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.subject.as_str()
    }

    /// Returns when the token expires (`exp`).
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// Returns when the token was issued (`iat`), if stated.
    #[must_use]
    pub fn issued_at(&self) -> Option<SystemTime> {
        self.issued_at
    }

    /// Returns when the user last authenticated (`auth_time`), if stated.
    #[must_use]
    pub fn signed_in_at(&self) -> Option<SystemTime> {
        self.signed_in_at
    }

    /// Returns the issuer of the token (`iss`), if it is a string.
    ///
    /// # Security
    /// The value is verified only if an issuer is configured. It is a name, not an address: do not
    /// fetch it.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.get("iss")?.as_str()
    }

    /// Returns the id of the token (`jti`), if stated: 1-255 printable characters.
    #[must_use]
    pub fn token_id(&self) -> Option<&TokenId> {
        self.token.as_ref()
    }

    /// Returns the id of the session that the token belongs to (`sid`), if stated: 1-255 printable
    /// characters.
    #[must_use]
    pub fn session_id(&self) -> Option<&SessionId> {
        self.session.as_ref()
    }

    /// Returns a claim by its name, registered or private.
    ///
    /// The claim was signed by the issuer, but its type was not checked.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.all.get(name)
    }
}

/// Reads the claim `roles` (RFC 9068, section 2.2.3.1), an array of strings.
impl HasRoles for Claims {
    fn has_role(&self, role: &str) -> bool {
        let roles = self.get("roles").and_then(Value::as_array);
        roles.is_some_and(|roles| roles.iter().any(|own| own.as_str() == Some(role)))
    }
}

/// Reads the claim `scope` (RFC 9068, section 2.2.3), strings separated by spaces.
impl HasScopes for Claims {
    fn has_scope(&self, scope: &str) -> bool {
        let scopes = self.get("scope").and_then(Value::as_str);
        scopes.is_some_and(|scopes| scopes.split(' ').any(|own| own == scope))
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
