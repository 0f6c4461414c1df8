//! Authenticates clients of the ready-made server by access token, session token or cookie.

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
    // Accept only access tokens that the keys of this server have signed, and nothing else that these keys may
    // sign.
    let TokenConfig { issuer, audience } = &config.token;
    let tokens = Jwt::key_ring(Arc::clone(keys), issuer.as_str(), audience.as_str())
        .sessions(Arc::clone(sessions));
    let accounts = Arc::clone(&stores.accounts);
    let users = Arc::new(user_by_id(move |id| known(Arc::clone(&accounts), id)));
    FirstOf::new(tokens.load(Arc::clone(&users)))
        .or(SessionCredential::new(Arc::clone(sessions)).load(Arc::clone(&users)))
        .or(identity.cookie().load(users))
}

/// Loads a user. Returns `None` if the account is disabled. A user without an account exists if an operator has
/// created a token or a session for it. The id of such a user is shown with a leading `#`, because the plain id
/// may be the name of an account.
async fn known(accounts: Arc<dyn AccountStore>, id: UserId) -> Result<Option<NamedUser>, BoxError> {
    Ok(match accounts.account(&id).await? {
        Some(account) if account.disabled_at.is_some() => None,
        Some(account) => Some(NamedUser { name: shown_name(&*accounts, &account).await? }),
        None => Some(NamedUser { name: shown_id(&id) }),
    })
}
