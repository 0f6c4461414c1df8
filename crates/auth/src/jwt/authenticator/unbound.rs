//! Forces a decision on the issuer and the audience of tokens.
//!
//! A public key first becomes an [`UnboundJwt`]. The application then names issuer and audience, or
//! states explicitly that neither is checked. HMAC secrets skip this step, because they belong to
//! one application.

use crate::jwt::{authenticator::Jwt, policy::Audience};

/// Public key without an issuer and an audience; not an authenticator yet.
///
/// The holder of the private key usually signs for many applications. Without a check of the
/// audience, a token issued for another service is accepted here. So the decision cannot be left
/// out:
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
#[must_use = "the key is not an authenticator until it is bound to an issuer and an audience"]
pub struct UnboundJwt(pub(super) Jwt);

impl UnboundJwt {
    /// Accepts only tokens of `issuer` for `audience`: requires `iss` and `aud` as [`Jwt::issuer`]
    /// and [`Jwt::audience`] do.
    pub fn bound_to(self, issuer: impl Into<String>, audience: impl Into<String>) -> Jwt {
        self.0.issuer(issuer).audience(audience)
    }

    /// Accepts tokens of any issuer for any audience.
    ///
    /// # Security
    /// Accepts every token that was ever signed with this key, for any service. Use it only if the
    /// key signs for this service alone.
    pub fn danger_unbound(mut self) -> Jwt {
        self.0.policy.audience = Audience::Any;
        self.0
    }
}
