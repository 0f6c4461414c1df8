//! Builds an authenticator for the tokens of an issuer that publishes its keys.
//!
//! The application names an audience as the last step, so that a program without one does not
//! compile. Nothing is requested before the first token arrives.

use std::sync::Arc;

use crate::{
    jwt::{authenticator::Jwt, keys::Keys, policy::Audience, preset::Preset},
    key::rsa_algorithm::RsaAlgorithm,
    remote::{
        discovery,
        error::{IssuerError, UrlProblem},
        keys::{RemoteKeys, Source},
        reach::Reach,
        setting,
    },
};

/// Issuer whose keys are read over HTTP. It becomes an authenticator when an audience is named.
///
/// | setting | default |
/// |---|---|
/// | [`key_set`](Self::key_set) | from the metadata of the issuer (OpenID Connect Discovery) |
/// | [`algorithm`](Self::algorithm) | that of the key; RSA keys without an `alg` are not used |
/// | [`preset`](Self::preset) | claims of RFC 9068 |
/// | [`allow_networks`](Self::allow_networks) | public addresses only |
///
/// The keys are requested when the first token arrives, and then kept:
///
/// - After 5 minutes of use they are read again in the background. Keys that are older than 10
///   minutes are read again before they are used, so a withdrawn key is trusted no longer.
/// - A token that names an unknown key makes the server ask again, once in 10 seconds for all
///   clients together. Until then, the client is neither admitted nor refused
///   ([`AuthenticateError::Undecided`](crate::AuthenticateError::Undecided)), and reconnects.
/// - While the issuer does not answer, its keys are used until they are one hour old. Then its
///   tokens cannot be decided ([`AuthenticateError::Unavailable`](crate::AuthenticateError::Unavailable)).
/// - A request takes 2 seconds at most, redirects are not followed, and a key set has 1 MiB and 100
///   keys at most. Proxies in the environment are not used.
///
/// # Examples
/// ```
/// use doorward_auth::{IssuerError, Jwt};
///
/// let jwt = Jwt::issuer("https://id.example.org").audience("chat")?;
/// # Ok::<_, IssuerError>(())
/// ```
/// Without an audience, the program does not compile:
/// ```compile_fail,E0277
/// # use doorward_auth::{Authenticator, Jwt};
/// # fn serve(_: impl Authenticator) {}
/// serve(Jwt::issuer("https://id.example.org"));
/// ```
#[derive(Clone, Debug)]
#[must_use = "the issuer is not an authenticator until an audience is named"]
pub struct RemoteIssuer {
    issuer: String,
    key_set: Option<String>,
    algorithm: Option<RsaAlgorithm>,
    preset: Option<Preset>,
    networks: Vec<String>,
}

impl Jwt {
    /// Trusts the tokens of an issuer (an OpenID provider), whose keys are read over HTTP.
    ///
    /// `url` is the name of the issuer exactly as in the claim `iss` of its tokens, with or without
    /// a slash at its end. Its metadata is at `URL/.well-known/openid-configuration`.
    pub fn issuer(url: impl Into<String>) -> RemoteIssuer {
        RemoteIssuer {
            issuer: url.into(),
            key_set: None,
            algorithm: None,
            preset: None,
            networks: Vec::new(),
        }
    }
}

impl RemoteIssuer {
    /// Sets the URL of the key set, for an issuer that publishes no metadata.
    pub fn key_set(self, url: impl Into<String>) -> Self {
        Self { key_set: Some(url.into()), ..self }
    }

    /// Sets the algorithm of RSA keys that state none (`alg`), such as those of Entra ID.
    pub fn algorithm(self, algorithm: RsaAlgorithm) -> Self {
        Self { algorithm: Some(algorithm), ..self }
    }

    /// Sets the claims of a well-known provider.
    pub fn preset(self, preset: Preset) -> Self {
        Self { preset: Some(preset), ..self }
    }

    /// Allows requests to addresses in these networks, such as `10.1.0.0/16`, for an issuer inside
    /// of the operator's own network. Public addresses are always allowed. An issuer on this machine
    /// (`http://localhost:8080`) needs no permission.
    ///
    /// # Security
    /// The metadata of the issuer names the address of its keys. So the issuer can make this server
    /// send requests to all addresses in these networks. Name the address of the issuer rather than
    /// the whole network.
    pub fn allow_networks<T: Into<String>>(self, networks: impl IntoIterator<Item = T>) -> Self {
        Self { networks: networks.into_iter().map(Into::into).collect(), ..self }
    }

    /// Returns an authenticator that accepts only tokens of this issuer for `audience`.
    ///
    /// # Errors
    /// All errors are the operator's mistake, or that of the system:
    /// - [`IssuerError::Url`]: a URL is malformed, does not use TLS, or has a private address.
    /// - [`IssuerError::Network`]: a text is not a network.
    /// - [`IssuerError::Client`]: the client for TLS cannot be set up.
    pub fn audience(self, audience: impl Into<String>) -> Result<Jwt, IssuerError> {
        Ok(self.build()?.audience(audience))
    }

    /// Returns an authenticator that accepts tokens of this issuer for any audience.
    ///
    /// # Errors
    /// Same as [`audience`](Self::audience).
    ///
    /// # Security
    /// Every service that a user signs in to with this issuer receives a token of the user. Without
    /// the check of the audience, each of these services can act as the user here.
    pub fn danger_any_audience(self) -> Result<Jwt, IssuerError> {
        let mut jwt = self.build()?;
        jwt.policy.audience = Audience::Any;
        Ok(jwt)
    }

    fn build(self) -> Result<Jwt, IssuerError> {
        let url = setting::url(&self.issuer)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(setting::refused(&url, UrlProblem::Query));
        }
        if url.path().contains("/.well-known/") {
            return Err(setting::refused(&url, UrlProblem::Document));
        }
        let reach = Reach::new(&url, setting::networks(&self.networks)?);
        let metadata = discovery::url(&setting::check(&reach, url)?);
        let key_set = self.key_set.as_deref().map(setting::url).transpose()?;
        let key_set = key_set.map(|url| setting::check(&reach, url)).transpose()?;
        let algorithm = self.algorithm.or(self.preset.and_then(Preset::rsa_algorithm));
        let issuer = self.issuer.as_str().into();
        let source = Source { issuer, metadata, key_set, algorithm, reach };
        let keys = RemoteKeys::new(source).map_err(|error| IssuerError::Client(error.into()))?;
        let jwt = Jwt::new(Keys::Remote(Arc::new(keys))).issued_by(self.issuer);
        Ok(match self.preset {
            Some(preset) => jwt.preset(preset),
            None => jwt,
        })
    }
}
