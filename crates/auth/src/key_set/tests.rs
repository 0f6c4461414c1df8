//! Sets of keys that are taken, and those that make an operator look.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::*;
use crate::SigningKey;

fn ec(more: Value) -> Value {
    merge(
        json!({
            "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        }),
        more,
    )
}

fn okp(more: Value) -> Value {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    merge(json!({"kty": "OKP", "crv": "Ed25519", "x": x}), more)
}

fn rsa(more: Value) -> Value {
    let modulus = [&[0xc5; 255][..], &[0x5b]].concat();
    merge(json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB"}), more)
}

fn oct(more: Value) -> Value {
    let secret = URL_SAFE_NO_PAD.encode("4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT");
    merge(json!({"kty": "oct", "k": secret}), more)
}

fn merge(mut jwk: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("an object") };
    for (name, value) in more {
        jwk[name] = value;
    }
    jwk
}

fn read(keys: &[Value]) -> Result<KeySet, KeySetError> {
    KeySet::from_jwks(&json!({ "keys": keys }).to_string())
}

fn problem(jwk: Value) -> KeySetProblem {
    match read(&[jwk]) {
        Err(KeySetError::Key { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

/// Attack 3: one key, one algorithm.
#[test]
fn every_key_has_its_one_algorithm() {
    for (jwk, expected) in [
        (ec(json!({})), "ES256"),
        (ec(json!({"alg": "ES256"})), "ES256"),
        (okp(json!({})), "EdDSA"),
        (okp(json!({"alg": "EdDSA"})), "EdDSA"),
        (rsa(json!({"alg": "RS256"})), "RS256"),
        (rsa(json!({"alg": "RS384"})), "RS384"),
        (rsa(json!({"alg": "RS512"})), "RS512"),
        (rsa(json!({"alg": "PS256"})), "PS256"),
        (rsa(json!({"alg": "PS384"})), "PS384"),
        (rsa(json!({"alg": "PS512"})), "PS512"),
        (oct(json!({"alg": "HS256"})), "HS256"),
    ] {
        let set = read(&[jwk]).unwrap();
        assert_eq!(set.find(None, expected).unwrap().algorithm().name(), expected);
    }
}

#[test]
fn a_key_that_could_be_for_several_algorithms_is_refused_by_name() {
    let error = read(&[ec(json!({})), rsa(json!({"kid": "2026-11"}))]).unwrap_err();

    assert_eq!(error.to_string(), r#"key 1 ("2026-11") of the set cannot be used"#);
    let KeySetError::Key { problem, .. } = error else { panic!("{error:?}") };
    assert_eq!(problem, KeySetProblem::AlgorithmMissing);
    assert_eq!(self::problem(oct(json!({}))), KeySetProblem::AlgorithmMissing);
}

/// Attack 30.
#[test]
fn a_key_that_contradicts_itself_is_refused() {
    for jwk in [
        ec(json!({"alg": "ES384"})),
        ec(json!({"alg": "HS256"})),
        ec(json!({"alg": "RS256"})),
        okp(json!({"alg": "ES256"})),
        rsa(json!({"alg": "ES256"})),
        rsa(json!({"alg": "HS256"})),
        oct(json!({"alg": "RS256"})),
    ] {
        assert_eq!(problem(jwk.clone()), KeySetProblem::AlgorithmMismatch, "{jwk}");
    }
}

/// Attack 30.
#[test]
fn a_key_that_is_not_for_signatures_is_passed_over() {
    for jwk in [
        ec(json!({"use": "enc"})),
        ec(json!({"key_ops": ["sign"]})),
        ec(json!({"key_ops": []})),
        ec(json!({"alg": "ECDH-ES"})),
        ec(json!({"crv": "secp256k1"})),
        okp(json!({"crv": "X25519"})),
        okp(json!({"crv": "Ed448"})),
        rsa(json!({"use": "enc", "alg": "RSA-OAEP"})),
        rsa(json!({"alg": "RSA-OAEP"})),
        rsa(json!({"alg": "none"})),
        json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"}),
    ] {
        assert_eq!(read(std::slice::from_ref(&jwk)).unwrap_err(), KeySetError::NoKey, "{jwk}");
        assert_eq!(read(&[jwk, okp(json!({}))]).unwrap().len(), 1);
    }
    for jwk in [ec(json!({"use": "sig"})), ec(json!({"key_ops": ["sign", "verify"]}))] {
        assert_eq!(read(&[jwk]).unwrap().len(), 1);
    }
}

#[test]
fn a_private_key_is_refused_whatever_it_is_for() {
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"] {
        for jwk in [ec(json!({})), okp(json!({"use": "enc"})), rsa(json!({"alg": "RS256"}))] {
            let jwk = merge(jwk, json!({ name: "AQAB" }));
            assert_eq!(problem(jwk.clone()), KeySetProblem::Private, "{jwk}");
        }
    }
}

/// Attack 2, attack 7.
#[test]
fn secrets_stand_beside_no_public_key() {
    let secret = oct(json!({"alg": "HS256", "kid": "a"}));
    let other = oct(json!({"alg": "HS256", "kid": "b"}));

    assert_eq!(read(&[secret.clone(), other]).unwrap().len(), 2);
    for public in [ec(json!({})), ec(json!({"use": "enc"})), json!({"kty": "unknown"})] {
        let mixed = [public, secret.clone()];
        assert_eq!(read(&mixed).unwrap_err(), KeySetError::Mixed);
    }
}

/// Attack 7.
#[test]
fn two_keys_of_one_name_are_refused() {
    for (first, second) in [
        (ec(json!({"kid": "a"})), okp(json!({"kid": "a"}))),
        (ec(json!({"kid": "a", "use": "enc"})), okp(json!({"kid": "a"}))),
    ] {
        let error = read(&[first, second]).unwrap_err();
        let expected =
            KeySetError::Key { index: 1, id: Some("a".into()), problem: KeySetProblem::IdTaken };
        assert_eq!(error, expected);
    }
    assert_eq!(read(&[ec(json!({})), okp(json!({}))]).unwrap().len(), 2);
}

/// Attack 7.
#[test]
fn a_name_that_is_none_is_refused() {
    for kid in
        [json!(""), json!(7), json!(null), json!(["a"]), json!("a\0"), json!("a".repeat(256))]
    {
        assert_eq!(problem(ec(json!({ "kid": kid }))), KeySetProblem::Id, "{kid}");
    }
}

/// Attack 22, attack 23.
#[test]
fn a_weak_key_is_refused() {
    let short = URL_SAFE_NO_PAD.encode([&[0xc5; 127][..], &[0x5b]].concat());
    let too_short =
        |algorithm, bytes, needed| KeyError::SecretTooShort { algorithm, bytes, needed };
    for (jwk, expected) in [
        (rsa(json!({"alg": "RS256", "n": short})), KeyError::RsaSize { bits: 1024 }),
        (rsa(json!({"alg": "RS256", "e": "AQ"})), KeyError::RsaExponent),
        (rsa(json!({"alg": "RS256", "e": "Aw"})), KeyError::RsaExponent),
        (oct(json!({"alg": "HS384"})), too_short("HS384", 32, 48)),
        (oct(json!({"alg": "HS256", "k": ""})), too_short("HS256", 0, 32)),
        (ec(json!({"x": "AQAB"})), KeyError::NotP256),
        (ec(json!({"x": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})), KeyError::NotP256),
        (ec(json!({"crv": "P-384"})), KeyError::NotP384),
        (okp(json!({"x": "AQAB"})), KeyError::NotEd25519),
        (okp(json!({"x": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})), KeyError::NotEd25519),
        (okp(json!({"x": "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA"})), KeyError::NotEd25519),
    ] {
        assert_eq!(problem(jwk.clone()), KeySetProblem::Weak(expected), "{jwk}");
    }
}

#[test]
fn a_member_that_is_missing_or_malformed_is_refused() {
    for jwk in [
        json!({}),
        json!({"kty": 7}),
        json!({"kty": "EC"}),
        json!({"kty": "EC", "crv": "P-256", "x": "AA"}),
        json!({"kty": "OKP", "crv": "Ed25519"}),
        json!({"kty": "RSA", "alg": "RS256", "e": "AQAB"}),
        json!({"kty": "oct", "alg": "HS256"}),
        ec(json!({"x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU="})),
        ec(json!({"alg": 7})),
        ec(json!({"alg": null})),
        ec(json!({"use": ["sig"]})),
        ec(json!({"key_ops": "verify"})),
    ] {
        assert_eq!(problem(jwk.clone()), KeySetProblem::Member, "{jwk}");
    }
}

/// Attack 30.
#[test]
fn what_is_no_set_is_refused() {
    for text in [
        "",
        "<html>",
        "[]",
        "{}",
        "null",
        r#"{"keys": {}}"#,
        r#"{"keys": [7]}"#,
        r#"{"keys": [], "keys": []}"#,
        r#"{"keys": [{"kty": "EC", "kty": "oct"}]}"#,
        r#"{"kty": "OKP"}"#,
    ] {
        assert_eq!(KeySet::from_jwks(text).unwrap_err(), KeySetError::NotJwks, "{text}");
    }
    assert_eq!(KeySet::from_jwks(r#"{"keys": []}"#).unwrap_err(), KeySetError::NoKey);
    let deep = format!(r#"{{"a": {}"#, "[".repeat(100_000));
    assert_eq!(KeySet::from_jwks(&deep).unwrap_err(), KeySetError::NotJwks);
}

/// Attack 30.
#[test]
fn a_set_has_a_bound() {
    let large = format!(r#"{{"a": "{}"}}"#, "a".repeat(1024 * 1024));
    let many = |count: usize| -> Vec<_> {
        (0..count).map(|id| okp(json!({"kid": id.to_string()}))).collect()
    };

    assert_eq!(KeySet::from_jwks(&large).unwrap_err(), KeySetError::TooLarge);
    assert_eq!(read(&many(101)).unwrap_err(), KeySetError::TooManyKeys);
    assert_eq!(read(&many(100)).unwrap().len(), 100);
}

/// Attack 7.
#[test]
fn a_token_without_a_name_finds_the_only_key() {
    let one = read(&[ec(json!({"kid": "a"}))]).unwrap();
    let two = read(&[ec(json!({"kid": "a"})), okp(json!({}))]).unwrap();

    assert!(one.find(None, "ES256").is_some() && one.find(Some("a"), "ES256").is_some());
    assert!(one.find(Some("b"), "ES256").is_none() && one.find(Some(""), "ES256").is_none());
    assert!(two.find(None, "ES256").is_none() && two.find(Some("b"), "ES256").is_none());
    assert_eq!(two.find(Some("a"), "ES256").unwrap().algorithm().name(), "ES256");
}

/// Attack 100.
#[test]
fn debug_prints_no_secret() {
    let set = read(&[oct(json!({"alg": "HS256", "kid": "a"}))]).unwrap();

    assert_eq!(format!("{set:?}"), r#"{Some("a"): HS256([redacted])}"#);
}

#[test]
fn what_a_ring_publishes_is_a_set() {
    let ring = crate::KeyRing::new(SigningKey::generate().unwrap());
    ring.rotate(SigningKey::generate_ed25519().unwrap(), std::time::SystemTime::UNIX_EPOCH);

    let set = KeySet::from_jwks(&ring.jwks(std::time::SystemTime::UNIX_EPOCH)).unwrap();

    assert_eq!(set.len(), 2);
}
