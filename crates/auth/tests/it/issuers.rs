//! Accepts the tokens of several issuers, which have users of their own.

use doorward_auth::{
    AuthenticateError, Authenticator, Claims, Issuer, Issuers, IssuersError, Jwt, KeyRing,
    SigningKey, user_by_id,
};
use doorward_core::{Grant, LeaseError, Refusal};
use serde_json::json;

use crate::forge::{AnySigner, ES256, HS256, NOW, SECRET, ask, at, good, handshake_at, hmac};
use crate::world::done;

/// Returns an authenticator of the tokens that `key` signs as `iss`.
fn of(key: &AnySigner, iss: &str) -> Jwt {
    Jwt::es256(&key.public_pem).unwrap().bound_to(iss, "chat")
}

fn token(key: &AnySigner, iss: &str, sub: &str) -> String {
    let claims = json!({
        "iss": iss, "aud": "chat", "sub": sub, "jti": "t-1", "sid": "s-1", "exp": NOW + 60, "iat": NOW,
    });
    key.token(ES256, &claims.to_string())
}

fn show<A: Authenticator>(authenticator: &A, token: &str) -> Result<Grant<A::Principal>, Refusal> {
    let auth = json!({ "token": token }).to_string();
    ask(authenticator, handshake_at(&auth, NOW)).map_err(|error| match error {
        AuthenticateError::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    })
}

fn fault(issuers: &Issuers, token: &str) -> String {
    show(issuers, token).unwrap_err().fault().unwrap().to_string()
}

#[test]
fn two_issuers_with_one_subject_name_two_users() {
    let (one, two) = (AnySigner::generate(), AnySigner::generate());
    let issuers =
        Issuers::new([("one", of(&one, "https://one")), ("two", of(&two, "https://two"))]).unwrap();

    let first = show(&issuers, &token(&one, "https://one", "alice")).unwrap();
    let second = show(&issuers, &token(&two, "https://two", "alice")).unwrap();

    assert_eq!(first.user.as_str(), "one:alice");
    assert_eq!(second.user.as_str(), "two:alice");
    assert_eq!(first.session.unwrap().as_str(), "one:s-1");
    assert_eq!(second.token.unwrap().as_str(), "two:t-1");
    assert_eq!(first.principal.subject(), "one:alice");
    // The claims themselves are those of the token.
    assert_eq!(first.principal.get("sub"), Some(&json!("alice")));
}

#[test]
fn a_token_from_another_place_is_verified_like_that_of_a_socket() {
    let (one, two) = (AnySigner::generate(), AnySigner::generate());
    let issuers = Issuers::new([("one", of(&one, "https://one"))]).unwrap();
    let verify = |token: &str| done(issuers.verify(token, at(NOW)));

    let claims = verify(&token(&one, "https://one", "alice")).unwrap();
    assert_eq!(claims.subject(), "one:alice");
    for (token, expected) in [
        (token(&two, "https://two", "alice"), "claim iss: unknown"),
        (token(&two, "https://one", "alice"), "segment signature: mismatch"),
    ] {
        let Err(AuthenticateError::Refused(refusal)) = verify(&token) else { panic!("{token}") };
        assert_eq!(refusal.fault().unwrap().to_string(), expected);
    }
}

/// The claim `iss` only selects the authenticator.
#[test]
fn a_token_of_one_issuer_is_not_accepted_as_that_of_another() {
    let (one, two) = (AnySigner::generate(), AnySigner::generate());
    let issuers =
        Issuers::new([("one", of(&one, "https://one")), ("two", of(&two, "https://two"))]).unwrap();

    assert_eq!(
        fault(&issuers, &token(&one, "https://two", "alice")),
        "segment signature: mismatch"
    );
    assert_eq!(
        fault(&issuers, &token(&two, "https://one", "alice")),
        "segment signature: mismatch"
    );
    assert_eq!(fault(&issuers, &token(&one, "https://three", "alice")), "claim iss: unknown");
    assert_eq!(fault(&issuers, &token(&one, "https://one/", "alice")), "claim iss: unknown");
    assert_eq!(fault(&issuers, &one.token(ES256, &good())), "claim iss: missing");
    for iss in [json!(null), json!(7), json!({}), json!(["https://one"])] {
        let claims = json!({"iss": iss, "aud": "chat", "sub": "alice", "exp": NOW + 60});
        assert_eq!(
            fault(&issuers, &one.token(ES256, &claims.to_string())),
            "claim iss: wrong_type"
        );
    }
    let twice = format!(
        r#"{{"iss":"https://one","iss":"https://two","aud":"chat","sub":"a","exp":{}}}"#,
        NOW + 60
    );
    assert_eq!(fault(&issuers, &one.token(ES256, &twice)), "segment claims: malformed");
    assert_eq!(fault(&issuers, "no token"), "member auth.token: malformed");
    let large = format!("{}.a.b", "a".repeat(9_000));
    assert_eq!(fault(&issuers, &large), "member auth.token: too_long");
}

