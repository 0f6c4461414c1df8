//! Serves the requests of operators, who list connections and sessions, revoke, and manage accounts.
//!
//! The protocol is HTTP on a Unix socket in the data directory. Only root and the system user that runs the server
//! may open it. No network listener has these routes. The clients are `doorward revoke`, `sessions`, `connections`,
//! `nodes` and `accounts`. Start reading at [`router`].

mod client;
mod running;
pub(crate) mod server;
mod socket;
pub(crate) mod state;
mod watching;
mod whom;
pub(crate) mod wire;

use std::net::IpAddr;

pub(crate) use crate::admin::state::Admin;
use crate::admin::state::not_answered;
use crate::admin::state::problem;
use axum::{
    Json, Router,
    extract::{Query, State, rejection::JsonRejection},
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
pub(crate) use client::{AdminClient, Answers, cut_off, incomplete};
use doorward::{
    UserId,
    access::{Gathered, RevokeError},
    session::{NewSession, VerifySessionError},
};
use doorward_core::Causes;
use doorward_identity::AccountError;
use server::Server;
pub(crate) use socket::AdminSocket;
use wire::{
    AccountChange, AccountChanged, AccountList, AccountsBehind, Change, Connections, Named, Nodes,
    Revocation, Revoke, SessionList, SessionMade, UserQuery, names,
};

/// Builds the routes of the admin socket.
pub(crate) fn router(admin: Admin) -> Router {
    Router::new()
        .route("/server", get(server))
        .route("/revoke", post(revoke))
        .route("/connections", get(connections))
        .route("/connections/watch", get(watching::watch))
        .route("/nodes", get(nodes))
        .route("/sessions", get(list_sessions).post(make_session))
        .route("/accounts", get(list_accounts).post(change_account))
        .fallback(async || problem(StatusCode::NOT_FOUND, "There is nothing here."))
        .with_state(admin)
}

/// Answers the greeting of a command, which sends its request only after this answer. Asks no other component, so that
/// a server that answers slowly is told from one that does not run.
async fn server(State(admin): State<Admin>) -> Json<Server> {
    Json(Server::clone(&admin.server))
}

async fn revoke(
    State(admin): State<Admin>,
    what: Result<Json<Revoke>, JsonRejection>,
) -> Result<Json<Revocation>, Response> {
    let Json(what) = what.map_err(|error| problem(error.status(), &error.body_text()))?;
    let what = what.named().map_err(|text| problem(StatusCode::BAD_REQUEST, text))?;
    let (order, told) = order(&admin, what).await?;
    let done = admin.principals.revoke(order).await;
    match done {
        Ok(done) => Ok(Json(Revocation::new(done.settled().await, told))),
        Err(error) => Err(not_revoked(&error)),
    }
}

fn not_revoked(error: &RevokeError) -> Response {
    match error {
        RevokeError::Store(cause) => {
            let cause = Causes(cause);
            problem(
                StatusCode::SERVICE_UNAVAILABLE,
                &format!(
                    "the sockets of this server have ended, but the revocation was not stored ({cause}), so \
                     the clients may connect again: correct the cause, and revoke again"
                ),
            )
        }
        error => problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// Resolves the target of a revocation. Returns the [`Revoke`](doorward::Revoke) to execute, and a sentence about the
/// target for the operator. If the target cannot be determined, the error is the response to send.
async fn order(admin: &Admin, what: Named) -> Result<(doorward::Revoke, String), Response> {
    let unknown = |text: String| problem(StatusCode::NOT_FOUND, &text);
    match what {
        Named::User(name) => {
            let found = whom::find(admin, &name).await?;
            let told = whom::told(admin, &found, &name).await;
            Ok((doorward::Revoke::User(found.id), told))
        }
        Named::Id(id) => {
            let found = whom::find_exact(admin, &id).await;
            let told = whom::told(admin, &found, &id).await;
            Ok((doorward::Revoke::User(found.id), told))
        }
        Named::Session(id) => {
            let sockets = admin.principals.sockets().await.value;
            let live = sockets
                .iter()
                .find(|one| one.session.as_ref() == Some(&id))
                .map(|one| one.user.clone());
            let told = |user: UserId| format!("It was a session of {:?}.", user.as_str());
            let told = match (admin.sessions.get(&id).await, live) {
                (Ok(session), _) => told(session.user),
                (Err(_), Some(user)) => told(user),
                // The session may exist, so it is revoked although its user is unknown.
                (Err(VerifySessionError::Unavailable(_)), None) => {
                    "Its user is not known, because the store of sessions does not answer."
                        .to_owned()
                }
                (Err(_), None) => {
                    return Err(unknown(format!("there is no session {:?}", id.as_str())));
                }
            };
            Ok((doorward::Revoke::Session(id), told))
        }
        Named::Socket(id) => {
            let Gathered { value, missing, .. } = admin.principals.sockets().await;
            let Some(one) = value.iter().find(|one| one.socket == id) else {
                let among = if missing.is_empty() {
                    String::new()
                } else {
                    format!("; no answer from {}", names(&missing).join(", "))
                };
                return Err(unknown(format!("there is no socket {id}{among}")));
            };
            let told = format!("It was a socket of {:?}.", one.user.as_str());
            Ok((doorward::Revoke::Socket(id), told))
        }
        Named::Token(id) => {
            let told = whom::told_of_token(admin, id.as_str());
            Ok((doorward::Revoke::Token(id), told))
        }
    }
}

async fn connections(State(admin): State<Admin>) -> Json<Connections> {
    let found = admin.principals.sockets().await;
    Json(Connections::new(found, (admin.away)()))
}

async fn nodes(State(admin): State<Admin>) -> Json<Nodes> {
    let found = admin.principals.nodes().await;
    Json(Nodes::new(found, (admin.away)()))
}

async fn list_sessions(
    State(admin): State<Admin>,
    Query(whose): Query<UserQuery>,
) -> Result<Json<SessionList>, Response> {
    let user = whose.find(&admin).await?;
    let found = admin.sessions.list(&user).await;
    found.map(|found| Json(found.into())).map_err(|error| not_answered(&error))
}

/// Creates a session for a user, without asking for a passkey. This grants no new power, because a process that can
/// open the admin socket can also read the signing key of the server.
async fn make_session(
    State(admin): State<Admin>,
    who: Result<Json<UserQuery>, JsonRejection>,
) -> Result<Json<SessionMade>, Response> {
    let Json(whose) = who.map_err(|error| problem(error.status(), &error.body_text()))?;
    let user = whose.find(&admin).await?;
    if admin.issuers.owns(&user) {
        return Err(problem(StatusCode::BAD_REQUEST, OF_AN_ISSUER));
    }
    let made = admin.sessions.create(new_session(user.as_str())).await;
    made.map(|(token, session)| Json(SessionMade::new(&token, &session)))
        .map_err(|error| not_answered(&error))
}

impl UserQuery {
    async fn find(&self, admin: &Admin) -> Result<UserId, Response> {
        let found = match (&self.user, &self.id) {
            (Some(name), None) => whom::find(admin, name).await?,
            (None, Some(id)) => whom::find_exact(admin, id).await,
            _ => return Err(problem(StatusCode::BAD_REQUEST, "name exactly one of user and id")),
        };
        Ok(found.id)
    }
}

fn new_session(user: &str) -> NewSession {
    NewSession::new(user).user_agent("doorward").address(IpAddr::from([127, 0, 0, 1]))
}

async fn list_accounts(
    State(admin): State<Admin>,
    Query(AccountsBehind { after }): Query<AccountsBehind>,
) -> Result<Json<AccountList>, Response> {
    let found = admin.accounts.list(after.as_deref(), ACCOUNTS_AT_ONCE).await;
    found.map(|found| Json(found.into())).map_err(|error| not_changed(&error))
}

/// Disables, enables or removes an account by its user name.
async fn change_account(
    State(admin): State<Admin>,
    change: Result<Json<AccountChange>, JsonRejection>,
) -> Result<Json<AccountChanged>, Response> {
    let Json(AccountChange { name, change }) =
        change.map_err(|error| problem(error.status(), &error.body_text()))?;
    let done = async {
        let Some(account) = admin.accounts.named(&name).await? else { return Ok(None) };
        let revocation = match change {
            Change::Disable => admin.accounts.disable(&account.id).await?,
            Change::Enable => admin
                .accounts
                .enable(&account.id)
                .await?
                .then(doorward::access::Revocation::default),
            Change::Remove => admin.accounts.remove(&account.id).await?,
        };
        Ok(revocation)
    };
    let done = done.await.map_err(|error| not_changed(&error))?;
    let done = done.ok_or_else(|| problem(StatusCode::NOT_FOUND, "there is no such account"))?;
    Ok(Json(AccountChanged { revocation: Revocation::new(done, String::new()) }))
}

fn not_changed(error: &AccountError) -> Response {
    match error {
        AccountError::Name(error) => problem(StatusCode::BAD_REQUEST, &error.to_string()),
        error => not_answered(error),
    }
}

/// Maximum number of accounts in one response. `doorward accounts` requests one page after another.
const ACCOUNTS_AT_ONCE: u32 = 1000;

const OF_AN_ISSUER: &str = "the id begins with the name of an issuer: its users sign in there";
