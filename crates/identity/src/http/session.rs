//! Routes for the session of a browser. They exchange a ticket for the session cookie, issue access tokens, and sign
//! the user out.
//!
//! Start reading at [`exchange`].

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use doorward::{
    audit::Decision,
    auth::RefusalReason,
    session::{RedeemError, Session, SessionToken, Ticket, VerifySessionError},
};
use doorward_core::wire::timestamp;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::{
    problem::Problem,
    request::{Browser, SignedIn, body},
    routes::Routes,
};
use crate::{
    records::About,
    service::Service,
    wire::{Failure, SignInCode},
};

#[derive(Deserialize)]
pub(super) struct Exchange {
    ticket: String,
    verifier: String,
}

/// Handles `POST /auth/session`, which exchanges a ticket for the cookie of its session.
///
/// If the browser already has a session of another user, that session ends. If it already has a session of the same
/// user, that session continues with a new token and the data of the new session. Its sockets stay connected, and the
/// new session ends.
pub(super) async fn exchange(
    State(routes): State<Routes>,
    headers: HeaderMap,
    browser: Browser,
    exchange: Result<Json<Exchange>, JsonRejection>,
) -> Result<Response, Problem> {
    let Exchange { ticket, verifier } = body(exchange)?;
    let identity = &routes.identity;
    let about = About { client: Some(&browser.client), ..About::default() };
    let refused = |reason| -> Failure {
        identity.records.decided(Decision::Refused(reason), about);
        SignInCode::TicketInvalid.into()
    };
    let invalid = || refused(RefusalReason::TicketInvalid);
    identity.attempt(&identity.attempts.tickets, &browser.client)?;
    // RFC 7636 section 4.1 defines the length of a verifier.
    if !(43..=128).contains(&verifier.len()) {
        return Err(invalid().into());
    }
    let ticket: Ticket = ticket.parse().map_err(|_malformed| invalid())?;
    let redeemed = identity.tickets.redeem(&ticket, verifier).await;
    let (token, session) = redeemed.map_err(|error| match error {
        RedeemError::Unavailable(cause) => identity.unavailable(&*cause, about),
        _ => invalid(),
    })?;
    let before = match identity.session_of(&Method::POST, &headers).await {
        Ok(before) => Some(before),
        Err(problem) if problem.is_signed_out() => None,
        // The session of the cookie may belong to another user and would not be ended otherwise.
        Err(problem) => return Err(problem),
    };
    let token = match before {
        Some(before) if before.user == session.user => {
            match identity.renew(&before, &session).await {
                Ok(renewed) => renewed,
                Err(VerifySessionError::Unavailable(cause)) => {
                    return Err(identity.unavailable(&*cause, about).into());
                }
                // The existing session has ended since the lookup.
                Err(_) => token,
            }
        }
        Some(before) => {
            routes.end(&before).await?;
            token
        }
        None => token,
    };
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookie(&mut response, &identity.cookie.set_cookie(&token))?;
    Ok(response)
}

impl Service {
    /// Continues the session `before`, and ends the session `new` of the same user. The data of `new` replaces the data
    /// of `before`. Returns a new token of `before`.
    async fn renew(
        &self,
        before: &Session,
        new: &Session,
    ) -> Result<SessionToken, VerifySessionError> {
        self.sessions.put_data(&before.id, &new.data).await?;
        let token = self.sessions.step_up(&before.id).await?;
        // No client has the token of the new session. If the session cannot be ended, it expires.
        if let Err(error) = self.sessions.end(&new.id).await {
            tracing::warn!(%error, "An unused session could not be ended.");
        }
        Ok(token)
    }
}

/// Handles `DELETE /auth/session`, which signs the user out. The session has ended before the response. Its sockets
/// have closed on every server that has confirmed this within the time limit.
pub(super) async fn sign_out(
    State(routes): State<Routes>,
    browser: Browser,
    SignedIn(session): SignedIn,
) -> Result<Response, Problem> {
    routes.end(&session).await?;
    routes.identity.records.decided(Decision::SignedOut, About::of(&browser.client, &session));
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookie(&mut response, &routes.identity.cookie.clear_cookie())?;
    response.headers_mut().insert(
        HeaderName::from_static("clear-site-data"),
        HeaderValue::from_static("\"storage\""),
    );
    Ok(response)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccessToken {
    token: String,
    expires_at: String,
}

/// Handles `POST /auth/token`, which returns an access token of the session. Fails with `NotFound` if no issuer is
/// configured.
pub(super) async fn token(
    State(routes): State<Routes>,
    SignedIn(session): SignedIn,
) -> Result<Json<AccessToken>, Problem> {
    let identity = &routes.identity;
    let issuer = identity.issuer.as_ref().ok_or(SignInCode::NotFound)?;
    let now = identity.clock.wall();
    let jti = doorward::audit::DecisionId::generate(&*identity.entropy).encode();
    let about = About { user: Some(&session.user), ..About::default() };
    let token = issuer
        .issue_for(&session, TOKEN_LIFETIME, now, &jti)
        .map_err(|error| identity.unavailable(&error, about))?;
    let expires_at = timestamp((now + TOKEN_LIFETIME).min(session.ends_at));
    Ok(Json(AccessToken { token, expires_at }))
}

fn set_cookie(response: &mut Response, cookie: &str) -> Result<(), Problem> {
    let value = HeaderValue::try_from(cookie).map_err(|_unwritable| SignInCode::Unavailable)?;
    response.headers_mut().append(header::SET_COOKIE, value);
    Ok(())
}

/// Lifetime of an access token. It limits the time for which a stolen token can be used.
const TOKEN_LIFETIME: std::time::Duration = std::time::Duration::from_secs(5 * 60);
