//! Makes the application decide which issuer and which audience tokens must have.
//!
//! A public key first becomes an [`UnboundJwt`]. The application then names an issuer and an
//! audience, or states explicitly that neither is checked. An HMAC secret belongs to one
//! application, so it does not need this step.

use crate::jwt::{authenticator::Jwt, policy::Audience};

/// Public key or key set whose tokens are not bound to an issuer and an audience yet. It is not an
/// authenticator.
///
/// The holder of the private key usually signs for many applications. If the audience is not
/// checked, tokens for other services are accepted. The application must therefore call
/// [`bound_to`](Self::bound_to) or [`danger_unbound`](Self::danger_unbound). Without the call, the
/// program does not compile:
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
    /// Returns an authenticator that accepts only tokens of `issuer` for `audience`.
    /// [`Jwt::issued_by`] and [`Jwt::audience`] describe how the claims `iss` and `aud` are compared.
    pub fn bound_to(self, issuer: impl Into<String>, audience: impl Into<String>) -> Jwt {
        self.0.issued_by(issuer).audience(audience)
    }

    /// Returns an authenticator that accepts tokens of any issuer for any audience.
    ///
    /// # Security
    /// The authenticator accepts every token that is signed with this key, for any service. Call
    /// this method only if the key signs for this service alone.
    pub fn danger_unbound(mut self) -> Jwt {
        self.0.policy.audience = Audience::Any;
        self.0
    }
}
