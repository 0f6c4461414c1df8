//! Runs the vectors of Project Wycheproof for JSON Web Signatures and Keys.
//!
//! Each key is loaded as an operator would load it. Each token passes all checks except those of
//! its claims, because most vectors have no claims. An invalid token must never pass.
//! [`DEVIATIONS`] lists every case in which the answer of this crate differs from the expected
//! answer, with the reason.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use wycheproof_ng_kdf_jose::json_web::TestName;

use super::*;

use crate::key::{
    algorithm::Algorithm,
    error::KeyError,
    set::{
        KeySet,
        problem::{KeySetError, KeySetProblem, PassedOver},
    },
    verifying::VerifyingKey,
};

/// Outcome of a test vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Accepted,
    KeyRefused,
    TokenRefused,
}

/// Cases in which this crate deliberately gives another answer than the expected one. Each entry
/// has the name of the set, the number of the case, the answer of this crate, and the reason.
const DEVIATIONS: [(&str, u64, Answer, &str); 14] = [
    ("signature", 259, Answer::TokenRefused, NO_CLAIMS),
    ("signature", 264, Answer::TokenRefused, NO_CLAIMS),
    ("signature", 268, Answer::TokenRefused, NO_CLAIMS),
    ("signature", 272, Answer::TokenRefused, NO_CLAIMS),
    ("signature", 320, Answer::TokenRefused, NO_CLAIMS),
    ("signature", 325, Answer::TokenRefused, NO_CLAIMS),
    ("signature", 346, Answer::TokenRefused, "the token says PS384, its key PS256"),
    ("signature", 347, Answer::KeyRefused, "the key says ES521, which is no algorithm"),
    ("signature", 350, Answer::TokenRefused, "the token says PS384, its key PS256"),
    ("signature", 351, Answer::KeyRefused, "the key says ES521, which is no algorithm"),
    ("signature", 367, Answer::Accepted, "it is the valid token 357, byte for byte"),
    ("signature", 370, Answer::Accepted, "it is the valid token 357, byte for byte"),
    ("signature", 372, Answer::TokenRefused, "it has a `?` in its header, and is called valid"),
    ("signature", 373, Answer::TokenRefused, "it has a `?` in its payload, and is called valid"),
];

const NO_CLAIMS: &str = "its payload is empty: valid for a JWS, but not claims";

/// Groups whose secret is too weak for operators. The tests verify their tokens with this secret
/// nevertheless.
const WEAK_SECRETS: [(&str, &str, KeyError); 4] = [
    ("signature", "base64", KeyError::SecretRepeats),
    ("key", "HS256", KeyError::SecretSequence),
    ("key", "HS384", KeyError::SecretSequence),
    ("key", "HS512", KeyError::SecretSequence),
];

#[test]
fn no_forged_signature_is_accepted() {
    check("signature", TestName::JsonWebSignature, Counts { all: 401, with_token: 401 });
}

#[test]
fn no_invalid_key_is_accepted() {
    check("key", TestName::JsonWebKey, Counts { all: 26, with_token: 26 });
}

/// The vectors without a token are about encryption, which is not supported.
#[test]
fn no_confused_key_is_accepted() {
    check("crypto", TestName::JsonWebCrypto, Counts { all: 83, with_token: 49 });
}

/// Expected number of vectors, so that a missing vector fails the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counts {
    all: usize,
    with_token: usize,
}

fn check(set: &str, name: TestName, expected: Counts) {
    let vectors: Value = serde_json::from_str(name.json_data()).unwrap();
    let mut counts = Counts { all: 0, with_token: 0 };
    let (mut deviations, mut weak) = (Vec::new(), Vec::new());
    for group in array(&vectors["testGroups"]) {
        let comment = group["comment"].as_str().unwrap();
        let (jwt, weakness) = authenticator(group);
        weak.extend(weakness.map(|weakness| (set, comment, weakness)));
        for test in array(&group["tests"]) {
            counts.all += 1;
            if test.get("jws").is_none() {
                continue;
            }
            counts.with_token += 1;
            let (answer, is_valid) =
                (answer(jwt.as_ref(), &test["jws"]), test["result"] == "valid");
            if is_valid != (answer == Answer::Accepted) {
                deviations.push((test["tcId"].as_u64().unwrap(), answer));
            }
        }
    }

    assert_eq!(counts, expected);
    let named: Vec<_> = DEVIATIONS
        .iter()
        .filter(|(of, ..)| *of == set)
        .map(|(_, id, answer, _)| (*id, *answer))
        .collect();
    assert_eq!(deviations, named);

    let named: Vec<_> = WEAK_SECRETS.iter().filter(|(of, ..)| *of == set).copied().collect();
    assert_eq!(weak, named);
}

