//! Route that returns the current user.

use axum::{Json, extract::State};
use doorward_core::wire::timestamp;
use serde::Serialize;

use super::{problem::Problem, request::SignedIn, routes::Routes};
use crate::{records::About, username::shown_id, wire::SignInCode};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Me {
    user: User,
    session: Session,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: String,
    username: String,
    display_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    id: String,
    created_at: String,
    signed_in_at: String,
    expires_at: String,
}

/// Handles `GET /auth/me`, which returns the current user and session.
pub(super) async fn who(
    State(routes): State<Routes>,
    SignedIn(session): SignedIn,
) -> Result<Json<Me>, Problem> {
    let identity = &routes.identity;
    let found = identity.ask(About::default(), identity.accounts.account(&session.user)).await?;
    let id = session.user.as_str();
    let user = match found {
        Some(account) if account.disabled_at.is_some() => {
            return Err(SignInCode::SessionRequired.into());
        }
        Some(account) => User {
            id: id.to_owned(),
            username: account.name.into(),
            display_name: account.display_name.into(),
        },
        // An operator has created a session for a user without an account.
        None => {
            let shown = String::from(shown_id(&session.user));
            User { id: id.to_owned(), username: shown.clone(), display_name: shown }
        }
    };
    Ok(Json(Me {
        user,
        session: Session {
            id: session.id.as_str().to_owned(),
            created_at: timestamp(session.created_at),
            signed_in_at: timestamp(session.signed_in_at),
            expires_at: timestamp(session.expires_at()),
        },
    }))
}
