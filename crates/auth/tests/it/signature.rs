//! Refuses signatures that were not made with the trusted key.

use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use doorward_auth::{Jwt, RefusalReason};
use serde_json::json;

use crate::forge::{
    AnySigner, ES256, HS256, SECRET, base64url, good, hmac, jwt, reason, signed, token,
    with_signature,
};

/// Attack 2: the public key is public, so it must never serve as a secret.
#[test]
fn a_public_key_is_not_a_secret() {
    let signer = AnySigner::generate();
    let pem = &signer.public_pem;
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(&body).unwrap();
    let point = &der[26..];
    let jwk = json!({
        "kty": "EC", "crv": "P-256", "x": base64url(&point[1..33]), "y": base64url(&point[33..]),
    });

    for secret in [
        pem.as_bytes(),
        pem.trim().as_bytes(),
        body.as_bytes(),
        &der,
        point,
        jwk.to_string().as_bytes(),
    ] {
        let as_hmac = hmac(secret, HS256, &good());
        let as_own = hmac(secret, ES256, &good());

        assert_eq!(reason(&signer.jwt(), &as_hmac), Some(RefusalReason::TokenHeader));
        assert_eq!(reason(&signer.jwt(), &as_own), Some(RefusalReason::TokenSignature));
    }
}

#[test]
fn the_signature_of_another_key_is_refused() {
    let (signer, other) = (AnySigner::generate(), AnySigner::generate());

    assert_eq!(
        reason(&signer.jwt(), &other.token(ES256, &good())),
        Some(RefusalReason::TokenSignature),
    );
    assert_eq!(
        reason(&jwt(), &hmac(b"another-secret-of-thirty-two-byte", HS256, &good())),
        Some(RefusalReason::TokenSignature),
    );
}

#[test]
fn the_signature_of_other_claims_is_refused() {
    let genuine = token(&good());
    let (_, signature) = genuine.rsplit_once('.').unwrap();
    let forged = signed(HS256, &good().replace("alice", "admin"));

    assert_eq!(
        reason(&jwt(), &format!("{forged}.{signature}")),
        Some(RefusalReason::TokenSignature),
    );
}

/// Attack 21.
#[test]
fn a_signature_of_another_length_is_refused() {
    let signer = AnySigner::generate();
    let ours = signed(ES256, &good());
    let signature = signer.sign(&ours);

    assert_eq!(reason(&signer.jwt(), &with_signature(&ours, &signature)), None);
    for wrong in
        [&signature[..63], &signature[..32], &signature[..1], &[&signature[..], &[0]].concat()]
    {
        assert_eq!(
            reason(&signer.jwt(), &with_signature(&ours, wrong)),
            Some(RefusalReason::TokenSignature),
        );
    }
    assert_eq!(
        reason(&signer.jwt(), &with_signature(&ours, &[])),
        Some(RefusalReason::TokenMalformed),
    );

    let mut cut = token(&good());
    while cut.pop().is_some() {
        assert!(reason(&jwt(), &cut).is_some(), "{cut}");
    }
}

/// Attack 21.
#[test]
fn numbers_out_of_range_are_not_a_signature() {
    let signer = AnySigner::generate();
    let ours = signed(ES256, &good());
    let genuine = signer.sign(&ours);
    let (zero, one) = ([0; 32], [&[0; 31][..], &[1]].concat());

    for (r, s) in [
        (&zero[..], &zero[..]),
        (&zero, &one),
        (&one, &zero),
        (&one, &one),
        (&ORDER, &ORDER),
        (&ORDER, &one),
        (&one, &ORDER),
        (&ORDER, &genuine[32..]),
        (&genuine[..32], &ORDER),
        (&genuine[..32], &zero),
        (&zero, &genuine[32..]),
        (&[0xff; 32], &[0xff; 32]),
    ] {
        let token = with_signature(&ours, &[r, s].concat());
        assert_eq!(reason(&signer.jwt(), &token), Some(RefusalReason::TokenSignature));
    }
}

/// Attack 21.
#[test]
fn a_genuine_signature_in_der_is_refused() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let pkcs8 = pair.to_pkcs8v1().unwrap();
    let der_pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref()).unwrap();
    let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----",
        STANDARD.encode(spki.as_ref()),
    );
    let jwt = Jwt::es256(&pem).unwrap().danger_unbound();
    let ours = signed(ES256, &good());
    let random = SystemRandom::new();

    let der = der_pair.sign(&random, ours.as_bytes()).unwrap();
    let raw = pair.sign(&random, ours.as_bytes()).unwrap();

    let der = reason(&jwt, &with_signature(&ours, der.as_ref()));
    let raw = reason(&jwt, &with_signature(&ours, raw.as_ref()));
    assert_eq!(der, Some(RefusalReason::TokenSignature));
    assert_eq!(raw, None);
}

/// An empty secret, zeros and a prefix of the secret are not the key.
#[test]
fn a_token_signed_with_nothing_is_refused() {
    for secret in [&b""[..], &[0; 32], &[0; 64], &SECRET.as_bytes()[..31]] {
        let token = hmac(secret, HS256, &good());
        assert_eq!(reason(&jwt(), &token), Some(RefusalReason::TokenSignature));
    }
}

/// Order of the curve P-256. The two numbers of a signature are smaller.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
