//! What a verified token says.
//!
//! Made in one place only, after the last check: whoever holds [`Claims`] needs no check of his
//! own. What a claim beyond the registered ones means is the application's to say, with
//! [`Claims::get`]; the two that guards ask for are `scope` and `roles`.

use std::{fmt, sync::Arc, time::SystemTime};

use doorward_core::{HasRoles, HasScopes, SessionId, TokenId, UserId};
use serde_json::{Map, Value};

/// The claims of a token whose signature, time and claims are good.
///
/// It is the principal of [`Jwt`](crate::Jwt) itself; [`Jwt::load`](crate::Jwt::load) turns it into
/// the application's own. There is no way to make one without a token.
///
/// # Security
/// `Debug` prints the names of the claims, their values as `[redacted]`.
///
/// # Examples
/// ```
/// use doorward_auth::Claims;
///
/// fn tenant(claims: &Claims) -> Option<&str> {
///     claims.get("tenant")?.as_str()
/// }
/// # drop(tenant);
/// ```
#[derive(Clone, PartialEq)]
pub struct Claims {
    pub(crate) subject: UserId,
    pub(crate) expires_at: SystemTime,
    pub(crate) issued_at: Option<SystemTime>,
    pub(crate) token: Option<TokenId>,
    pub(crate) session: Option<SessionId>,
    pub(crate) signed_in_at: Option<SystemTime>,
    /// Of a token of our own.
    pub(crate) generation: Option<u64>,
    /// Every claim as it was written, also those above. Loaders get copies, so it is shared.
    pub(crate) all: Arc<Map<String, Value>>,
}

impl Claims {
    /// Whom the token speaks for: `sub`, or the claim that [`Jwt::user_claim`](crate::Jwt::user_claim) names. 1-255
    /// printable characters; of a claim that is a whole number its digits.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.subject.as_str()
    }

    /// When the token ends (`exp`).
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// When the token was issued (`iat`), if it says so.
    #[must_use]
    pub fn issued_at(&self) -> Option<SystemTime> {
        self.issued_at
    }

    /// When the user last proved who they are (`auth_time`), if the token says so.
    #[must_use]
    pub fn signed_in_at(&self) -> Option<SystemTime> {
        self.signed_in_at
    }

    /// Who issued the token (`iss`), if it says so in a string.
    ///
    /// # Security
    /// It is checked only when an issuer is configured. It is a name and no address: do not
    /// fetch it.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.get("iss")?.as_str()
    }

    /// The id of this token (`jti`), if it has one: 1-255 printable characters.
    #[must_use]
    pub fn token_id(&self) -> Option<&TokenId> {
        self.token.as_ref()
    }

    /// The id of the session the token belongs to (`sid`), if any: 1-255 printable characters.
    #[must_use]
    pub fn session_id(&self) -> Option<&SessionId> {
        self.session.as_ref()
    }

    /// Returns any claim by its name, registered or the application's own.
    ///
    /// The issuer vouches for it and nobody has checked its type.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.all.get(name)
    }
}

/// The claim `roles` (RFC 9068, section 2.2.3.1): an array of strings.
impl HasRoles for Claims {
    fn has_role(&self, role: &str) -> bool {
        let roles = self.get("roles").and_then(Value::as_array);
        roles.is_some_and(|roles| roles.iter().any(|own| own.as_str() == Some(role)))
    }
}

/// The claim `scope` (RFC 9068, section 2.2.3): strings separated by spaces.
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
