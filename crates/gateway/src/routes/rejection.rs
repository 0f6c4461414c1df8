//! Responses to requests that are not authenticated.

use axum::response::{IntoResponse as _, Response};
use doorward_core::{DecisionId, Refusal, RefusalCode, wire::ProblemDocument};
use http::{HeaderValue, StatusCode, header};

/// Returns the response for a refusal. `id` is that of its audit record.
pub(super) fn refused(refusal: &Refusal, id: Option<DecisionId>, has_token: bool) -> Response {
    let status = match refusal.code() {
        RefusalCode::BadHandshake => StatusCode::BAD_REQUEST,
        RefusalCode::Forbidden => StatusCode::FORBIDDEN,
        RefusalCode::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::UNAUTHORIZED,
    };
    let problem = ProblemDocument::new(refusal, status.as_u16(), id);
    let mut response = respond(status, &problem);
    if status == StatusCode::UNAUTHORIZED {
        // A request without a token gets no error code (RFC 6750 section 3.1).
        let challenge = if has_token { r#"Bearer error="invalid_token""# } else { "Bearer" };
        let challenge = HeaderValue::from_static(challenge);
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    if let Some(seconds) = problem.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// Returns the response for a request about which nothing was decided.
pub(super) fn undecided(id: DecisionId) -> Response {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let mut response = respond(status, &ProblemDocument::unavailable(status.as_u16(), id));
    response.headers_mut().insert(header::RETRY_AFTER, TRY_AGAIN_AFTER.into());
    response
}

fn respond(status: StatusCode, problem: &ProblemDocument<'_>) -> Response {
    let kind = [
        (header::CONTENT_TYPE, "application/problem+json"),
        // The response depends on the credential.
        (header::CACHE_CONTROL, "no-store"),
    ];
    let body = serde_json::to_string(problem).expect("wire types are strings and numbers");
    (status, kind, body).into_response()
}

/// Seconds after which a client may try again.
const TRY_AGAIN_AFTER: u16 = 2;