#[test]
fn tokens_without_a_known_issuer_are_for_the_authenticator_that_accepts_any() {
    let key = AnySigner::generate();
    let legacy = Jwt::hs256(SECRET).unwrap().bearer();
    let issuers = Issuers::new([("corp", of(&key, "https://corp")), ("legacy", legacy)]).unwrap();
    let old = |claims: &serde_json::Value| hmac(SECRET.as_bytes(), HS256, &claims.to_string());

    let plain = old(&json!({"sub": "7", "exp": NOW + 60}));
    assert_eq!(show(&issuers, &plain).unwrap().user.as_str(), "legacy:7");
    assert_eq!(show(&issuers, &format!("Bearer {plain}")).unwrap().user.as_str(), "legacy:7");
    let named = old(&json!({"sub": "7", "exp": NOW + 60, "iss": "https://old"}));
    assert_eq!(show(&issuers, &named).unwrap().user.as_str(), "legacy:7");
    // A token with the issuer of another authenticator is verified by that one.
    let forged = old(&json!({"sub": "7", "exp": NOW + 60, "iss": "https://corp", "aud": "chat"}));
    assert_eq!(fault(&issuers, &forged), "token_header alg: mismatch");
    let prefixed = format!("Bearer {}", token(&key, "https://corp", "alice"));
    assert_eq!(fault(&issuers, &prefixed), "member auth.token: prefixed");
}

#[test]
fn an_issuer_that_shares_its_users_cannot_name_those_of_another() {
    let (key, own) = (AnySigner::generate(), SigningKey::generate().unwrap());
    let ring = std::sync::Arc::new(KeyRing::new(own));
    let issuer = Issuer::with_ring(std::sync::Arc::clone(&ring), "doorward", "doorward");
    let local = Jwt::key_ring(ring, "doorward", "doorward").danger_share_users();
    let issuers = Issuers::new([("doorward", local), ("corp", of(&key, "https://corp"))]).unwrap();
    let made =
        |sub: &str| issuer.issue(sub, std::time::Duration::from_secs(60), at(NOW), "t-1").unwrap();

    assert_eq!(show(&issuers, &made("alice")).unwrap().user.as_str(), "alice");
    assert_eq!(show(&issuers, &made("other:alice")).unwrap().user.as_str(), "other:alice");
    assert_eq!(fault(&issuers, &made("corp:alice")), "claim sub: not_allowed");
    assert_eq!(
        show(&issuers, &token(&key, "https://corp", "alice")).unwrap().user.as_str(),
        "corp:alice"
    );
    let handshake = |token: &str| handshake_at(&json!({ "token": token }).to_string(), NOW);
    assert_eq!(issuers.recognise(&handshake(&made("corp:alice"))), None);
    assert_eq!(issuers.recognise(&handshake(&made("alice"))).unwrap().as_str(), "alice");
}

#[test]
fn sockets_of_a_removed_issuer_end_and_those_of_others_stay() {
    let (one, two) = (AnySigner::generate(), AnySigner::generate());
    let (first, second) = (of(&one, "https://one"), of(&two, "https://two"));
    let issuers = Issuers::new([("one", first.clone()), ("two", second.clone())]).unwrap();
    let lease = |key, iss| show(&issuers, &token(key, iss, "alice")).unwrap().lease.unwrap();
    let renew = |lease: &std::sync::Arc<dyn doorward_core::Lease>| {
        let mut future = lease.renew(at(NOW));
        let waker = std::task::Waker::noop();
        let mut cx = std::task::Context::from_waker(waker);
        match future.as_mut().poll(&mut cx) {
            std::task::Poll::Ready(answer) => {
                answer.map_err(|error| matches!(error, LeaseError::Outdated))
            }
            std::task::Poll::Pending => panic!("the lease waits"),
        }
    };
    let (of_one, of_two) = (lease(&one, "https://one"), lease(&two, "https://two"));
    assert_eq!((renew(&of_one), renew(&of_two)), (Ok(()), Ok(())));
    assert_eq!((of_one.expires_at(), of_two.expires_at()), (None, None));

    issuers.replace([("one", first.clone())]).unwrap();
    assert_eq!((renew(&of_one), renew(&of_two)), (Ok(()), Err(true)));
    assert_eq!(fault(&issuers, &token(&two, "https://two", "alice")), "claim iss: unknown");

    // Another setting makes it another issuer.
    issuers.replace([("one", first.audience("phone"))]).unwrap();
    assert_eq!(renew(&of_one), Err(true));
    let again = lease(&one, "https://one");
    assert_eq!(renew(&again), Ok(()));

    // A set with a mistake changes nothing.
    assert!(issuers.replace([("One", second)]).is_err());
    assert_eq!(renew(&again), Ok(()));
}

