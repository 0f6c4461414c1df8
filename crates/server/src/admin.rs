//! What an operator may ask of a running server: who is connected, who is signed in, and that it ends.
//!
//! It is HTTP on a Unix socket in the data directory, which only the user of the server may open; no
//! listener on a network knows these routes. `doorward revoke`, `doorward sessions` and
//! `doorward connections` are its clients. Start reading at [`router`].

mod client;
mod socket;
pub(crate) mod words;

use std::{net::IpAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::{Query, State, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
pub(crate) use client::AdminClient;
use doorward::{
    Principals, RevokeError,
    auth::{NewSession, Sessions},
};
use doorward_core::Causes;
use doorward_identity::{AccountError, Accounts};
pub(crate) use socket::AdminSocket;
use words::{
    AccountChange, AccountChanged, AccountList, AccountsBehind, Change, Connections, Problem,
    Revocation, Revoke, SessionList, SessionMade, SessionOf,
};

/// What the routes act on.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) principals: Principals,
    pub(crate) accounts: Accounts,
    pub(crate) sessions: Arc<Sessions>,
}

/// The routes.
pub(crate) fn router(admin: Admin) -> Router {
    Router::new()
        .route("/revoke", post(revoke))
        .route("/connections", get(connections))
        .route("/sessions", get(list_sessions).post(make_session))
        .route("/accounts", get(list_accounts).post(change_account))
        .fallback(async || problem(StatusCode::NOT_FOUND, "There is nothing here."))
        .with_state(admin)
}

async fn revoke(
    State(admin): State<Admin>,
    what: Result<Json<Revoke>, JsonRejection>,
) -> Result<Json<Revocation>, Response> {
    let Json(what) = what.map_err(|error| problem(error.status(), &error.body_text()))?;
    let what = what.into_order().map_err(|text| problem(StatusCode::BAD_REQUEST, text))?;
    let done = admin.principals.revoke(what).await;
    done.map(|done| Json(done.into())).map_err(|error| match error {
        RevokeError::Store(cause) => {
            let cause = Causes(&cause);
            problem(
                StatusCode::SERVICE_UNAVAILABLE,
                &format!(
                    "sockets of this server have ended, but the order is not written down, so the \
                     credential may open the door again ({cause}): mend that, and revoke again"
                ),
            )
        }
        error => problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    })
}

async fn connections(State(admin): State<Admin>) -> Json<Connections> {
    Json(admin.principals.connections().into())
}

async fn list_sessions(
    State(admin): State<Admin>,
    Query(SessionOf { user }): Query<SessionOf>,
) -> Result<Json<SessionList>, Response> {
    let found = admin.sessions.list(&user.as_str().into()).await;
    found.map(|found| Json(found.into())).map_err(|error| not_answered(&error))
}

/// Signs a user in without a passkey: whoever may use this socket may read the database as well.
async fn make_session(
    State(admin): State<Admin>,
    who: Result<Json<SessionOf>, JsonRejection>,
) -> Result<Json<SessionMade>, Response> {
    let Json(SessionOf { user }) =
        who.map_err(|error| problem(error.status(), &error.body_text()))?;
    let made = admin.sessions.create(new_session(&user)).await;
    made.map(|(token, session)| Json(SessionMade::new(&token, &session)))
        .map_err(|error| not_answered(&error))
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
            Change::Enable => {
                admin.accounts.enable(&account.id).await?.then(doorward::Revocation::default)
            }
            Change::Remove => admin.accounts.remove(&account.id).await?,
        };
        Ok(revocation)
    };
    let done = done.await.map_err(|error| not_changed(&error))?;
    let done = done.ok_or_else(|| problem(StatusCode::NOT_FOUND, "there is no such account"))?;
    Ok(Json(AccountChanged { revocation: done.into() }))
}

fn not_changed(error: &AccountError) -> Response {
    match error {
        AccountError::Name(error) => problem(StatusCode::BAD_REQUEST, &error.to_string()),
        error => not_answered(error),
    }
}

fn not_answered(error: &(dyn std::error::Error + 'static)) -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, &Causes(error).to_string())
}

fn problem(status: StatusCode, message: &str) -> Response {
    (status, Json(Problem { message: message.to_owned() })).into_response()
}

/// `doorward accounts` asks again behind the last one.
const ACCOUNTS_AT_ONCE: u32 = 1000;
