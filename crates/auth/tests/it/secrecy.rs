//! Checks that no output contains a credential.

use std::{error::Error, sync::Arc};

use doorward_auth::{Authenticator, Claims, Issuer, Jwt, KeyRing, SigningKey};
use serde_json::json;

use crate::forge::{NOW, SECRET, ask, good, handshake, hmac, jwt, show, token};

const CANARY: &str = "canary-4fzGDmbc1gPDeSsCcEOgxE8uS";

/// Attack 100.
#[test]
fn debug_of_an_authenticator_contains_no_secret() {
    let jwt = Jwt::hs256(CANARY).unwrap();
    let captured = CANARY.to_owned();
    let loaded = jwt.clone().load(move |_: Claims| {
        let user = captured.clone();
        async move { Ok(Some(user)) }
    });

    for printed in [format!("{jwt:?}"), format!("{jwt:#?}"), format!("{loaded:?}")] {
        assert_secret(&printed, CANARY);
    }
}

/// Attack 100.
#[test]
fn debug_of_claims_contains_no_value() {
    let claims = json!({
        "sub": CANARY, "exp": NOW + 60, "jti": CANARY, "sid": CANARY, "iss": CANARY,
        "deep": {"canary": [CANARY]},
    });

    let token = token(&claims.to_string());
    let claims = show(&jwt(), &token).unwrap().principal;

    for printed in [format!("{claims:?}"), format!("{claims:#?}")] {
        assert_secret(&printed, CANARY);
        assert_secret(&printed, &token);
        assert!(printed.contains(r#""sub": [redacted]"#), "{printed}");
    }
}

/// Attack 100.
#[test]
fn debug_of_keys_contains_no_key() {
    let key = SigningKey::generate().unwrap();
    let pem = key.to_pkcs8_pem().unwrap();
    let body = pem.lines().nth(1).unwrap().to_owned();
    let unbound = Jwt::es256(&key.public_pem()).unwrap();
    let ring = Arc::new(KeyRing::from_pem(&pem).unwrap());

    for printed in [
        format!("{key:?}"),
        format!("{unbound:?}"),
        format!(
            "{ring:?} {:?}",
            Jwt::key_ring(Arc::clone(&ring), "https://id.example.org", "chat")
        ),
        ring.jwks(std::time::SystemTime::UNIX_EPOCH),
        format!("{:?}", Issuer::new(key, "https://id.example.org", "chat")),
    ] {
        assert_secret(&printed, &body);
    }
}

/// Attack 100.
#[test]
fn errors_contain_no_part_of_the_token() {
    let header = json!({"alg": CANARY}).to_string();
    let shown = [
        CANARY.to_owned(),
        format!("{CANARY}.{CANARY}.{CANARY}"),
        hmac(SECRET.as_bytes(), &header, &good()),
        token(&json!({"sub": "", CANARY: CANARY}).to_string()),
    ];
    for token in shown {
        assert_secret(&print_error(&jwt(), &token), CANARY);
        assert_secret(&print_error(&jwt(), &token), &token);
    }

    let short = Jwt::hs256("canary").unwrap_err();
    let key = Jwt::es256(CANARY).unwrap_err();
    assert_secret(&format!("{short} {short:?} {key} {key:?}"), "canary");
}

fn print_error(authenticator: &impl Authenticator, token: &str) -> String {
    let auth = handshake(&json!({ "token": token }).to_string());
    let error = ask(authenticator, auth).err().expect("the token is refused");
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    format!("{error} {error:?} {error:#?} {cause}")
}

fn assert_secret(printed: &str, secret: &str) {
    assert!(!printed.contains(secret), "{printed}");
}
