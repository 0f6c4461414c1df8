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
pub(crate) use socket::AdminSocket;
use words::{Connections, Problem, Revocation, Revoke, SessionList, SessionMade, SessionOf};

/// What the routes act on.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) principals: Principals,
    pub(crate) sessions: Arc<Sessions>,
}

/// The routes.
pub(crate) fn router(admin: Admin) -> Router {
    Router::new()
        .route("/revoke", post(revoke))
        .route("/connections", get(connections))
        .route("/sessions", get(list_sessions).post(make_session))
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
        RevokeError::Store(cause) => not_answered(&cause),
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

fn not_answered(error: &dyn std::error::Error) -> Response {
    let text = crate::failure::causes(error);
    problem(StatusCode::SERVICE_UNAVAILABLE, &text)
}

fn problem(status: StatusCode, message: &str) -> Response {
    (status, Json(Problem { message: message.to_owned() })).into_response()
}
