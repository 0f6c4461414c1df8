//! Authenticates clients of the ready-made server by access token, session token or cookie.

use std::sync::Arc;

use doorward::{
    BoxError, UserId,
    auth::{Claims, FirstOf, SessionCredential, user_by_id},
};
use doorward_apps::NamedUser;
use doorward_core::AccountStore;
use doorward_identity::{Identity, shown_id, shown_name};

use super::{issuers::TrustedIssuers, resources::Resources};

/// Builds the authenticator. `trusted` accepts the access tokens of this server and of all issuers.
pub(crate) fn authenticator(
    trusted: &TrustedIssuers,
    resources: Resources<'_>,
    identity: &Identity,
) -> FirstOf<NamedUser> {
    let Resources { sessions, stores, .. } = resources;
    let (accounts, of_tokens) = (Arc::clone(&stores.accounts), Arc::clone(&stores.accounts));
    let names = trusted.names();
    let of_tokens = move |claims: Claims| {
        let (accounts, name) = (Arc::clone(&of_tokens), names.shown(&claims));
        async move {
            match name {
                Some(name) => Ok(Some(NamedUser { name })),
                None => known(accounts, claims.subject().into()).await,
            }
        }
    };
    let (tokens, issuers) = (trusted.authenticator(), trusted.authenticator());
    let of_sessions = Arc::new(user_by_id(move |id: UserId| {
        // Users of an issuer sign in there. A session of this server must not act for them.
        let (is_foreign, accounts) = (issuers.owns(&id), Arc::clone(&accounts));
        async move { if is_foreign { Ok(None) } else { known(accounts, id).await } }
    }));
    FirstOf::new(tokens.load(of_tokens))
        .or(SessionCredential::new(Arc::clone(sessions)).load(Arc::clone(&of_sessions)))
        .or(identity.cookie().load(of_sessions))
}

/// Loads a user. Returns `None` if the account is disabled. Users of other issuers have no account, and neither has a
/// user for which an operator has created a token or a session. The id of such a user is shown with a leading `#`,
/// because the plain id may be the name of an account.
async fn known(accounts: Arc<dyn AccountStore>, id: UserId) -> Result<Option<NamedUser>, BoxError> {
    Ok(match accounts.account(&id).await? {
        Some(account) if account.disabled_at.is_some() => None,
        Some(account) => Some(NamedUser { name: shown_name(&*accounts, &account).await? }),
        None => Some(NamedUser { name: shown_id(&id) }),
    })
}
