//! Says who a client of the ready server is: by access token, by session token, by cookie.

use std::sync::Arc;

use doorward::auth::{
    Claims, FirstOf, Jwt, OriginError, Origins, SessionCookie, SessionCredential, SignedIn,
};

use crate::{
    config::{Config, SameSite, TokenConfig},
    failure::Failure,
    public_url::PublicUrl,
    serve::Parts,
};

/// Somebody whose credential is good. Who that is, the connection says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known;

/// Looks at the one credential that counts.
pub(crate) fn authenticator(config: &Config, parts: Parts<'_>) -> Result<FirstOf<Known>, Failure> {
    let Parts { keys, sessions, public_url, .. } = parts;
    // What this server's keys have signed as access tokens, and nothing else that they may ever sign.
    let TokenConfig { issuer, audience } = &config.token;
    let tokens = Jwt::own(Arc::clone(keys), issuer.as_str(), audience.as_str())
        .sessions(Arc::clone(sessions));
    let origins = Arc::new(origins(config, public_url).map_err(|error| {
        Failure::because("an origin of public_url or origins.allow cannot be used", &error)
    })?);
    let mut cookie = SessionCookie::new(Arc::clone(sessions), origins);
    if config.session.same_site == SameSite::Strict {
        cookie = cookie.same_site_strict();
    }
    let by_session = |_: SignedIn| async { Ok(Some(Known)) };
    Ok(FirstOf::new(tokens.load(|_: Claims| async { Ok(Some(Known)) }))
        .or(SessionCredential::new(Arc::clone(sessions)).load(by_session))
        .or(cookie.load(by_session)))
}

/// The pages whose cookies count. The configuration has refused what production may not have.
fn origins(config: &Config, public_url: &PublicUrl) -> Result<Origins, OriginError> {
    let all = config.origins.iter().chain([public_url]);
    let none = Ok(Origins::default());
    all.fold(none, |origins, origin| origins?.danger_allow_insecure(&origin.to_string()))
}
