//! Tokens that choose among several keys.

use doorward_auth::{Issuer, Jwt, KeySet, RefusalReason, SigningKey};
use serde_json::{Value, json};

use crate::forge::{AnySigner, ES256, NOW, at, base64url, good, hmac, reason};

/// The JWK of a key that was written as PEM.
fn jwk(signer: &AnySigner, kid: &str) -> Value {
    let key = SigningKey::from_pkcs8_pem(&signer.private_pem).unwrap();
    let jwks: Value =
        serde_json::from_str(&doorward_auth::KeyRing::new(key).jwks(at(NOW))).unwrap();
    let mut jwk = jwks["keys"][0].clone();
    jwk["kid"] = json!(kid);
    jwk
}

fn jwt(keys: &[Value]) -> Jwt {
    let set = KeySet::from_jwks(&json!({ "keys": keys }).to_string()).unwrap();
    Jwt::keys(set).danger_unbound()
}

fn header(kid: &Value) -> String {
    json!({"alg": "ES256", "kid": kid}).to_string()
}

/// Attack 7.
#[test]
fn a_token_is_checked_with_the_key_it_names_and_no_other() {
    let (first, second) = (AnySigner::generate(), AnySigner::generate());
    let jwt = jwt(&[jwk(&first, "a"), jwk(&second, "b")]);
    let judge =
        |signer: &AnySigner, kid: &str| reason(&jwt, &signer.token(&header(&json!(kid)), &good()));

    assert_eq!(judge(&first, "a"), None);
    assert_eq!(judge(&second, "b"), None);
    for (signer, kid) in [(&first, "b"), (&second, "a"), (&first, "c"), (&first, "A")] {
        assert_eq!(judge(signer, kid), Some(RefusalReason::TokenSignature), "{kid}");
    }
}

/// Attack 7.
#[test]
fn a_token_without_a_key_id_is_accepted_where_there_is_one_key() {
    let (signer, other) = (AnySigner::generate(), AnySigner::generate());
    let one = jwt(&[jwk(&signer, "a")]);
    let two = jwt(&[jwk(&signer, "a"), jwk(&other, "b")]);

    assert_eq!(reason(&one, &signer.token(ES256, &good())), None);
    assert_eq!(reason(&two, &signer.token(ES256, &good())), Some(RefusalReason::TokenSignature));
}

/// Attack 7.
#[test]
fn a_key_id_is_a_name_and_nothing_else() {
    let signer = AnySigner::generate();
    let jwt = jwt(&[jwk(&signer, "a")]);
    let judge = |kid: Value| reason(&jwt, &signer.token(&header(&kid), &good()));

    for kid in ["../../../../dev/null", "' OR 1=1 --", "a/../a", "a ", "file:///dev/null", "b"] {
        assert_eq!(judge(json!(kid)), Some(RefusalReason::TokenSignature), "{kid}");
    }
    for kid in
        [json!("a\0"), json!(""), json!("k".repeat(5_000)), json!(["a"]), json!(0), json!(null)]
    {
        assert_eq!(judge(kid.clone()), Some(RefusalReason::TokenHeader), "{kid}");
    }
}

/// Attack 2, attack 3: the key a token names has one algorithm, whatever the token says.
#[test]
fn naming_a_key_does_not_choose_its_algorithm() {
    let signer = AnySigner::generate();
    let own = jwk(&signer, "a");
    let jwt = jwt(std::slice::from_ref(&own));

    for secret in [own.to_string(), own["x"].as_str().unwrap().to_owned(), String::new()] {
        let header = json!({"alg": "HS256", "kid": "a"}).to_string();
        let token = hmac(secret.as_bytes(), &header, &good());
        assert_eq!(reason(&jwt, &token), Some(RefusalReason::TokenHeader));
    }
    for alg in ["none", "ES384", "EdDSA", "RS256"] {
        let header = json!({"alg": alg, "kid": "a"}).to_string();
        let token = signer.token(&header, &good());
        assert_eq!(reason(&jwt, &token), Some(RefusalReason::TokenHeader), "{alg}");
    }
}

/// Attack 4.
#[test]
fn a_key_that_a_token_brings_along_joins_no_set() {
    let (signer, attacker) = (AnySigner::generate(), AnySigner::generate());
    let jwt = jwt(&[jwk(&signer, "a")]);
    let header = json!({"alg": "ES256", "kid": "a", "jwk": jwk(&attacker, "a")}).to_string();

    let reason = reason(&jwt, &attacker.token(&header, &good()));

    assert_eq!(reason, Some(RefusalReason::TokenHeader));
}

#[test]
fn secrets_make_a_set_of_their_own() {
    let secret = |byte: u8| -> Vec<u8> { (0..32).map(|at| (at * 7) ^ byte).collect() };
    let oct = |byte, kid: &str| json!({"kty": "oct", "alg": "HS256", "kid": kid, "k": base64url(secret(byte))});
    let jwt = jwt(&[oct(1, "a"), oct(2, "b")]);
    let token = |byte, kid: &str| {
        hmac(&secret(byte), &json!({"alg": "HS256", "kid": kid}).to_string(), &good())
    };

    assert_eq!(reason(&jwt, &token(1, "a")), None);
    assert_eq!(reason(&jwt, &token(2, "b")), None);
    assert_eq!(reason(&jwt, &token(1, "b")), Some(RefusalReason::TokenSignature));
}

#[test]
fn a_set_is_bound_like_any_public_key() {
    let ring = doorward_auth::KeyRing::new(SigningKey::generate_ed25519().unwrap());
    let jwks = ring.jwks(at(NOW));
    let issuer = Issuer::with_ring(ring.into(), "https://id.example.org", "chat");
    let token = issuer.issue("alice", std::time::Duration::from_secs(60), at(NOW), "t-1").unwrap();
    let judge = |issuer: &str, audience: &str| {
        let set = KeySet::from_jwks(&jwks).unwrap();
        reason(&Jwt::keys(set).bound_to(issuer, audience), &token)
    };

    assert_eq!(judge("https://id.example.org", "chat"), None);
    assert_eq!(judge("https://id.example.org", "mail"), Some(RefusalReason::TokenClaims));
    assert_eq!(judge("https://evil.example", "chat"), Some(RefusalReason::TokenClaims));
}