/// Returns an authenticator for the keys of a group, if they are accepted, and the error of its
/// secret, if the secret is weak.
fn authenticator(group: &Value) -> (Option<Jwt>, Option<KeyError>) {
    let jwk = group.get("public").unwrap_or(&group["private"]);
    let jwks = if jwk.get("keys").is_some() { jwk.clone() } else { json!({ "keys": [jwk] }) };
    match KeySet::from_jwks(&jwks.to_string()) {
        Ok(keys) => (Some(Jwt::key_set(keys).danger_unbound()), None),
        Err(KeySetError::NoKey(keys)) => match keys.first().map(|key| key.problem) {
            Some(KeySetProblem::Weak(
                weakness @ (KeyError::SecretRepeats
                | KeyError::SecretSequence
                | KeyError::SecretPublished),
            )) => (Some(unchecked(&jwks["keys"][0])), Some(weakness)),
            _ => (None, None),
        },
        Err(_) => (None, None),
    }
}

/// Creates an authenticator from a secret that is rejected for operators.
fn unchecked(jwk: &Value) -> Jwt {
    let text = |name: &str| jwk[name].as_str().unwrap();
    let algorithm = Algorithm::from_name(text("alg")).unwrap();
    let secret = URL_SAFE_NO_PAD.decode(text("k")).unwrap();
    Jwt::new(Keys::One(Arc::new(VerifyingKey::unchecked(algorithm, &secret))))
}

fn answer(jwt: Option<&Jwt>, token: &Value) -> Answer {
    let Some(jwt) = jwt else { return Answer::KeyRefused };
    // Tokens in a JSON form are also passed as text.
    let text = token.as_str().map_or_else(|| token.to_string(), str::to_owned);
    match jwt.verify_signature(&text, SystemTime::UNIX_EPOCH) {
        Ok(parts) if parts::base64url(parts.claims).is_some() => Answer::Accepted,
        Ok(_) | Err(_) => Answer::TokenRefused,
    }
}

#[test]
fn the_accepted_invalid_vectors_equal_a_valid_one() {
    let vectors: Value = serde_json::from_str(TestName::JsonWebSignature.json_data()).unwrap();
    let tests: Vec<_> =
        array(&vectors["testGroups"]).iter().flat_map(|group| array(&group["tests"])).collect();
    let token = |id: u64| &tests.iter().find(|test| test["tcId"] == id).unwrap()["jws"];

    for (_, id, ..) in DEVIATIONS.iter().filter(|(_, _, answer, _)| *answer == Answer::Accepted) {
        assert_eq!(token(*id), token(357));
    }
}

/// The error of a private key in a public set is `Private`.
#[test]
fn a_private_key_is_never_accepted() {
    for name in [TestName::JsonWebSignature, TestName::JsonWebKey, TestName::JsonWebCrypto] {
        let vectors: Value = serde_json::from_str(name.json_data()).unwrap();
        let groups = array(&vectors["testGroups"]);
        for group in groups.iter().filter(|group| group.get("public").is_some()) {
            let jwk = &group["private"];
            let jwks =
                if jwk.get("keys").is_some() { jwk.clone() } else { json!({ "keys": [jwk] }) };

            let error = KeySet::from_jwks(&jwks.to_string()).unwrap_err();

            let KeySetError::NoKey(keys) = &error else { panic!("{error:?}") };
            let is_private = |key: &PassedOver| key.problem == KeySetProblem::Private;
            assert!(keys.iter().all(is_private), "{error:?}");
        }
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}
