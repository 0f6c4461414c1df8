//! Verifies tokens with sets of several keys.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use doorward_auth::{Issuer, Jwt, KeySet, RefusalReason, SigningKey};
use serde_json::{Value, json};

use crate::{
    forge::{
        AnySigner, ES256, NOW, at, base64url, fault, good, hmac, reason, signed, with_signature,
    },
    log::logged,
};

/// Returns the JWK of a key that was written as PEM.
pub(crate) fn jwk(signer: &AnySigner, kid: &str) -> Value {
    let key = SigningKey::from_pkcs8_pem(&signer.private_pem).unwrap();
    let jwks: Value =
        serde_json::from_str(&doorward_auth::KeyRing::new(key).jwks(at(NOW))).unwrap();
    let mut jwk = jwks["keys"][0].clone();
    jwk["kid"] = json!(kid);
    jwk
}

fn jwt(keys: &[Value]) -> Jwt {
    let set = KeySet::from_jwks(&json!({ "keys": keys }).to_string()).unwrap();
    Jwt::key_set(set).danger_unbound()
}

fn header(kid: &Value) -> String {
    json!({"alg": "ES256", "kid": kid}).to_string()
}

/// Attack 7.
#[test]
fn a_token_is_verified_only_with_the_key_it_names() {
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
fn a_token_without_a_key_id_is_accepted_if_the_set_has_one_key() {
    let (signer, other) = (AnySigner::generate(), AnySigner::generate());
    let one = jwt(&[jwk(&signer, "a")]);
    let two = jwt(&[jwk(&signer, "a"), jwk(&other, "b")]);

    assert_eq!(reason(&one, &signer.token(ES256, &good())), None);
    assert_eq!(reason(&two, &signer.token(ES256, &good())), Some(RefusalReason::TokenSignature));
}

/// Attack 7.
#[test]
fn a_key_id_is_only_a_name() {
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

/// Attack 2, attack 3: the key that a token names has one algorithm, which the token cannot change.
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
fn a_key_inside_of_a_token_is_not_used() {
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
fn a_set_is_bound_like_a_public_key() {
    let ring = doorward_auth::KeyRing::new(SigningKey::generate_ed25519().unwrap());
    let jwks = ring.jwks(at(NOW));
    let issuer = Issuer::with_ring(ring.into(), "https://id.example.org", "chat");
    let token = issuer.issue("alice", std::time::Duration::from_secs(60), at(NOW), "t-1").unwrap();
    let judge = |issuer: &str, audience: &str| {
        let set = KeySet::from_jwks(&jwks).unwrap();
        reason(&Jwt::key_set(set).bound_to(issuer, audience), &token)
    };

    assert_eq!(judge("https://id.example.org", "chat"), None);
    assert_eq!(judge("https://id.example.org", "mail"), Some(RefusalReason::TokenClaims));
    assert_eq!(judge("https://evil.example", "chat"), Some(RefusalReason::TokenClaims));
}

/// Each skipped key is logged once with its position and name, and without its material.
#[test]
fn the_log_names_a_key_that_is_passed_over() {
    let rsa = json!({"kty": "RSA", "kid": "2026-11", "n": "AQAB-canary", "e": "AQAB"});
    let mut encrypts = jwk(&AnySigner::generate(), "enc");
    encrypts["use"] = json!("enc");
    let jwks = json!({"keys": [jwk(&AnySigner::generate(), "a"), rsa, encrypts]}).to_string();

    let (set, log) = logged(|| KeySet::from_jwks(&jwks).unwrap());

    let lines: Vec<_> = log.lines().collect();
    assert_eq!((set.len(), lines.len()), (1, 2), "{log}");
    assert!(
        lines[0].contains("WARN") && lines[0].contains(r#"index=1 kid=Some("2026-11")"#),
        "{log}"
    );
    assert!(lines[1].contains("INFO") && lines[1].contains(r#"index=2 kid=Some("enc")"#), "{log}");
    assert!(!log.contains("canary"), "{log}");
}

/// RFC 7517 section 4.5 allows keys of different kinds to have the same name.
#[test]
fn of_two_kinds_of_key_with_one_name_the_algorithm_selects_one() {
    let signer = AnySigner::generate();
    let pair = Ed25519KeyPair::generate().unwrap();
    let okp = json!({
        "kty": "OKP", "crv": "Ed25519", "kid": "a", "alg": "Ed25519",
        "x": base64url(pair.public_key().as_ref()),
    });
    let jwt = jwt(&[jwk(&signer, "a"), okp]);
    let by_ed25519 = |alg: &str| {
        let signed = signed(&json!({"alg": alg, "kid": "a"}).to_string(), &good());
        let signature = pair.sign(signed.as_bytes());
        with_signature(&signed, signature.as_ref())
    };

    assert_eq!(reason(&jwt, &signer.token(&header(&json!("a")), &good())), None);
    assert_eq!(reason(&jwt, &by_ed25519("Ed25519")), None);
    assert_eq!(reason(&jwt, &by_ed25519("EdDSA")), None);
    // Attack 3: another algorithm selects the other key, which did not make the signature.
    assert_eq!(reason(&jwt, &by_ed25519("ES256")), Some(RefusalReason::TokenSignature));
    assert_eq!(reason(&jwt, &by_ed25519("HS256")), Some(RefusalReason::TokenHeader));
}

/// The audit record distinguishes an unknown key from a wrong signature.
#[test]
fn an_unknown_key_is_named_with_its_problem() {
    let (signer, other) = (AnySigner::generate(), AnySigner::generate());
    let jwt = jwt(&[jwk(&signer, "a"), jwk(&other, "b")]);
    let judge = |header: &str| fault(&jwt, &signer.token(header, &good()));

    assert_eq!(judge(&header(&json!("c"))).unwrap(), "token_header kid: unknown");
    assert_eq!(judge(ES256).unwrap(), "token_header kid: missing");
    assert_eq!(judge(&header(&json!("b"))).unwrap(), "segment signature: mismatch");
}
