//! Resolves the name that an operator has typed to a user.
//!
//! A name may be the user name of an account, the id of an account, or the subject of tokens and sessions without
//! an account. A name that matches two users is rejected, and the error names both. Start reading at [`find`].

use axum::{http::StatusCode, response::Response};
use doorward::UserId;
use doorward_identity::AccountError;

use crate::admin::state::{Admin, not_answered, problem};

/// User that a name stands for, with the number of live sessions and sockets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) id: UserId,
    /// User name of the account, if there is one.
    account: Option<Box<str>>,
    sessions: usize,
    sockets: usize,
}

impl Found {
    fn is_known(&self) -> bool {
        self.account.is_some() || self.sessions > 0 || self.sockets > 0
    }
}

/// Formats the user as part of a sentence.
impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, account, sessions, sockets } = self;
        match account {
            Some(name) => write!(f, "the account {name:?} (id {})", id.as_str())?,
            None => write!(f, "the subject {:?}", id.as_str())?,
        }
        let s = |count: usize| if count == 1 { "" } else { "s" };
        write!(f, ", with {sessions} session{} and {sockets} socket{}", s(*sessions), s(*sockets))
    }
}

/// Returns sentences that describe the target of a revocation by `name`.
pub(super) async fn told(admin: &Admin, found: &Found, name: &str) -> String {
    if found.is_known() && found.id.as_str() == name {
        return format!("It was {found}.");
    }
    if found.is_known() {
        return format!(
            "It was {found}. The subject {name:?} of tokens would be another user: --id {name} revokes it."
        );
    }
    let hint = match of_an_issuer(admin, name).await {
        OfAnIssuer::Connected(id) => {
            format!(" {id:?} is connected, and is another user: --id {id} revokes it.")
        }
        OfAnIssuer::Perhaps(prefix) => match name.split_once(':') {
            Some((other, _)) => format!(" No issuer is named {other:?}."),
            None => format!(
                " The id of a user of an issuer begins with the name of the issuer, such as \"{prefix}:{name}\"."
            ),
        },
        OfAnIssuer::No => String::new(),
    };
    format!(
        "No account, session or socket was found: what was issued to the subject {:?} before is refused.{hint}",
        found.id.as_str()
    )
}

/// Whether a name may be the `sub` in the tokens of an issuer, without the name of the issuer.
enum OfAnIssuer {
    /// A user with this id is connected.
    Connected(String),
    /// There are issuers, such as that of this name.
    Perhaps(Box<str>),
    /// There is no issuer, or the name is that of a user of an issuer.
    No,
}

async fn of_an_issuer(admin: &Admin, name: &str) -> OfAnIssuer {
    if admin.issuers.owns(&UserId::new(name)) {
        return OfAnIssuer::No;
    }
    let mut prefixes = admin.issuers.prefixes();
    for prefix in &prefixes {
        let id = format!("{prefix}:{name}");
        if !admin.principals.sockets_of(&UserId::new(&*id)).await.value.is_empty() {
            return OfAnIssuer::Connected(id);
        }
    }
    prefixes.pop().map_or(OfAnIssuer::No, OfAnIssuer::Perhaps)
}

/// Returns a sentence about a revoked token.
pub(super) fn told_of_token(admin: &Admin, id: &str) -> String {
    let prefixes = admin.issuers.prefixes();
    let is_named = prefixes
        .iter()
        .any(|prefix| id.strip_prefix(prefix.as_ref()).is_some_and(|rest| rest.starts_with(':')));
    match prefixes.last() {
        Some(prefix) if !is_named => format!(
            "If this server has issued the token, it is refused from now on. A token of an issuer has the name of \
             the issuer before its jti, such as \"{prefix}:{id}\"."
        ),
        _ => "The token is refused from now on.".to_owned(),
    }
}

/// Finds a user by user name, id or subject. Returns the error response if `name` matches two users, or if a store
/// does not answer.
pub(super) async fn find(admin: &Admin, name: &str) -> Result<Found, Response> {
    let named = match admin.accounts.named(name).await {
        Ok(named) => named,
        // Not every subject is a valid user name.
        Err(AccountError::Name(_)) => None,
        Err(error) => return Err(not_answered(&error)),
    };
    // Only a store that answers can tell whether the name also matches a second user.
    let id = UserId::new(name);
    let account = admin.store.account(&id).await.map_err(|error| not_answered(&error))?;
    let exact = describe(admin, id, account.map(|account| account.name)).await?;
    let Some(account) = named.filter(|account| account.id != exact.id) else {
        if !exact.is_known()
            && let OfAnIssuer::Connected(id) = of_an_issuer(admin, name).await
        {
            let text = format!(
                "no user is named {name:?}, and {id:?} is connected: name one of them with --id"
            );
            return Err(problem(StatusCode::CONFLICT, &text));
        }
        return Ok(exact);
    };
    let found = describe(admin, account.id, Some(account.name)).await?;
    if exact.is_known() {
        let text = format!("{name:?} is {found}, and {exact}: name one of them with --id");
        return Err(problem(StatusCode::CONFLICT, &text));
    }
    Ok(found)
}

/// Finds the user with exactly this id or subject. If the stores do not answer, the result lacks the account and
/// the sessions.
pub(super) async fn find_exact(admin: &Admin, id: &str) -> Found {
    let id = UserId::new(id);
    let account = admin.store.account(&id).await.ok().flatten().map(|account| account.name);
    let sessions = admin.sessions.list(&id).await.map_or(0, |sessions| sessions.len());
    let sockets = admin.principals.sockets_of(&id).await.value.len();
    Found { id, account, sessions, sockets }
}

async fn describe(admin: &Admin, id: UserId, account: Option<Box<str>>) -> Result<Found, Response> {
    let sessions = admin.sessions.list(&id).await.map_err(|error| not_answered(&error))?.len();
    let sockets = admin.principals.sockets_of(&id).await.value.len();
    Ok(Found { id, account, sessions, sockets })
}
