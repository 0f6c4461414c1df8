//! Reads sound key sets, and reports the problems of defective key sets.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::*;
use crate::{KeyError, SigningKey};

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
        Err(KeySetError::NoKey(keys)) if keys.len() == 1 => keys[0].problem,
        other => panic!("{other:?}"),
    }
}

/// Attack 3: each key has exactly one algorithm.
#[test]
fn every_key_has_its_one_algorithm() {
    for (jwk, expected) in [
        (ec(json!({})), "ES256"),
        (ec(json!({"alg": "ES256"})), "ES256"),
        (okp(json!({})), "EdDSA"),
        (okp(json!({"alg": "EdDSA"})), "EdDSA"),
        (okp(json!({"alg": "Ed25519"})), "EdDSA"),
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

/// Entra ID publishes its RSA keys without an `alg`.
#[test]
fn an_rsa_key_without_an_algorithm_has_the_one_that_is_configured() {
    let jwks = json!({"keys": [ec(json!({"kid": "a"})), rsa(json!({"kid": "b", "use": "sig"}))]});
    let algorithm = |set: &KeySet| set.find(Some("b"), "RS256").map(|key| key.algorithm().name());

    let without = KeySet::from_jwks(&jwks.to_string()).unwrap();
    let with = KeySet::from_jwks_for(&jwks.to_string(), RsaAlgorithm::Rs256).unwrap();

    assert_eq!(algorithm(&without), None);
    assert_eq!(
        without.passed_over()[0].to_string(),
        "key 1 (\"b\"): it has no `alg` and could be for several algorithms: say which with \
         `KeySet::from_jwks_for`",
    );
    assert_eq!(algorithm(&with), Some("RS256"));
    assert_eq!(problem(oct(json!({}))), KeySetProblem::AlgorithmMissing);
}

/// Attack 3: the `alg` of a key takes precedence over the configured algorithm.
#[test]
fn the_algorithm_of_an_rsa_key_takes_precedence_over_the_configured_one() {
    let jwks = json!({"keys": [rsa(json!({"alg": "PS512"}))]}).to_string();

    let set = KeySet::from_jwks_for(&jwks, RsaAlgorithm::Rs256).unwrap();

    assert_eq!(set.find(None, "RS256").unwrap().algorithm().name(), "PS512");
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
        assert!(problem(jwk.clone()).is_usual(), "{jwk}");
        assert_eq!(read(&[jwk, okp(json!({}))]).unwrap().len(), 1);
    }
    for jwk in [ec(json!({"use": "sig"})), ec(json!({"key_ops": ["sign", "verify"]}))] {
        assert_eq!(read(&[jwk]).unwrap().len(), 1);
    }
}

#[test]
fn a_private_key_is_refused_for_every_purpose() {
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"] {
        for jwk in [ec(json!({})), okp(json!({"use": "enc"})), rsa(json!({"alg": "RS256"}))] {
            let jwk = merge(jwk, json!({ name: "AQAB" }));
            assert_eq!(problem(jwk.clone()), KeySetProblem::Private, "{jwk}");
        }
    }
}

/// Attack 2, attack 7.
#[test]
fn a_secret_beside_a_public_key_is_passed_over() {
    let secret = oct(json!({"alg": "HS256", "kid": "a"}));
    let other = oct(json!({"alg": "HS256", "kid": "b"}));

    assert_eq!(read(&[secret.clone(), other]).unwrap().len(), 2);
    let mixed = read(&[ec(json!({"kid": "a"})), secret.clone()]).unwrap();
    assert_eq!(mixed.find(Some("a"), "HS256").unwrap().algorithm().name(), "ES256");
    assert_eq!(problems(&mixed), [KeySetProblem::Secret]);
    // A set with an unusable public key also counts as published.
    for public in [ec(json!({"use": "enc"})), json!({"kty": "unknown"})] {
        let Err(KeySetError::NoKey(keys)) = read(&[secret.clone(), public]) else {
            panic!("the secret is used")
        };
        assert_eq!(keys[0].problem, KeySetProblem::Secret);
    }
}

/// RFC 7517 section 4.5: keys of different kinds may share a name.
#[test]
fn two_kinds_of_key_with_one_name_are_told_apart_by_the_algorithm() {
    let set = read(&[ec(json!({"kid": "a"})), rsa(json!({"kid": "a", "alg": "RS256"}))]).unwrap();
    let find = |algorithm| set.find(Some("a"), algorithm).unwrap().algorithm().name();

    assert_eq!((find("ES256"), find("RS256")), ("ES256", "RS256"));
    // For any other algorithm, the first key is returned, and the check of the header then rejects
    // the token.
    assert_eq!(find("none"), "ES256");
    assert!(set.find(None, "ES256").is_none());
}

