//! Routes with which users sign up and sign in, as over the gateway, and manage their passkeys.

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    response::Response,
};
use doorward::{audit::Decision, store::StoreError};
use doorward_core::{CredentialId, PasskeyRecord, PasskeyRemoval, UniqueObject, wire::timestamp};
use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    problem::Problem,
    request::{Browser, SignedIn, body},
    routes::Routes,
};
use crate::{
    records::About,
    service::registering::NewPasskey,
    username::label,
    wire::{Reply, SignInCode},
};

/// Handles `POST /auth/passkeys/register`. With a user name, starts a sign-up. Otherwise starts to add a passkey to the
/// account of the session.
pub(super) async fn begin_registration(
    State(routes): State<Routes>,
    headers: HeaderMap,
    browser: Browser,
    wish: Result<Json<UniqueObject>, JsonRejection>,
) -> Result<Response, Problem> {
    let UniqueObject(wish) = body(wish)?;
    let reply = if wish.contains_key("username") {
        let wish = serde_json::from_value(Value::Object(wish));
        let wish = wish.map_err(|_malformed| SignInCode::BadRequest)?;
        routes.identity.begin_sign_up(&browser.client, wish).await?
    } else {
        let session = routes.identity.session_of(&Method::POST, &headers).await?;
        routes.identity.begin_adding(&browser.client, &session).await?
    };
    Ok(browser.with_cookie(Json(reply)))
}

/// Response to a request that has added a passkey.
#[derive(Debug, Serialize)]
struct Added {
    success: bool,
    message: &'static str,
    passkey: Line,
}

/// Handles `POST /auth/passkeys/register/verify`, which creates the account or adds the passkey.
pub(super) async fn finish_registration(
    State(routes): State<Routes>,
    headers: HeaderMap,
    browser: Browser,
    answer: Result<Json<NewPasskey>, JsonRejection>,
) -> Result<Response, Problem> {
    let (identity, client, answer) = (&routes.identity, &browser.client, body(answer)?);
    if !identity.is_adding(client, &answer) {
        return Ok(browser.with_cookie(Json(identity.finish_sign_up(client, answer).await?)));
    }
    let session = identity.session_of(&Method::POST, &headers).await?;
    let passkey = Line::of(&identity.finish_adding(client, &session, answer).await?);
    Ok(browser.with_cookie(Json(Added { success: true, message: "Passkey added", passkey })))
}

/// Handles `POST /auth/passkeys/authenticate`, which starts a sign-in.
pub(super) async fn begin_sign_in(
    State(routes): State<Routes>,
    browser: Browser,
    wish: Result<Json<crate::service::authenticating::SignIn>, JsonRejection>,
) -> Result<Response, Problem> {
    let reply = routes.identity.begin_sign_in(&browser.client, body(wish)?).await?;
    Ok(browser.with_cookie(Json(reply)))
}

/// Handles `POST /auth/passkeys/authenticate/verify`, which completes a sign-in.
pub(super) async fn finish_sign_in(
    State(routes): State<Routes>,
    browser: Browser,
    answer: Result<Json<crate::service::authenticating::KnownPasskey>, JsonRejection>,
) -> Result<Json<Reply>, Problem> {
    Ok(Json(routes.identity.finish_sign_in(&browser.client, body(answer)?).await?))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Passkeys {
    passkeys: Vec<Line>,
    /// Number of remaining recovery codes.
    recovery_codes: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    id: String,
    name: String,
    created_at: String,
    last_used_at: Option<String>,
    synced: bool,
}

impl Line {
    fn of(passkey: &PasskeyRecord) -> Self {
        Self {
            id: passkey.id.encode(),
            name: passkey.name.to_string(),
            created_at: timestamp(passkey.created_at),
            last_used_at: passkey.used_at.map(timestamp),
            synced: passkey.is_synced,
        }
    }
}

/// Handles `GET /auth/passkeys`, which lists the passkeys of the user.
pub(super) async fn list(
    State(routes): State<Routes>,
    SignedIn(session): SignedIn,
) -> Result<Json<Passkeys>, Problem> {
    let identity = &routes.identity;
    let about = About { user: Some(&session.user), ..About::default() };
    let found = async {
        let passkeys = identity.accounts.passkeys_of(&session.user).await?;
        let codes = identity.accounts.recovery_codes(&session.user).await?;
        Ok::<_, StoreError>((passkeys, codes.hashes.len()))
    };
    let (passkeys, recovery_codes) = identity.ask(about, found).await?;
    Ok(Json(Passkeys { passkeys: passkeys.iter().map(Line::of).collect(), recovery_codes }))
}

#[derive(Deserialize)]
pub(super) struct Rename {
    name: String,
}

/// Handles `PATCH /auth/passkeys/{id}`, which renames a passkey.
pub(super) async fn rename(
    State(routes): State<Routes>,
    SignedIn(session): SignedIn,
    Path(id): Path<String>,
    rename: Result<Json<Rename>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let name = label(&body(rename)?.name).ok_or(SignInCode::InvalidDisplayName)?;
    let id = CredentialId::decode(&id).ok_or(SignInCode::NotFound)?;
    let identity = &routes.identity;
    let about = About { user: Some(&session.user), ..About::default() };
    let renamed = identity.accounts.rename_passkey(&session.user, &id, &name);
    match identity.ask(about, renamed).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(SignInCode::NotFound.into()),
    }
}

/// Handles `DELETE /auth/passkeys/{id}`, which removes a passkey. Fails with `ReauthenticationRequired` if the last
/// sign-in is too old.
pub(super) async fn remove(
    State(routes): State<Routes>,
    browser: Browser,
    SignedIn(session): SignedIn,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let identity = &routes.identity;
    identity.check_fresh(&session)?;
    let id = CredentialId::decode(&id).ok_or(SignInCode::NotFound)?;
    let about = About::of(&browser.client, &session);
    match identity.ask(about, identity.accounts.remove_passkey(&session.user, &id)).await? {
        PasskeyRemoval::LastOne => Err(SignInCode::LastPasskey.into()),
        PasskeyRemoval::NotThere => Err(SignInCode::NotFound.into()),
        PasskeyRemoval::Removed => {
            identity.records.decided(Decision::PasskeyRemoved, about);
            Ok(StatusCode::NO_CONTENT)
        }
    }
}
