//! Identity providers whose tokens are accepted, beside the tokens of this server.
//!
//! The list is read again at SIGHUP. An issuer whose settings have not changed keeps its keys and
//! its sockets. The sockets of all other issuers end at the next sweep.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use doorward::{
    auth::{Claims, Issuers, Jwt, KeyRing},
    server::{Clock as _, SystemClock},
    session::Sessions,
};
use doorward_identity::shown_name_of_issuer;
use futures_util::future::join_all;
use tokio::sync::Mutex;

use crate::{
    config::{
        Config, TokenConfig,
        issuers::{IssuerConfig, OWN_TOKENS},
    },
    terminal::{Failure, OrFail as _},
};

/// Issuers of the running server.
pub(crate) struct TrustedIssuers {
    issuers: Issuers,
    /// Authenticator of the tokens of this server.
    own: Jwt,
    current: Mutex<Vec<Trusted>>,
    names: NameClaims,
}

/// Claims with the names of users, by the name of the issuer. Clones share them.
#[derive(Clone)]
pub(crate) struct NameClaims(Arc<RwLock<HashMap<String, &'static str>>>);

impl NameClaims {
    /// Returns the name that the issuer of a token gives its user, such as `#corp Alice`. Returns `None` if no claim
    /// is configured, or if the claim cannot be shown.
    pub(crate) fn shown(&self, claims: &Claims) -> Option<Box<str>> {
        let (issuer, _) = claims.subject().split_once(':')?;
        let claim = *self.0.read().unwrap_or_else(PoisonError::into_inner).get(issuer)?;
        shown_name_of_issuer(issuer, claims.get(claim)?.as_str()?)
    }

    fn replace(&self, issuers: &[Trusted]) {
        let claim = |one: &Trusted| Some((one.config.name.to_string(), one.config.name_claim?.0));
        let all = issuers.iter().filter_map(claim).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = all;
    }
}

/// Issuer with the settings that it was built from.
#[derive(Clone)]
struct Trusted {
    config: IssuerConfig,
    jwt: Jwt,
}

impl TrustedIssuers {
    /// Trusts the keys of this server, and the configured issuers.
    pub(crate) fn new(
        config: &Config,
        keys: &Arc<KeyRing>,
        sessions: &Arc<Sessions>,
    ) -> Result<Self, Failure> {
        // Accept only access tokens that the keys of this server have signed, and nothing else that these keys may
        // sign.
        let TokenConfig { issuer, audience } = &config.token;
        let own = Jwt::key_ring(Arc::clone(keys), issuer.as_str(), audience.as_str())
            .sessions(Arc::clone(sessions))
            // Its users are those of the sessions.
            .danger_share_users();
        let trusted = build(&config.issuers, &[])?;
        let issuers = Issuers::new(all(&own, &trusted)).or_fail(WRONG)?;
        let names = NameClaims(Arc::default());
        names.replace(&trusted);
        Ok(Self { issuers, own, current: Mutex::new(trusted), names })
    }

    /// Returns the authenticator of all tokens. It follows later changes of the list.
    pub(crate) fn authenticator(&self) -> Issuers {
        self.issuers.clone()
    }

    /// Returns the claims with the names of users. They follow later changes of the list.
    pub(crate) fn names(&self) -> NameClaims {
        self.names.clone()
    }

    /// Reads the keys of all issuers, so that the log shows at once if one of them cannot be used.
    pub(crate) async fn prepare(self: Arc<Self>) {
        let trusted = self.current.lock().await.clone();
        let all = trusted.iter().map(|trusted| trusted.jwt.prepare(SystemClock.wall()));
        // A failure is logged where the keys are read, and the next client tries again.
        drop(join_all(all).await);
    }

    /// Replaces the issuers by those of a configuration that was read again. Fails if one of them
    /// cannot be used. Nothing changes then.
    pub(crate) async fn replace(&self, configured: &[IssuerConfig]) -> Result<(), Failure> {
        let mut current = self.current.lock().await;
        let after = build(configured, &current)?;
        self.issuers.replace(all(&self.own, &after)).or_fail(WRONG)?;
        self.names.replace(&after);
        let names = |trusted: &[Trusted], others: &[Trusted]| -> Vec<String> {
            let is_other = |one: &&Trusted| others.iter().all(|other| other.config != one.config);
            trusted.iter().filter(is_other).map(|one| one.config.name.to_string()).collect()
        };
        let (mut added, mut removed) = (names(&after, &current), names(&current, &after));
        let changed: Vec<_> = added.extract_if(.., |name| removed.contains(name)).collect();
        removed.retain(|name| !changed.contains(name));
        if added.is_empty() && removed.is_empty() && changed.is_empty() {
            tracing::info!("The issuers have not changed.");
        } else {
            tracing::info!(?added, ?changed, ?removed, "The issuers have changed.");
        }
        *current = after;
        Ok(())
    }
}

/// Builds the authenticators. Keeps those of `before` whose settings have not changed.
fn build(configured: &[IssuerConfig], before: &[Trusted]) -> Result<Vec<Trusted>, Failure> {
    let build = |config: &IssuerConfig| match before.iter().find(|old| old.config == *config) {
        Some(same) => Ok(same.clone()),
        None => {
            let jwt = config.jwt();
            let jwt =
                jwt.or_fail(format_args!("issuer {:?} cannot be used", config.name.as_str()))?;
            Ok(Trusted { config: config.clone(), jwt })
        }
    };
    configured.iter().map(build).collect()
}

/// Returns all issuers with their names.
fn all(own: &Jwt, trusted: &[Trusted]) -> Vec<(String, Jwt)> {
    let own = std::iter::once((OWN_TOKENS.to_owned(), own.clone()));
    own.chain(trusted.iter().map(|one| (one.config.name.to_string(), one.jwt.clone()))).collect()
}

const WRONG: &str = "the issuers cannot be used";