/// Attack 7: a token that names one of two keys is ambiguous.
#[test]
fn keys_of_one_name_and_kind_are_passed_over() {
    let same = || ec(json!({"kid": "a"}));
    let set = read(&[same(), okp(json!({"kid": "a"})), same(), ec(json!({}))]).unwrap();

    assert_eq!((set.len(), problems(&set)), (2, vec![KeySetProblem::IdTaken; 2]));
    assert_eq!(set.find(Some("a"), "ES256").unwrap().algorithm().name(), "EdDSA");
    assert_eq!(read(&[ec(json!({})), ec(json!({}))]).unwrap().len(), 2);
    // A token that names `a` may mean the malformed key.
    let malformed = ec(json!({"kid": "a", "x": 7}));
    assert_eq!(read(&[same(), malformed, okp(json!({}))]).unwrap().len(), 1);
    // A key for another purpose does not make the name ambiguous.
    let set = read(&[ec(json!({"kid": "a", "use": "enc"})), ec(json!({"kid": "a"}))]).unwrap();
    assert_eq!((set.len(), problems(&set)), (1, vec![KeySetProblem::Use]));
}

/// The set resembles one that Keycloak publishes, with typical defects added. Each key is checked
/// separately.
#[test]
fn a_set_is_accepted_if_one_key_can_be_used() {
    let short = URL_SAFE_NO_PAD.encode([&[0xc5; 127][..], &[0x5b]].concat());
    let set = read(&[
        rsa(json!({"kid": "enc", "use": "enc", "alg": "RSA-OAEP"})),
        rsa(json!({"kid": "short", "alg": "RS256", "n": short})),
        rsa(json!({"kid": "private", "alg": "RS256", "d": "AQAB"})),
        ec(json!({"kid": "bad\n"})),
        ec(json!({"kid": "malformed", "x": 7})),
        rsa(json!({"kid": "sig", "use": "sig", "alg": "RS256"})),
    ])
    .unwrap();

    assert_eq!(set.len(), 1);
    assert!(set.find(Some("sig"), "RS256").is_some());
    let named: Vec<_> = set.passed_over().iter().map(PassedOver::to_string).collect();
    assert_eq!(
        named,
        [
            "key 0 (\"enc\"): it is not for checking signatures",
            "key 1 (\"short\"): the RSA key has 1024 bits and needs 2048 to 8192: \
             `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072` makes a pair",
            "key 2 (\"private\"): it contains its private key, which has been published: its issuer has to \
             replace the key",
            "key 3: its `kid` is not 1-255 printable characters",
            "key 4 (\"malformed\"): its `x` is missing or malformed",
        ]
    );
}

fn problems(set: &KeySet) -> Vec<KeySetProblem> {
    set.passed_over().iter().map(|key| key.problem).collect()
}

#[test]
fn a_set_without_a_usable_key_gives_the_reason_for_each() {
    let error = |count: usize| {
        let keys: Vec<_> =
            (0..count).map(|id| ec(json!({"kid": id.to_string(), "use": "enc"}))).collect();
        read(&keys).unwrap_err().to_string()
    };

    assert_eq!(error(0), "the set has no key to check signatures with");
    assert_eq!(
        error(2),
        "the set has no key to check signatures with: key 0 (\"0\"): it is not for checking signatures; \
         key 1 (\"1\"): it is not for checking signatures",
    );
    assert!(error(100).ends_with("; and 92 more"), "{}", error(100));
}

/// Attack 7.
#[test]
fn a_malformed_name_is_refused() {
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
    for (jwk, member) in [
        (json!({}), "kty"),
        (json!({"kty": 7}), "kty"),
        (json!({"kty": "EC"}), "crv"),
        (json!({"kty": "EC", "crv": "P-256", "x": "AA"}), "y"),
        (json!({"kty": "OKP", "crv": "Ed25519"}), "x"),
        (json!({"kty": "RSA", "alg": "RS256", "e": "AQAB"}), "n"),
        (json!({"kty": "oct", "alg": "HS256"}), "k"),
        (ec(json!({"x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU="})), "x"),
        (ec(json!({"alg": 7})), "alg"),
        (ec(json!({"alg": null})), "alg"),
        (ec(json!({"use": ["sig"]})), "use"),
        (ec(json!({"key_ops": "verify"})), "key_ops"),
    ] {
        assert_eq!(problem(jwk.clone()), KeySetProblem::Member(member), "{jwk}");
    }
}

/// Attack 30.
#[test]
fn text_that_is_not_a_key_set_is_refused() {
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
    assert_eq!(
        KeySet::from_jwks(r#"{"keys": []}"#).unwrap_err(),
        KeySetError::NoKey(Box::default())
    );
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
fn the_published_keys_of_a_ring_are_a_key_set() {
    let ring = crate::KeyRing::new(SigningKey::generate().unwrap());
    ring.rotate(SigningKey::generate_ed25519().unwrap(), std::time::SystemTime::UNIX_EPOCH);

    let set = KeySet::from_jwks(&ring.jwks(std::time::SystemTime::UNIX_EPOCH)).unwrap();

    assert_eq!(set.len(), 2);
}
