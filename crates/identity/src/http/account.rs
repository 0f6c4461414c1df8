//! Routes for recovery codes, and for the removal of an account.

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

/// Handles `POST /auth/recovery`, which signs a user in with a recovery code.
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

/// Handles `POST /auth/recovery-codes`, which creates new recovery codes. Fails with `ReauthenticationRequired` if
/// the last sign-in is too old.
pub(super) async fn make_recovery_codes(
    State(routes): State<Routes>,
    browser: Browser,
    SignedIn(session): SignedIn,
) -> Result<Json<Codes>, Problem> {
    let codes = routes.identity.make_recovery_codes(&browser.client, &session).await?;
    Ok(Json(Codes { codes }))
}

/// Handles `DELETE /auth/account`, which removes the account of the session. Fails with
/// `ReauthenticationRequired` if the last sign-in is too old.
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
