//! Rotates, publishes and saves the keys of a ring.

use std::{sync::Arc, time::Duration};

use doorward_auth::{Issuer, KeyRing, KeyRingError, RefusalReason, SigningKey};
use serde_json::Value;

use crate::{
    forge::{NOW, at, reason_at},
    own::{ISSUER, pair, parts, ring, session},
    world::MINUTE,
};

#[test]
fn an_old_key_is_trusted_until_all_of_its_tokens_have_expired() {
    let ring = ring();
    let (issuer, jwt) = pair(&ring);
    let old = issuer.issue_for(&session(), 5 * MINUTE, at(NOW), "t-1").unwrap();
    // An attacker keeps signing with a stolen copy of the old key.
    let old_issuer = Issuer::with_ring(
        Arc::new(KeyRing::from_pem(&ring.to_pem().unwrap()).unwrap()),
        ISSUER,
        "chat",
    );

    ring.rotate(SigningKey::generate_ed25519().unwrap(), at(NOW));
    let new = issuer.issue_for(&session(), 5 * MINUTE, at(NOW), "t-2").unwrap();
    let late = old_issuer.issue_for(&session(), MINUTE, at(NOW + 280), "t-3").unwrap();

    assert_ne!(parts(&old)[0]["kid"], parts(&new)[0]["kid"]);
    assert_eq!(parts(&new)[0]["alg"], "EdDSA");
    assert_eq!(reason_at(&jwt, &new, NOW), None);
    assert_eq!(reason_at(&jwt, &old, NOW + 299), None);
    assert_eq!(reason_at(&jwt, &late, NOW + 299), None);
    assert_eq!(reason_at(&jwt, &late, NOW + 300), Some(RefusalReason::TokenSignature));
}

#[test]
fn a_key_may_be_rotated_in_again() {
    let ring = ring();
    let first = ring.to_pem().unwrap();
    let key = || SigningKey::from_pkcs8_pem(&first).unwrap();

    ring.rotate(key(), at(NOW));
    assert_eq!(ring.to_pem().unwrap(), first);

    ring.rotate(SigningKey::generate().unwrap(), at(NOW));
    ring.rotate(key(), at(NOW));
    let jwks: Value = serde_json::from_str(&ring.jwks(at(NOW))).unwrap();
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 2);
    assert_eq!(jwks["keys"][0]["kid"], key().id());
}

#[test]
fn a_ring_holds_a_bounded_number_of_old_keys() {
    let ring = ring();

    for _ in 0..40 {
        ring.rotate(SigningKey::generate().unwrap(), at(NOW));
    }
    let count = |at| {
        let jwks: Value = serde_json::from_str(&ring.jwks(at)).unwrap();
        jwks["keys"].as_array().unwrap().len()
    };

    assert_eq!((count(at(NOW)), count(at(NOW + 300))), (33, 1));
    ring.rotate(SigningKey::generate().unwrap(), at(NOW + 300));
    assert_eq!(count(at(NOW)), 2);
}

#[test]
fn published_keys_have_no_private_member() {
    let ring = ring();
    ring.rotate(SigningKey::generate_ed25519().unwrap(), at(NOW));

    let jwks: Value = serde_json::from_str(&ring.jwks(at(NOW))).unwrap();

    let names: Vec<Vec<_>> = jwks["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| {
            let mut names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
            names.sort_unstable();
            names
        })
        .collect();
    assert_eq!(
        names,
        [
            vec!["alg", "crv", "kid", "kty", "use", "x"],
            vec!["alg", "crv", "kid", "kty", "use", "x", "y"],
        ],
    );
}

#[test]
fn a_saved_ring_is_loaded_unchanged() {
    let ring = ring();
    ring.rotate(SigningKey::generate_ed25519().unwrap(), at(NOW) + Duration::from_millis(1));
    ring.rotate(SigningKey::generate().unwrap(), at(NOW + 10));

    let text = ring.to_pem().unwrap();
    let same = KeyRing::from_pem(&text).unwrap();

    assert_eq!(same.to_pem().unwrap(), text);
    assert_eq!(same.jwks(at(NOW)), ring.jwks(at(NOW)));
    assert_eq!(same.jwks(at(NOW + 300)), ring.jwks(at(NOW + 300)));
    assert_eq!(same.jwks(at(NOW + 310)), ring.jwks(at(NOW + 310)));

    let single = SigningKey::generate().unwrap();
    let pem = single.to_pkcs8_pem().unwrap();
    assert_eq!(KeyRing::from_pem(&pem).unwrap().to_pem().unwrap(), pem);
}

#[test]
fn a_damaged_ring_is_refused() {
    let ring = ring();
    ring.rotate(SigningKey::generate().unwrap(), at(NOW));
    let text = ring.to_pem().unwrap();
    let (private, public) = text.split_once("Trusted-Until: ").unwrap();
    let (until, pem) = public.split_once('\n').unwrap();
    let public = |until: &str| format!("Trusted-Until: {until}\n{pem}");
    let error = |text: &str| KeyRing::from_pem(text).err();

    assert_eq!(error(&text), None);
    assert_eq!(error(&format!("\n{private}\n{}\n", public(until))), None);
    assert_eq!(error(" \n"), Some(KeyRingError::Shape));
    assert_eq!(error(&public(until)), Some(KeyRingError::Shape));
    for until in ["", "x", "-1", "1.5", "99999999999999999999", "18446744073709551615"] {
        let text = format!("{private}{}", public(until));
        assert_eq!(error(&text), Some(KeyRingError::Shape), "{until}");
    }
    assert_eq!(
        error(&format!("{text}{}", public(until))),
        Some(KeyRingError::Twice),
        "an old key twice",
    );
    for text in [format!("{private}{private}"), format!("{text}junk"), format!("{private}{pem}")] {
        assert!(matches!(error(&text), Some(KeyRingError::Key(_))));
    }
}

#[test]
fn a_ring_takes_over_the_keys_of_another_process() {
    let (ours, theirs) = (ring(), ring());
    let (_, jwt) = pair(&ours);
    let (their_issuer, _) = pair(&theirs);
    let token = their_issuer.issue_for(&session(), MINUTE, at(NOW), "t-1").unwrap();
    assert_eq!(reason_at(&jwt, &token, NOW), Some(RefusalReason::TokenSignature));

    ours.replace(&KeyRing::from_pem(&theirs.to_pem().unwrap()).unwrap());

    assert_eq!(reason_at(&jwt, &token, NOW), None);
    assert_eq!(ours.longest_lifetime(), 5 * MINUTE);
}
