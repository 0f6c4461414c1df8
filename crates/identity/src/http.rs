//! Answers the routes below `/auth/`.
//!
//! Most modules have the routes for one kind of resource. `session` also writes the session cookie. `request` decides
//! from which pages a request may come, and `problem` writes the answer to a failed request. Start reading at
//! [`router`].

mod account;
mod me;
mod passkeys;
mod problem;
mod request;
mod routes;
mod session;
mod sessions;

use std::sync::Arc;

use self::routes::Routes;
pub(crate) use self::{problem::Problem, request::return_address};
use crate::service::Service;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{delete, get, patch, post},
};
use doorward::Principals;
use http::{HeaderValue, header};

/// Returns the routes below `/auth/`.
pub(crate) fn router(identity: Arc<Service>, principals: Principals) -> Router {
    let routes = Routes { identity, principals };
    Router::new()
        .route("/auth/me", get(me::who))
        .route("/auth/session", post(session::exchange).delete(session::sign_out))
        .route("/auth/token", post(session::token))
        .route("/auth/passkeys", get(passkeys::list))
        .route("/auth/passkeys/{id}", patch(passkeys::rename).delete(passkeys::remove))
        .route("/auth/passkeys/register", post(passkeys::begin_registration))
        .route("/auth/passkeys/register/verify", post(passkeys::finish_registration))
        .route("/auth/passkeys/authenticate", post(passkeys::begin_sign_in))
        .route("/auth/passkeys/authenticate/verify", post(passkeys::finish_sign_in))
        .route("/auth/recovery", post(account::recover))
        .route("/auth/recovery-codes", post(account::make_recovery_codes))
        .route("/auth/account", delete(account::remove))
        .route("/auth/sessions", get(sessions::list).delete(sessions::end_others))
        .route("/auth/sessions/{id}", delete(sessions::end))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(routes.clone(), request::check_page))
        .layer(middleware::map_response(private))
        .with_state(routes)
}

/// Forbids caching, because responses are personal.
async fn private(mut response: axum::response::Response) -> axum::response::Response {
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    response
}

/// Maximum size of a request body, in bytes. It equals the limit on a message of an unauthenticated client over a
/// socket.
const MAX_BODY: usize = 16 * 1024;
