//! Reads the access token from `auth.token` only, and does not tell refused clients the reason.

use std::sync::Arc;

use doorward_auth::{AuthenticateError, Authenticator, Claims, Handshake, Refusal, RefusalReason};
use doorward_core::{
    AuthPayload, DecisionId, Entropy, HandshakeRequest, Headers, RefusalCode, wire::ConnectError,
};
use serde_json::json;

use crate::forge::{
    ES256, HS256, NOW, SECRET, ask, at, good, handshake, hmac, jwt, show, token, with,
};

#[test]
fn without_a_token_the_credential_is_missing() {
    for auth in ["{}", r#"{"sessionToken":"s"}"#, r#"{"Token":"a"}"#, r#"{"pid":"p","offset":"o"}"#]
    {
        assert_eq!(refused(auth).reason(), RefusalReason::CredentialMissing, "{auth}");
        assert_eq!(fault(&refused(auth)), "member auth.token: missing", "{auth}");
    }
}

#[test]
fn two_credentials_are_refused_even_if_one_is_good() {
    for session in [json!("s"), json!(null), json!(7)] {
        let auth = json!({"token": token(&good()), "sessionToken": session}).to_string();

        assert_eq!(refused(&auth).reason(), RefusalReason::CredentialAmbiguous);
        assert_eq!(fault(&refused(&auth)), "member auth.token|auth.sessionToken: ambiguous");
    }
}

/// Attack 27.
#[test]
fn a_token_that_is_not_a_string_is_malformed() {
    let good = token(&good());
    for value in [json!(null), json!(7), json!(true), json!([good]), json!({"token": good})] {
        let auth = json!({ "token": value }).to_string();

        assert_eq!(refused(&auth).reason(), RefusalReason::TokenMalformed, "{auth}");
        assert_eq!(fault(&refused(&auth)), "member auth.token: wrong_type", "{auth}");
    }
}

/// Attack 25.
#[test]
fn a_token_in_the_query_string_or_in_a_header_is_ignored() {
    let token = token(&good());
    let mut map = http::HeaderMap::new();
    map.insert("authorization", format!("Bearer {token}").parse().unwrap());
    map.insert("cookie", format!("token={token}").parse().unwrap());
    let query = format!("EIO=4&transport=websocket&token={token}&auth[token]={token}");
    let request = Arc::new(HandshakeRequest::new(Headers::from(&map), query, None));

    let answer = ask(&jwt(), Handshake::new(request, "/", AuthPayload::default(), at(NOW)));

    let Err(AuthenticateError::Refused(refusal)) = answer else { panic!("{answer:?}") };
    assert_eq!(refusal.reason(), RefusalReason::CredentialMissing);
    assert_eq!(fault(&refusal), "member auth.token: missing");
}

/// Attack 102.
#[test]
fn a_client_reads_the_same_for_every_reason() {
    let tokens = [
        "".to_owned(),
        "a.b.c".to_owned(),
        hmac(&[7; 32], HS256, &good()),
        hmac(SECRET.as_bytes(), ES256, &good()),
        token(&with("sub", "")),
        token(&with("nbf", NOW + 60)),
        token(&with("exp", NOW + 1_000_000)),
        token(&with("aud", "mail")),
    ];
    let loaded = jwt().load(|_: Claims| async { Ok(None::<()>) });

    let mut answers: Vec<_> = tokens.iter().map(|token| wire(&refusal_of(&jwt(), token))).collect();
    answers.push(wire(&refused("{}")));
    answers.push(wire(&refused(r#"{"token":7}"#)));
    answers.push(wire(&refused(r#"{"token":"a","sessionToken":"b"}"#)));
    answers.push(wire(&refusal_of(&loaded, &token(&good()))));

    answers.dedup();
    assert_eq!(
        answers,
        [
            r#"{"message":"Unauthorized","data":{"code":"unauthenticated","retry":"after_login","id":"AAAAAAAAAAAA"}}"#
        ],
    );
}

/// Attack 102: only the holder of a genuine token learns that it has expired.
#[test]
fn expiry_is_reported_only_for_a_genuine_token() {
    let stale = with("exp", NOW - 1);
    let forged = hmac(&[7; 32], HS256, &stale);

    assert_eq!(refusal_of(&jwt(), &token(&stale)).code(), RefusalCode::TokenExpired);
    assert_eq!(refusal_of(&jwt(), &forged).code(), RefusalCode::Unauthenticated);
    assert_eq!(
        refusal_of(&jwt().issued_by("id"), &token(&stale)).code(),
        RefusalCode::Unauthenticated,
    );
}

fn fault(refusal: &Refusal) -> String {
    refusal.fault().expect("it names what was at fault").to_string()
}

fn refused(auth: &str) -> Refusal {
    match ask(&jwt(), handshake(auth)) {
        Err(AuthenticateError::Refused(refusal)) => refusal,
        answer => panic!("{answer:?}"),
    }
}

fn refusal_of(authenticator: &impl Authenticator, token: &str) -> Refusal {
    show(authenticator, token).err().expect("the token is refused")
}

fn wire(refusal: &Refusal) -> String {
    struct Zero;
    impl Entropy for Zero {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    serde_json::to_string(&ConnectError::new(refusal, DecisionId::generate(&Zero))).unwrap()
}
