//! Makes sure that it was decided for whom a token must be.
//!
//! A public key arrives here first, and there are two ways out: naming issuer and audience, or
//! saying aloud that neither counts. HMAC secrets do not pass through: they belong to one
//! application.

use super::{Jwt, policy::Audience};

/// A public key that still accepts tokens of any issuer, for anybody: not an authenticator yet.
///
/// Whoever holds the private key usually signs for many applications. Without a decision for whom a
/// token must be, one that was issued for another service opens this one; so the decision cannot be
/// left out:
/// ```compile_fail,E0277
/// # use doorward_auth::{Authenticator, Jwt, SigningKey};
/// # fn serve(_: impl Authenticator) {}
/// # let pem = SigningKey::generate()?.public_pem();
/// let jwt = Jwt::es256(&pem)?;
/// serve(jwt);
/// # Ok::<_, doorward_auth::KeyError>(())
/// ```
///
/// # Examples
/// ```
/// # use doorward_auth::{Authenticator, Jwt, SigningKey};
/// # fn serve(_: impl Authenticator) {}
/// # let pem = SigningKey::generate()?.public_pem();
/// let jwt = Jwt::es256(&pem)?.bound_to("https://id.example.org", "chat");
/// serve(jwt);
/// # Ok::<_, doorward_auth::KeyError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "it authenticates nobody until it is bound to an issuer and an audience"]
pub struct UnboundJwt(pub(super) Jwt);

impl UnboundJwt {
    /// Accepts the tokens of `issuer` that are meant for `audience`, and no others: both `iss` and
    /// `aud` are demanded, as [`Jwt::issuer`] and [`Jwt::audience`] do.
    pub fn bound_to(self, issuer: impl Into<String>, audience: impl Into<String>) -> Jwt {
        self.0.issuer(issuer).audience(audience)
    }

    /// Accepts tokens of any issuer that are meant for anybody.
    ///
    /// # Security
    /// Every token that was ever signed with this key for any service opens this one. Right only if
    /// the key signs for this service alone.
    pub fn danger_unbound(mut self) -> Jwt {
        self.0.policy.audience = Audience::Any;
        self.0
    }
}
