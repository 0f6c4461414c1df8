//! Builds the server from its resources and its configuration.

use std::sync::Arc;

use doorward::{
    Doorward, Limits,
    audit::BoundedAudit,
    auth::Issuer,
    event::IntoGateway as _,
    server::{Entropy as _, OsEntropy, SystemClock},
    session::Sessions,
};
use doorward_apps::Services;
use doorward_identity::Identity;

use super::{
    authenticator, demo, descriptors, directory::AccountDirectory, issuers::TrustedIssuers,
    resources::Resources,
};
use crate::{
    config::{Config, SameSite},
    data::{
        bridge,
        stores::{Sink, Stores},
    },
    door::Door,
    terminal::{Failure, OrFail as _},
};

/// Builds the session service, with the configured lifetimes.
pub(crate) fn sessions(config: &Config, stores: &Stores) -> Sessions {
    let (store, revocations) = (Arc::clone(&stores.sessions), Arc::clone(&stores.revocations));
    Sessions::new(store, revocations, Arc::new(SystemClock), Arc::new(OsEntropy))
        .idle_timeout(config.session.idle_timeout.get())
        .lifetime(config.session.lifetime.get())
}

/// Builds the sign-in service.
pub(crate) async fn identity(
    config: &Config,
    resources: Resources<'_>,
) -> Result<Identity, Failure> {
    let Resources { keys, sessions, stores, public_url } = resources;
    let mut drawn = [0; 32];
    OsEntropy.fill(&mut drawn);
    let secret = stores.accounts.decoy_secret(&drawn).await.or_fail("cannot use the database")?;
    let (sessions, tickets) = (Arc::clone(sessions), Arc::clone(&stores.tickets));
    let accounts = Arc::clone(&stores.accounts);
    let (issuer, audience) = (config.token.issuer.as_str(), config.token.audience.as_str());
    let applications = stores.applications.clone();
    let mut builder = Identity::builder(&public_url.origin(), accounts, sessions, tickets)
        .name(config.passkeys.name.as_str())
        .decoy_secret(secret)
        .issuer(Issuer::with_ring(Arc::clone(keys), issuer, audience))
        .expose_token(config.session.expose_token)
        .sign_up(config.passkeys.sign_up)
        .fresh_for(config.session.fresh_for.get())
        .on_account_removed(move |user| {
            let applications = applications.clone();
            async move { Ok(applications.forget(&user).await?) }
        })
        .audit(Arc::<BoundedAudit<Sink>>::clone(&stores.audit));
    for origin in &config.origins {
        builder = builder.allow_origin(&origin.to_string());
    }
    if let Some(rp_id) = &config.passkeys.rp_id {
        builder = builder.rp_id(rp_id.as_str());
    }
    if config.session.same_site == SameSite::Strict {
        builder = builder.same_site_strict();
    }
    builder.build().or_fail(format_args!("no user could sign in at public_url {public_url}"))
}

/// Builds the server.
pub(crate) fn build(
    config: &Config,
    resources: Resources<'_>,
    issuers: &TrustedIssuers,
    identity: &Identity,
) -> Result<Doorward, Failure> {
    let mut builder = Doorward::builder()
        .authenticate(authenticator::authenticator(issuers, resources, identity))
        .connections(config.links)
        .revocations(Arc::clone(&resources.stores.revocations))
        .audit(Arc::clone(&resources.stores.audit))
        .limits(|limits| *limits = self::limits(config))
        .trusted_proxies(config.trusted_proxies.texts())
        .pages(config.origins.iter().map(ToString::to_string))
        .gateway(demo::gateway().connections_at_most(config.sockets))
        .gateway(Door.into_gateway().connections_at_most(config.sockets));
    if let Some((store, redis)) = resources.stores.cluster.as_ref().zip(config.redis()) {
        builder = builder.cluster(store.cluster(&redis.node_name()));
    }
    if let Some(bridge) = bridge::of(config)? {
        builder = builder.bridge(bridge);
    }
    if config.polling_same_address {
        builder = builder.bind_polling_to_address();
    }
    if let Some(name) = &config.node_cookie {
        builder = builder.node_cookie(name.as_str());
    }
    if !config.polling {
        builder = builder.websocket_only();
    }
    let Stores { applications, accounts, .. } = resources.stores;
    if let Some(database) = applications.tables() {
        let services = Services {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            database: database.clone(),
            directory: Arc::new(AccountDirectory(Arc::clone(accounts))),
            round: config.mole_round.get(),
        };
        for application in config.applications() {
            let gateway = application.gateway(&services);
            builder = builder.gateway(gateway.connections_at_most(config.sockets));
        }
    }
    builder.public(identity.gateway()).build().or_fail("the server cannot be built")
}

/// Returns the limits of the framework. The number of connections is limited to what the file
/// descriptors permit.
fn limits(config: &Config) -> Limits {
    let mut limits = config.limits.clone();
    let connections = descriptors::limit().map_or(usize::MAX, descriptors::for_connections);
    limits.max_connections = limits.max_connections.min(connections);
    limits
}
