//! Routes for the sessions of a user.

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use doorward::{
    Revoke,
    access::Revocation,
    session::{Session, SessionId},
};
use doorward_core::wire::timestamp;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{problem::Problem, request::SignedIn, routes::Routes};
use crate::{device::describe_device, records::About, wire::SignInCode};

#[derive(Debug, Serialize)]
pub(super) struct Sessions {
    sessions: Vec<Line>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    id: String,
    current: bool,
    device: Option<String>,
    network: Option<String>,
    created_at: String,
    signed_in_at: String,
    last_seen_at: String,
    expires_at: String,
    /// Number of open sockets of the session on this server.
    sockets: usize,
}

/// Handles `GET /auth/sessions`, which lists the active sessions of the user.
pub(super) async fn list(
    State(routes): State<Routes>,
    SignedIn(own): SignedIn,
) -> Result<Json<Sessions>, Problem> {
    let all = routes.sessions_of(&own).await?;
    let live = routes.principals.sockets_of(&own.user).await.value;
    let sockets = |session: &SessionId| {
        live.iter().filter(|connection| connection.session.as_ref() == Some(session)).count()
    };
    let line = |session: &Session| Line {
        id: session.id.as_str().to_owned(),
        current: session.id == own.id,
        device: session.user_agent.as_deref().and_then(describe_device),
        network: session.network.map(|network| network.to_string()),
        created_at: timestamp(session.created_at),
        signed_in_at: timestamp(session.signed_in_at),
        last_seen_at: timestamp(session.seen_at),
        expires_at: timestamp(session.expires_at()),
        sockets: sockets(&session.id),
    };
    Ok(Json(Sessions { sessions: all.iter().map(line).collect() }))
}

/// Handles `DELETE /auth/sessions/{id}`, which ends a session of the user. Fails with `NotFound`
/// for a session of another user.
pub(super) async fn end(
    State(routes): State<Routes>,
    SignedIn(own): SignedIn,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let all = routes.sessions_of(&own).await?;
    let session = all.iter().find(|session| session.id.as_str() == id);
    routes.end(session.ok_or(SignInCode::NotFound)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
pub(super) struct Which {
    scope: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Ended {
    ended: usize,
}

/// Handles `DELETE /auth/sessions?scope=others`, which ends all sessions of the user except the
/// current one.
pub(super) async fn end_others(
    State(routes): State<Routes>,
    SignedIn(own): SignedIn,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Ended>, Problem> {
    if !which.is_ok_and(|Query(which)| which.scope == "others") {
        return Err(SignInCode::BadRequest.into());
    }
    let mut ended = 0;
    for session in routes.sessions_of(&own).await? {
        if session.id != own.id {
            routes.end(&session).await?;
            ended += 1;
        }
    }
    Ok(Json(Ended { ended }))
}

impl Routes {
    async fn sessions_of(&self, own: &Session) -> Result<Vec<Session>, Problem> {
        let about = About { user: Some(&own.user), ..About::default() };
        Ok(self.identity.ask(about, self.identity.sessions.list(&own.user)).await?)
    }

    /// Ends a session, and closes its sockets on all servers. Waits until the servers have
    /// confirmed this, up to a time limit. [`Revocation::missing`] lists the servers that have not.
    pub(super) async fn end(&self, session: &Session) -> Result<Revocation, Problem> {
        let about =
            About { user: Some(&session.user), session: Some(&session.id), ..About::default() };
        // The sockets are closed first, so that their clients receive `revoked` and not `expired`.
        let revoked = self.principals.revoke(Revoke::Session(session.id.clone()));
        let revoked = self.identity.ask(about, revoked).await?;
        self.identity.ask(about, self.identity.sessions.end(&session.id)).await?;
        Ok(revoked)
    }
}
