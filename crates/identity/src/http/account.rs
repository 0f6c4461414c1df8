//! Routes of recovery codes, and the removal of an account.

use std::sync::Arc;

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::{
    problem::Problem,
    request::{Browser, SignedIn, body},
    routes::Routes,
};
use crate::{
    accounts::Accounts,
    records::About,
    service::recovering::Recovery,
    wire::{Reply, SignInCode},
};

/// `POST /auth/recovery`: exchanges a recovery code for a session.
pub(super) async fn recover(
    State(routes): State<Routes>,
    browser: Browser,
    shown: Result<Json<Recovery>, JsonRejection>,
) -> Result<Json<Reply>, Problem> {
    Ok(Json(routes.identity.recover(&browser.client, body(shown)?).await?))
}

#[derive(Serialize)]
pub(super) struct Codes {
    codes: Vec<String>,
}

/// `POST /auth/recovery-codes`; needs a fresh sign-in.
pub(super) async fn make_recovery_codes(
    State(routes): State<Routes>,
    browser: Browser,
    SignedIn(session): SignedIn,
) -> Result<Json<Codes>, Problem> {
    let codes = routes.identity.make_recovery_codes(&browser.client, &session).await?;
    Ok(Json(Codes { codes }))
}

/// `DELETE /auth/account`; needs a fresh sign-in.
pub(super) async fn remove(
    State(routes): State<Routes>,
    SignedIn(session): SignedIn,
) -> Result<Response, Problem> {
    let identity = &routes.identity;
    identity.check_fresh(&session)?;
    let accounts = Accounts::new(Arc::clone(identity), routes.principals.clone());
    let about = About { user: Some(&session.user), ..About::default() };
    let removed = identity.ask(about, accounts.remove(&session.user)).await?;
    removed.ok_or(SignInCode::NotFound)?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Ok(cookie) = HeaderValue::try_from(identity.cookie.clear_cookie()) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
