//! Says who a client of the ready server is: by access token, by session token, by cookie.

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

/// Looks at the one credential that counts.
pub(crate) fn authenticator(
    config: &Config,
    resources: Resources<'_>,
    identity: &Identity,
) -> FirstOf<NamedUser> {
    let Resources { keys, sessions, stores, .. } = resources;
    // What this server's keys have signed as access tokens, and nothing else that they may ever sign.
    let TokenConfig { issuer, audience } = &config.token;
    let tokens = Jwt::own(Arc::clone(keys), issuer.as_str(), audience.as_str())
        .sessions(Arc::clone(sessions));
    let accounts = Arc::clone(&stores.accounts);
    let users = Arc::new(user_by_id(move |id| known(Arc::clone(&accounts), id)));
    FirstOf::new(tokens.load(Arc::clone(&users)))
        .or(SessionCredential::new(Arc::clone(sessions)).load(Arc::clone(&users)))
        .or(identity.cookie().load(users))
}

/// Finds out who a user is. An operator may make tokens and sessions for a user without an account, whose id is shown
/// as an id, because it may be what an account is called; an account must be allowed to be used.
async fn known(accounts: Arc<dyn AccountStore>, id: UserId) -> Result<Option<NamedUser>, BoxError> {
    Ok(match accounts.account(&id).await? {
        Some(account) if account.disabled_at.is_some() => None,
        Some(account) => Some(NamedUser { name: shown_name(&*accounts, &account).await? }),
        None => Some(NamedUser { name: shown_id(&id) }),
    })
}
