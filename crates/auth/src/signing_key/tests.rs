//! Key pairs that are written down and read back.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};

use super::*;

#[test]
fn a_key_survives_being_written_down() {
    let key = SigningKey::generate().unwrap();

    let same = SigningKey::from_pkcs8_pem(&key.to_pkcs8_pem().unwrap()).unwrap();

    assert_eq!(key.public_pem(), same.public_pem());
}

#[test]
fn the_public_key_is_written_as_the_cryptography_library_would() {
    let key = SigningKey::generate().unwrap();
    let der: PublicKeyX509Der<'_> = key.pair.public_key().as_der().unwrap();

    assert_eq!(key.public_pem(), pem::encode(PUBLIC_KEY, der.as_ref()));
}

#[test]
fn text_that_is_no_private_key_is_refused() {
    let key = SigningKey::generate().unwrap();
    let pem = key.to_pkcs8_pem().unwrap();
    let sec1 = pem.replace("PRIVATE KEY", "EC PRIVATE KEY");
    let encrypted = pem.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let damaged = pem::encode(PRIVATE_KEY, b"no key");

    let error = |text: &str| SigningKey::from_pkcs8_pem(text).err();

    for text in ["", &sec1, &encrypted, &key.public_pem()] {
        assert_eq!(error(text), Some(KeyError::NotPrivateKeyPem));
    }
    assert_eq!(error(&damaged), Some(KeyError::NotP256));
}

/// Attack 100.
#[test]
fn debug_prints_no_key() {
    let key = SigningKey::generate().unwrap();

    assert_eq!(format!("{key:?}"), "SigningKey([redacted])");
}
