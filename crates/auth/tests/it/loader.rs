//! Loads the users of tokens, and uses closures as authenticators.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use doorward_auth::{
    AuthenticateError, BoxError, Claims, Grant, Refusal, RefusalReason, UserLoader, authenticate_fn,
};
use doorward_core::{SessionId, TokenId};
use serde_json::json;

use crate::forge::{NOW, ask, at, good, handshake, jwt, show, token, with};

struct Users(HashMap<String, u64>);

impl UserLoader for Users {
    type User = u64;

    async fn load(&self, claims: &Claims) -> Result<Option<u64>, BoxError> {
        Ok(self.0.get(claims.subject()).copied())
    }
}

#[test]
fn a_known_user_becomes_the_principal_of_the_same_grant() {
    let claims = json!({"sub": "alice", "exp": NOW + 60, "jti": "t-1", "sid": "s-1"}).to_string();
    let loaded = jwt().load(Arc::new(Users(HashMap::from([("alice".to_owned(), 42)]))));

    let grant = show(&loaded, &token(&claims)).unwrap();

    assert_eq!(grant.principal, 42);
    assert_eq!(grant.user.as_str(), "alice");
    assert_eq!(grant.token, Some(TokenId::new("t-1")));
    assert_eq!(grant.session, Some(SessionId::new("s-1")));
    assert_eq!(grant.expires_at, Some(at(NOW + 60)));
}

#[test]
fn an_unknown_user_is_refused() {
    let loaded = jwt().load(Users(HashMap::new()));

    let refusal = show(&loaded, &token(&good())).err().unwrap();

    assert_eq!(refusal.reason(), RefusalReason::UserUnknown);
}

#[test]
fn nothing_is_decided_if_the_lookup_fails() {
    let loaded =
        jwt().load(|_: Claims| async { Err::<Option<u64>, _>("the database is away".into()) });

    let answer = ask(&loaded, handshake(&json!({"token": token(&good())}).to_string()));

    assert!(matches!(answer, Err(AuthenticateError::Unavailable(_))), "{answer:?}");
}

#[test]
fn no_user_is_looked_up_for_a_bad_token() {
    let lookups = Arc::new(AtomicU32::new(0));
    let counter = lookups.clone();
    let loaded = jwt().load(move |_: Claims| {
        counter.fetch_add(1, Ordering::Relaxed);
        async { Ok(Some(())) }
    });

    for bad in ["a.b.c", &token(&with("exp", NOW)), &token(&with("aud", "mail"))] {
        assert!(show(&loaded, bad).is_err());
    }
    assert_eq!(lookups.load(Ordering::Relaxed), 0);
    assert!(show(&loaded, &token(&good())).is_ok());
    assert_eq!(lookups.load(Ordering::Relaxed), 1);
}

#[test]
fn the_result_of_a_closure_is_returned_unchanged() {
    let authenticator = authenticate_fn(|handshake| async move {
        match handshake.auth.get_str("name") {
            Some(name) => Ok(Grant::new(name.len(), name)),
            None => Err(Refusal::new("who_is_there", "Who is there?").into()),
        }
    });

    let grant = ask(&authenticator, handshake(r#"{"name":"alice"}"#)).unwrap();
    let refused = ask(&authenticator, handshake("{}"));

    assert_eq!((grant.principal, grant.user.as_str()), (5, "alice"));
    let Err(AuthenticateError::Refused(refusal)) = refused else { panic!("{refused:?}") };
    assert_eq!(refusal.code().as_str(), "who_is_there");
}