#[test]
fn issuers_that_cannot_be_told_apart_are_refused() {
    let key = AnySigner::generate();
    let jwt = || Jwt::hs256(SECRET).unwrap();
    let error = |issuers: Vec<(&str, Jwt)>| Issuers::new(issuers).unwrap_err();

    for name in ["", "Corp", "a:b", "a b", "a_b", &"a".repeat(33), "ä"] {
        assert!(matches!(error(vec![(name, jwt())]), IssuersError::Name(_)), "{name}");
    }
    assert!(matches!(
        error(vec![("a", of(&key, "one")), ("a", of(&key, "two"))]),
        IssuersError::NameTaken(_)
    ));
    assert!(matches!(
        error(vec![("a", of(&key, "one")), ("b", of(&key, "one"))]),
        IssuersError::SameIssuer(..)
    ));
    assert!(matches!(error(vec![("a", jwt()), ("b", jwt())]), IssuersError::AnyIssuer(..)));
}

/// An application loads its users once for all issuers.
#[test]
fn one_loader_serves_all_issuers() {
    let (one, two) = (AnySigner::generate(), AnySigner::generate());
    let issuers =
        Issuers::new([("one", of(&one, "https://one")), ("two", of(&two, "https://two"))]).unwrap();
    let loaded = issuers.clone().load(|claims: Claims| async move {
        Ok((claims.subject() == "one:alice").then(|| claims.get("sub").cloned()))
    });
    let by_id = issuers.load(user_by_id(|id| async move { Ok(Some(id.as_str().to_owned())) }));

    assert_eq!(
        show(&loaded, &token(&one, "https://one", "alice")).unwrap().principal,
        Some(json!("alice"))
    );
    assert!(show(&loaded, &token(&two, "https://two", "alice")).is_err());
    assert_eq!(show(&by_id, &token(&two, "https://two", "bob")).unwrap().principal, "two:bob");
}

/// An id that is longer than 255 characters could not be revoked.
#[test]
fn the_name_of_the_issuer_counts_towards_the_length_of_an_id() {
    let key = AnySigner::generate();
    let issuers = Issuers::new([("corp", of(&key, "https://corp"))]).unwrap();
    let claims = |name: &str, length: usize| {
        let mut claims =
            json!({"iss": "https://corp", "aud": "chat", "sub": "alice", "exp": NOW + 60});
        claims[name] = json!("a".repeat(length));
        key.token(ES256, &claims.to_string())
    };

    for name in ["sub", "jti", "sid"] {
        assert!(show(&issuers, &claims(name, 250)).is_ok());
        assert_eq!(fault(&issuers, &claims(name, 251)), format!("claim {name}: too_long"));
    }
}

/// An issuer is added while a socket is connected whose id begins with its name.
#[test]
fn a_user_that_shares_an_id_with_a_later_issuer_ends() {
    let (key, own) = (AnySigner::generate(), AnySigner::generate());
    let local = Jwt::es256(&own.public_pem).unwrap().bound_to("local", "chat").danger_share_users();
    let issuers = Issuers::new([("local", local.clone())]).unwrap();
    let lease = show(&issuers, &token(&own, "local", "corp:alice")).unwrap().lease.unwrap();
    let other = show(&issuers, &token(&own, "local", "alice")).unwrap().lease.unwrap();
    assert!(!issuers.owns(&"corp:alice".into()));

    issuers.replace([("local", local), ("corp", of(&key, "https://corp"))]).unwrap();

    assert!(issuers.owns(&"corp:alice".into()) && !issuers.owns(&"local:alice".into()));
    assert!(matches!(done(lease.renew(at(NOW))), Err(LeaseError::Outdated)));
    assert!(done(other.renew(at(NOW))).is_ok());
}
