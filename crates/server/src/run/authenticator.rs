//! Authenticates clients of the ready server: by access token, by session token, or by cookie.

use std::sync::Arc;

use doorward::{
    BoxError, UserId,
    auth::{FirstOf, Jwt, SessionCredential, user_by_id},
};
use doorward_apps::NamedUser;
use doorward_core::AccountStore;
use doorward_identity::{Identity, shown_id, shown_name};

use super::resources::Resources;
use crate::config::{Config, TokenConfig};

/// Builds the authenticator.
pub(crate) fn authenticator(
    config: &Config,
    resources: Resources<'_>,
    identity: &Identity,
) -> FirstOf<NamedUser> {
    let Resources { keys, sessions, stores, .. } = resources;
    // Accept only access tokens of this server's keys, and nothing else that the keys may ever sign.
    let TokenConfig { issuer, audience } = &config.token;
    let tokens = Jwt::key_ring(Arc::clone(keys), issuer.as_str(), audience.as_str())
        .sessions(Arc::clone(sessions));
    let accounts = Arc::clone(&stores.accounts);
    let users = Arc::new(user_by_id(move |id| known(Arc::clone(&accounts), id)));
    FirstOf::new(tokens.load(Arc::clone(&users)))
        .or(SessionCredential::new(Arc::clone(sessions)).load(Arc::clone(&users)))
        .or(identity.cookie().load(users))
}

/// Loads a user. A user without an account exists if an operator has made a token or a session; its id is shown
/// with a sign, because the plain id may be the name of an account. A disabled account is rejected.
async fn known(accounts: Arc<dyn AccountStore>, id: UserId) -> Result<Option<NamedUser>, BoxError> {
    Ok(match accounts.account(&id).await? {
        Some(account) if account.disabled_at.is_some() => None,
        Some(account) => Some(NamedUser { name: shown_name(&*accounts, &account).await? }),
        None => Some(NamedUser { name: shown_id(&id) }),
    })
}
