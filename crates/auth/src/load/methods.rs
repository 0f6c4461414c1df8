//! Adds `load` to every authenticator of this crate.
//!
//! The methods are in this module and not beside their types, so that the verifiers do not depend
//! on `load`.

#[cfg(feature = "issuers")]
use crate::introspection::authenticator::Introspection;
use crate::{
    cookie::session_cookie::SessionCookie,
    credential::first_of::FirstOf,
    issuers::set::Issuers,
    jwt::authenticator::Jwt,
    load::{loaded::Loaded, loader::UserLoader},
    session::{authenticator::SessionCredential, signed_in::SignedIn},
};

impl Jwt {
    /// Returns an authenticator that looks up the application's own user for every valid token.
    ///
    /// # Examples
    /// ```
    /// use doorward_auth::{Claims, Jwt};
    ///
    /// struct User {
    ///     name: String,
    /// }
    ///
    /// async fn find_user(id: &str) -> Result<Option<User>, std::io::Error> {
    ///     Ok((id == "alice").then(|| User { name: "Alice".to_owned() }))
    /// }
    ///
    /// let jwt = Jwt::hs256("4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT")?
    ///     .load(|claims: Claims| async move { Ok(find_user(claims.subject()).await?) });
    /// # Ok::<_, doorward_auth::KeyError>(())
    /// ```
    pub fn load<L: UserLoader>(self, loader: L) -> Loaded<L> {
        Loaded::new(self, loader)
    }
}

#[cfg(feature = "issuers")]
impl Introspection {
    /// Returns an authenticator that looks up the application's own user for every active token.
    pub fn load<L: UserLoader>(self, loader: L) -> Loaded<L, Self> {
        Loaded::new(self, loader)
    }
}

impl Issuers {
    /// Returns an authenticator that looks up the application's own user for every valid token.
    pub fn load<L: UserLoader>(self, loader: L) -> Loaded<L, Self> {
        Loaded::new(self, loader)
    }
}

impl SessionCookie {
    /// Returns an authenticator that looks up the application's own user for every active session.
    pub fn load<L: UserLoader<SignedIn>>(self, loader: L) -> Loaded<L, Self> {
        Loaded::new(self, loader)
    }
}

impl SessionCredential {
    /// Returns an authenticator that looks up the application's own user for every active session.
    pub fn load<L: UserLoader<SignedIn>>(self, loader: L) -> Loaded<L, Self> {
        Loaded::new(self, loader)
    }
}

impl<P: Send + Sync + 'static> FirstOf<P> {
    /// Returns an authenticator that looks up the application's own user for every kind of valid
    /// credential.
    pub fn load<L: UserLoader<P>>(self, loader: L) -> Loaded<L, Self> {
        Loaded::new(self, loader)
    }
}
