//! Accepts sound keys and secrets, and rejects all others.

use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};

use super::*;
use crate::key::{algorithm::P256, signing::SigningKey};

/// Attack 23.
#[test]
fn a_secret_that_can_be_guessed_is_refused() {
    let error = |secret: &[u8]| VerifyingKey::secret(Algorithm::Hs256, secret).err();
    let short = |bytes| KeyError::SecretTooShort { algorithm: "HS256", bytes, needed: 32 };

    assert_eq!(error(b""), Some(short(0)));
    assert_eq!(error(b"secret"), Some(short(6)));
    assert_eq!(error(&SECRET.as_bytes()[1..]), Some(short(31)));
    assert_eq!(error(&[0; 32]), Some(KeyError::SecretRepeats));
    assert_eq!(error(&[b'a'; 64]), Some(KeyError::SecretRepeats));
    assert_eq!(error(SECRET.as_bytes()), None);
}

/// Attack 2: an operator configures a public key as a secret.
#[test]
fn a_key_file_is_rejected_as_a_secret() {
    let key = SigningKey::generate().unwrap();
    let indented = format!("\n  {}", key.public_pem());

    for text in [&key.public_pem(), &indented, &key.to_pkcs8_pem().unwrap()] {
        assert_eq!(
            VerifyingKey::secret(Algorithm::Hs256, text.as_bytes()).err(),
            Some(KeyError::SecretIsPem)
        );
    }
}

#[test]
fn a_public_key_made_by_openssl_is_accepted() {
    let text = "-----BEGIN PUBLIC KEY-----\n\
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n\
        6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n\
        -----END PUBLIC KEY-----\n";

    let key = VerifyingKey::public_pem(Algorithm::Es256, text).unwrap();

    assert_eq!(key.algorithm(), Algorithm::Es256);
}

#[test]
fn text_that_is_not_a_public_key_is_rejected() {
    let key = SigningKey::generate().unwrap();
    let certificate = key.public_pem().replace("PUBLIC KEY", "CERTIFICATE");

    for text in ["", "secret", &certificate, &key.to_pkcs8_pem().unwrap()] {
        assert_eq!(
            VerifyingKey::public_pem(Algorithm::Es256, text).err(),
            Some(KeyError::NotPublicKeyPem),
            "{text}"
        );
    }
}

#[test]
fn a_key_of_another_curve_or_none_is_refused() {
    let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let p384: PublicKeyX509Der<'_> = p384.public_key().as_der().unwrap();
    let off_curve = [P256.spki_prefix, &[4], &[7; 64]].concat();
    let infinity = [P256.spki_prefix, &[0]].concat();
    let mut trailing =
        pem::decode(PUBLIC_KEY, &SigningKey::generate().unwrap().public_pem()).unwrap();
    trailing.push(0);

    for der in [p384.as_ref(), &off_curve, &infinity, &trailing, P256.spki_prefix, &[]] {
        let text = pem::encode(PUBLIC_KEY, der);
        assert_eq!(
            VerifyingKey::public_pem(Algorithm::Es256, &text).err(),
            Some(KeyError::NotP256),
            "{text}"
        );
    }
}

#[test]
fn the_cryptography_library_passes_its_self_test() {
    assert_eq!(self_test::run(), Ok(()));
}

/// Attack 100.
#[test]
fn debug_prints_no_secret() {
    let key = VerifyingKey::secret(Algorithm::Hs256, SECRET.as_bytes()).unwrap();

    assert_eq!(format!("{key:?}"), "HS256([redacted])");
}

const SECRET: &str = "4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT";
