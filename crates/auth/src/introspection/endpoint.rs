//! Configures an introspection endpoint.

use std::sync::Arc;

use crate::{
    introspection::{authenticator::Introspection, client::IntrospectionClient},
    jwt::policy::{Audience, Expiry, Policy},
    remote::{error::IssuerError, http::Http, reach::Reach, setting},
};

/// Introspection endpoint of an authorization server. It becomes an authenticator when an audience is
/// named.
///
/// # Examples
/// See [`Introspection`].
/// ```compile_fail,E0277
/// # use doorward_auth::{Authenticator, Introspection};
/// # fn serve(_: impl Authenticator) {}
/// serve(Introspection::at("https://id.example.org/introspect", "chat", "secret"));
/// ```
#[must_use = "the endpoint is not an authenticator until an audience is named"]
pub struct IntrospectionEndpoint {
    url: String,
    client: String,
    secret: String,
    issuer: Option<String>,
    user_claim: &'static str,
    networks: Vec<String>,
}

impl Introspection {
    /// Asks the endpoint at `url` about tokens. This server authenticates itself there by a client id
    /// and a client secret (HTTP Basic, RFC 6749 section 2.3.1), which the authorization server has
    /// issued.
    pub fn at(
        url: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
    ) -> IntrospectionEndpoint {
        IntrospectionEndpoint {
            url: url.into(),
            client: client_id.into(),
            secret: client_secret.into(),
            issuer: None,
            user_claim: "sub",
            networks: Vec::new(),
        }
    }
}

impl IntrospectionEndpoint {
    /// Requires an `iss` in the answer that is the string `issuer`, byte for byte.
    pub fn issued_by(self, issuer: impl Into<String>) -> Self {
        Self { issuer: Some(issuer.into()), ..self }
    }

    /// Reads the user from the member `name` of the answer instead of `sub`, such as `username`.
    pub fn user_claim(self, name: &'static str) -> Self {
        Self { user_claim: name, ..self }
    }

    /// Allows requests to addresses in these networks. See
    /// [`RemoteIssuer::allow_networks`](crate::RemoteIssuer::allow_networks).
    pub fn allow_networks<T: Into<String>>(self, networks: impl IntoIterator<Item = T>) -> Self {
        Self { networks: networks.into_iter().map(Into::into).collect(), ..self }
    }

    /// Returns an authenticator that accepts only tokens whose answer has an `aud` that is `audience`,
    /// or a list that contains it.
    ///
    /// # Errors
    /// Same as [`RemoteIssuer::audience`](crate::RemoteIssuer::audience).
    pub fn audience(self, audience: impl Into<String>) -> Result<Introspection, IssuerError> {
        self.build(Audience::OneOf(vec![audience.into()]))
    }

    /// Returns an authenticator that accepts tokens for any audience, also without an `aud` in the
    /// answer.
    ///
    /// # Errors
    /// Same as [`audience`](Self::audience).
    ///
    /// # Security
    /// Every service that receives a token of the authorization server can act as its user here, unless
    /// it introspects only tokens issued for this client.
    pub fn danger_any_audience(self) -> Result<Introspection, IssuerError> {
        self.build(Audience::Any)
    }

    fn build(self, audience: Audience) -> Result<Introspection, IssuerError> {
        let Self { url, client, secret, issuer, user_claim, networks } = self;
        let url = setting::url(&url)?;
        let reach = Reach::new(&url, setting::networks(&networks)?);
        let url = setting::check(&reach, url)?;
        let http = Http::new(reach).map_err(|error| IssuerError::Client(error.into()))?;
        let mut policy = Policy { issuer, audience, ..Policy::default() };
        policy.shape.user = user_claim;
        // Each sweep asks again, so the lifetime needs no shorter limit.
        policy.max_lifetime = doorward_core::MAX_LIFETIME;
        policy.expiry = Expiry::OrMaxFromNow;
        let client = Arc::new(IntrospectionClient::new(url, &client, &secret, http));
        Ok(Introspection { client, policy: Arc::new(policy) })
    }
}

// The secret of the client is not printed.
doorward_core::debug_fields!(IntrospectionEndpoint { url, client });
