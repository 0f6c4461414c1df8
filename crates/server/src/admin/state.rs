//! State of the admin routes, and the error responses that they share.

use std::sync::Arc;

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use doorward::{Principals, auth::Issuers, session::Sessions};
use doorward_core::{AccountStore, Causes};
use doorward_identity::Accounts;

use crate::admin::{server::Server, wire::Problem};

/// Services and stores that the admin routes read and change.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) server: Arc<Server>,
    pub(crate) principals: Principals,
    pub(crate) accounts: Accounts,
    pub(crate) store: Arc<dyn AccountStore>,
    pub(crate) sessions: Arc<Sessions>,
    /// Issuers, whose users have ids of their own.
    pub(crate) issuers: Issuers,
    /// Returns the names of the dependencies that do not answer now.
    pub(crate) away: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
}

pub(crate) fn not_answered(error: &(dyn std::error::Error + 'static)) -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, &Causes(error).to_string())
}

pub(crate) fn problem(status: StatusCode, message: &str) -> Response {
    (status, Json(Problem { message: message.to_owned() })).into_response()
}
