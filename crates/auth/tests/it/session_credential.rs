//! Authenticates clients by session tokens in `auth.sessionToken`.

use std::sync::Arc;

use doorward_auth::{AuthenticateError, RefusalReason, SessionCredential};
use doorward_core::Issued;
use serde_json::json;

use crate::{
    cookie::{PAGE, cookie, from_page, handshake, refused},
    forge::ask,
    world::World,
};

#[test]
fn a_session_token_authenticates_its_user() {
    let world = World::new();
    let (token, session) = world.sign_in("alice");
    let credential = SessionCredential::new(Arc::clone(&world.sessions));
    let auth = json!({"sessionToken": token.expose()}).to_string();

    let grant = ask(&credential, handshake(&world, &[], "", &auth)).unwrap();

    assert_eq!(grant.user.as_str(), "alice");
    assert_eq!(grant.session, Some(session.id.clone()));
    assert_eq!(grant.issued, Some(Issued::Generation(session.generation)));
    assert_eq!(grant.expires_at, Some(session.ends_at));
    assert!(grant.lease.is_some());
}

/// Attack 27.
#[test]
fn a_malformed_session_token_is_refused() {
    let world = World::new();
    let credential = SessionCredential::new(Arc::clone(&world.sessions));
    let (token, _) = world.sign_in("alice");
    let text = token.expose();
    for (auth, expected) in [
        (json!({}), RefusalReason::CredentialMissing),
        (json!({"token": text}), RefusalReason::CredentialMissing),
        (json!({"sessionToken": ""}), RefusalReason::SessionUnknown),
        (json!({"sessionToken": null}), RefusalReason::SessionUnknown),
        (json!({"sessionToken": [text]}), RefusalReason::SessionUnknown),
        (json!({"sessionToken": format!("{text}=")}), RefusalReason::SessionUnknown),
        (json!({"sessionToken": text, "token": null}), RefusalReason::CredentialAmbiguous),
    ] {
        let refusal = refused(&credential, handshake(&world, &[], "", &auth.to_string()));
        assert_eq!(refusal.reason(), expected, "{auth}");
    }
}

/// Attack 25.
#[test]
fn a_session_token_elsewhere_is_ignored() {
    let world = World::new();
    let (token, _) = world.sign_in("alice");
    let text = token.expose();
    let bearer = format!("Bearer {text}");
    let query = format!("sessionToken={text}&__Host-doorward={text}");
    let shown = || handshake(&world, &[PAGE, ("authorization", &bearer)], &query, "{}");
    let credential = SessionCredential::new(Arc::clone(&world.sessions));

    assert_eq!(refused(&credential, shown()).reason(), RefusalReason::CredentialMissing);
    assert_eq!(refused(&cookie(&world), shown()).reason(), RefusalReason::CredentialMissing);
}

/// Attack 92.
#[test]
fn while_the_store_is_unavailable_clients_are_neither_accepted_nor_refused() {
    let world = World::new();
    let (token, _) = world.sign_in("alice");
    world.store.set_away(true);
    let credential = SessionCredential::new(Arc::clone(&world.sessions));
    let auth = json!({"sessionToken": token.expose()}).to_string();

    let by_cookie = ask(&cookie(&world), from_page(&world, Some(&token), "{}"));
    let by_token = ask(&credential, handshake(&world, &[], "", &auth));

    for answer in [by_cookie, by_token] {
        assert!(matches!(answer, Err(AuthenticateError::Unavailable(_))), "{answer:?}");
    }
}
