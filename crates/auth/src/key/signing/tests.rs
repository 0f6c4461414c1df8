//! Saves key pairs and loads them again.

use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair},
};

use super::*;
use crate::key::verifying::PUBLIC_KEY;

#[test]
fn a_saved_key_is_loaded_unchanged() {
    for key in [SigningKey::generate().unwrap(), SigningKey::generate_ed25519().unwrap()] {
        let same = SigningKey::from_pkcs8_pem(&key.to_pkcs8_pem().unwrap()).unwrap();

        assert_eq!(key.public_pem(), same.public_pem());
        assert_eq!(key.id(), same.id());
        assert!(same.public().verifying().verify(b"a", &key.sign(b"a").unwrap()));
    }
}

#[test]
fn the_public_key_is_written_as_the_cryptography_library_would() {
    for key in [SigningKey::generate().unwrap(), SigningKey::generate_ed25519().unwrap()] {
        let der: PublicKeyX509Der<'_> = match &key.pair {
            Pair::Ecdsa(pair) => pair.public_key().as_der().unwrap(),
            Pair::Ed25519(pair) => pair.public_key().as_der().unwrap(),
        };

        assert_eq!(key.public_pem(), pem::encode(PUBLIC_KEY, der.as_ref()));
    }
}

/// The private key (RFC 8410 section 10.3) has the format that `openssl genpkey -algorithm ed25519`
/// writes.
#[test]
fn a_key_of_openssl_is_accepted() {
    let private = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";

    let key = SigningKey::from_pkcs8_pem(private).unwrap();

    assert!(
        key.public_pem().contains("MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=")
    );
}

/// The key and its thumbprint are from RFC 8037 appendix A.3.
#[test]
fn the_name_of_a_key_is_its_thumbprint() {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let x = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, x).unwrap();

    let key = PublicKey::new(PublicKeyKind::Ed25519, &x).unwrap();

    assert_eq!(key.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn text_that_is_not_a_private_key_is_refused() {
    let key = SigningKey::generate().unwrap();
    let pem = key.to_pkcs8_pem().unwrap();
    let sec1 = pem.replace("PRIVATE KEY", "EC PRIVATE KEY");
    let encrypted = pem.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let damaged = pem::encode(PRIVATE_KEY, b"no key");

    let error = |text: &str| SigningKey::from_pkcs8_pem(text).err();

    for text in ["", &sec1, &encrypted, &key.public_pem()] {
        assert_eq!(error(text), Some(KeyError::NotPrivateKeyPem));
    }
    let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let p384 = pem::encode(PRIVATE_KEY, p384.to_pkcs8v1().unwrap().as_ref());
    for text in [&damaged, &p384] {
        assert_eq!(error(text), Some(KeyError::NotSigningKey));
    }
}

/// Attack 100.
#[test]
fn debug_prints_no_key() {
    let key = SigningKey::generate().unwrap();

    assert_eq!(format!("{key:?}"), "SigningKey([redacted])");
}
