//! Says who a client of the ready server is: by access token, by session token, by cookie.

use std::sync::Arc;

use doorward::{
    BoxError, UserId,
    auth::{FirstOf, Jwt, SessionCredential, user_by_id},
};
use doorward_core::AccountStore;
use doorward_identity::{Identity, shown_id, shown_name};

use crate::{
    config::{Config, TokenConfig},
    serve::Parts,
};

/// Somebody whose credential is good.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// What others read.
    pub(crate) name: Box<str>,
}

/// Looks at the one credential that counts.
pub(crate) fn authenticator(
    config: &Config,
    parts: Parts<'_>,
    identity: &Identity,
) -> FirstOf<Known> {
    let Parts { keys, sessions, stores, .. } = parts;
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
async fn known(accounts: Arc<dyn AccountStore>, id: UserId) -> Result<Option<Known>, BoxError> {
    Ok(match accounts.account(&id).await? {
        Some(account) if account.disabled_at.is_some() => None,
        Some(account) => Some(Known { name: shown_name(&*accounts, &account).await? }),
        None => Some(Known { name: shown_id(&id) }),
    })
}

/// Lets everybody in as whom they say they are.
#[cfg(test)]
pub(crate) fn for_tests() -> impl doorward::Authenticator<Principal = Known> {
    doorward::prelude::authenticate_fn(|handshake| async move {
        let user = handshake.auth.str("user").ok_or_else(doorward::Refusal::forbidden)?;
        Ok(doorward::Grant::new(Known { name: user.into() }, user))
    })
}
