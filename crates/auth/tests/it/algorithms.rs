//! Uses every algorithm with genuine keys. A key verifies signatures of one algorithm only.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
        ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
        KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
        RSA_PSS_SHA384, RSA_PSS_SHA512, RsaKeyPair, RsaSignatureEncoding,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use doorward_auth::{Jwt, KeyError, RefusalReason, UnboundJwt};
use serde_json::json;

use crate::forge::{good, reason, signed, with_signature};

const SECRET: &str = "kq0wC4nYb7Gd2sVfR8xJ5hZt1mLp9aQe3UoXiTz6EvBnSrMyWgKjHcDfAu-_P4lO";

type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;
type FromPem = fn(&str) -> Result<UnboundJwt, KeyError>;

/// Issuer with a genuine key, and the authenticator that trusts the key.
struct Party {
    name: &'static str,
    jwt: Jwt,
    sign: Sign,
}

impl Party {
    fn token(&self, algorithm: &str) -> String {
        let signed = signed(&json!({ "alg": algorithm }).to_string(), &good());
        let signature = (self.sign)(signed.as_bytes());
        with_signature(&signed, &signature)
    }
}

fn hmac_party(
    name: &'static str,
    hash: hmac::Algorithm,
    make: fn(&'static str) -> Result<Jwt, KeyError>,
) -> Party {
    let key = hmac::Key::new(hash, SECRET.as_bytes());
    let sign = Box::new(move |message: &[u8]| hmac::sign(&key, message).as_ref().to_vec());
    Party { name, jwt: make(SECRET).unwrap(), sign }
}

fn ecdsa_party(
    name: &'static str,
    algorithm: &'static EcdsaSigningAlgorithm,
    make: FromPem,
) -> Party {
    let pair = EcdsaKeyPair::generate(algorithm).unwrap();
    let jwt = make(&pem(pair.public_key())).unwrap().danger_unbound();
    let sign = Box::new(move |message: &[u8]| {
        pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    });
    Party { name, jwt, sign }
}

fn ed25519_party() -> Party {
    let pair = Ed25519KeyPair::generate().unwrap();
    let jwt = Jwt::eddsa(&pem(pair.public_key())).unwrap().danger_unbound();
    Party {
        name: "EdDSA",
        jwt,
        sign: Box::new(move |message| pair.sign(message).as_ref().to_vec()),
    }
}

/// All six parties use the same key, so they differ only in the algorithm.
fn rsa_parties() -> Vec<Party> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let pkcs8 = pkcs8.as_ref().to_vec();
    let pem = pem(pair.public_key());
    let all: [(_, &'static RsaSignatureEncoding, FromPem); 6] = [
        ("RS256", &RSA_PKCS1_SHA256, Jwt::rs256),
        ("RS384", &RSA_PKCS1_SHA384, Jwt::rs384),
        ("RS512", &RSA_PKCS1_SHA512, Jwt::rs512),
        ("PS256", &RSA_PSS_SHA256, Jwt::ps256),
        ("PS384", &RSA_PSS_SHA384, Jwt::ps384),
        ("PS512", &RSA_PSS_SHA512, Jwt::ps512),
    ];
    let party = |(name, encoding, make): (_, &'static RsaSignatureEncoding, FromPem)| {
        let pair = RsaKeyPair::from_pkcs8(&pkcs8).unwrap();
        let sign: Sign = Box::new(move |message: &[u8]| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(encoding, &SystemRandom::new(), message, &mut signature).unwrap();
            signature
        });
        Party { name, jwt: make(&pem).unwrap().danger_unbound(), sign }
    };
    all.into_iter().map(party).collect()
}

fn parties() -> Vec<Party> {
    let mut parties = vec![
        hmac_party("HS256", hmac::HMAC_SHA256, Jwt::hs256),
        hmac_party("HS384", hmac::HMAC_SHA384, Jwt::hs384),
        hmac_party("HS512", hmac::HMAC_SHA512, Jwt::hs512),
        ecdsa_party("ES256", &ECDSA_P256_SHA256_FIXED_SIGNING, Jwt::es256),
        ecdsa_party("ES384", &ECDSA_P384_SHA384_FIXED_SIGNING, Jwt::es384),
        ecdsa_party("ES512", &ECDSA_P521_SHA512_FIXED_SIGNING, Jwt::es512),
        ed25519_party(),
    ];
    parties.extend(rsa_parties());
    parties
}

fn pem<'a, K: AsDer<PublicKeyX509Der<'a>>>(key: &K) -> String {
    let body = STANDARD.encode(key.as_der().unwrap().as_ref());
    format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
}

#[test]
fn every_algorithm_accepts_its_own_tokens() {
    for party in parties() {
        assert_eq!(reason(&party.jwt, &party.token(party.name)), None, "{}", party.name);
    }
}

/// RFC 9864 gives `EdDSA` with the curve Ed25519 the name `Ed25519`.
#[test]
fn a_token_of_ed25519_has_either_name() {
    let party = ed25519_party();

    for name in ["EdDSA", "Ed25519"] {
        assert_eq!(reason(&party.jwt, &party.token(name)), None, "{name}");
    }
    for name in ["Ed448", "ed25519", "ED25519", "ES256"] {
        assert_eq!(reason(&party.jwt, &party.token(name)), Some(RefusalReason::TokenHeader));
    }
}

/// Attack 3: each signature is genuine, but made for another algorithm.
#[test]
fn no_algorithm_replaces_another() {
    let parties = parties();
    for verifier in &parties {
        for issuer in parties.iter().filter(|issuer| issuer.name != verifier.name) {
            let names = format!("{} to {}", issuer.name, verifier.name);
            let honest = reason(&verifier.jwt, &issuer.token(issuer.name));
            let disguised = reason(&verifier.jwt, &issuer.token(verifier.name));

            assert_eq!(honest, Some(RefusalReason::TokenHeader), "{names}");
            assert_eq!(disguised, Some(RefusalReason::TokenSignature), "{names}");
        }
    }
}

/// Attack 3: the key determines the algorithm, so a key of another kind is rejected when it is
/// loaded.
#[test]
fn a_key_of_another_kind_is_refused() {
    let p256 = pem(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap().public_key());
    let p384 = pem(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap().public_key());
    let p521 = pem(EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap().public_key());
    let ed25519 = pem(Ed25519KeyPair::generate().unwrap().public_key());
    let rsa = pem(RsaKeyPair::generate(KeySize::Rsa2048).unwrap().public_key());

    for other in [&p384, &p521, &ed25519, &rsa] {
        assert_eq!(Jwt::es256(other).err(), Some(KeyError::NotP256));
    }
    for other in [&p256, &p521, &ed25519, &rsa] {
        assert_eq!(Jwt::es384(other).err(), Some(KeyError::NotP384));
    }
    for other in [&p256, &p384, &ed25519, &rsa] {
        assert_eq!(Jwt::es512(other).err(), Some(KeyError::NotP521));
    }
    for other in [&p256, &p384, &p521, &rsa] {
        assert_eq!(Jwt::eddsa(other).err(), Some(KeyError::NotEd25519));
    }
    for other in [&p256, &p384, &p521, &ed25519] {
        assert_eq!(Jwt::rs256(other).err(), Some(KeyError::NotRsa));
        assert_eq!(Jwt::ps512(other).err(), Some(KeyError::NotRsa));
    }
}

/// Attack 21.
#[test]
fn a_signature_that_was_cut_or_lengthened_is_refused() {
    for party in parties() {
        let token = party.token(party.name);
        let (signed, _) = token.rsplit_once('.').unwrap();
        let signature = (party.sign)(signed.as_bytes());
        let (longer, shorter) = ([&signature[..], &[0]].concat(), &signature[1..]);

        for wrong in [&longer[..], shorter, &[0], &vec![0; signature.len()]] {
            let reason = reason(&party.jwt, &with_signature(signed, wrong));
            assert_eq!(reason, Some(RefusalReason::TokenSignature), "{}", party.name);
        }
    }
}

/// Attack 23.
#[test]
fn a_secret_is_as_long_as_its_hash() {
    for (make, algorithm, needed) in [
        (Jwt::hs256 as fn(&'static [u8]) -> _, "HS256", 32),
        (Jwt::hs384, "HS384", 48),
        (Jwt::hs512, "HS512", 64),
    ] {
        let bytes = needed - 1;
        let error = make(&SECRET.as_bytes()[..bytes]).unwrap_err();
        assert_eq!(error, KeyError::SecretTooShort { algorithm, bytes, needed });
        assert_eq!(
            error.to_string(),
            format!(
                "the secret has {bytes} bytes and {algorithm} needs {needed}: \
                 make one with `openssl rand -base64 {needed}`"
            )
        );
        assert!(make(&SECRET.as_bytes()[..needed]).is_ok());
    }
}

/// Each error contains advice, and none contains the key.
#[test]
fn the_error_of_a_key_gives_advice_and_never_the_key() {
    let secret = "hunter2-hunter2-hunter2-hunter2-";
    let weak = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let p256 = pem(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap().public_key());
    let rsa = pem(weak.public_key());
    for (error, advice) in [
        (Jwt::hs256(secret).unwrap_err(), "openssl rand -base64"),
        (Jwt::hs256("changeme".repeat(4)).unwrap_err(), "openssl rand -base64"),
        (Jwt::hs256(&p256).unwrap_err(), "Jwt::rs256"),
        (Jwt::es256(secret).err().unwrap(), "openssl pkey -in FILE -pubout"),
        (Jwt::es256(&rsa).err().unwrap(), "openssl genpkey -algorithm EC"),
        (Jwt::eddsa(&rsa).err().unwrap(), "openssl genpkey -algorithm ed25519"),
        (Jwt::rs256(&p256).err().unwrap(), "openssl genpkey -algorithm RSA"),
    ] {
        let text = error.to_string();
        assert!(text.contains(advice), "{text}");
        assert!(
            !text.contains("hunter2") && !text.contains("MFk") && !text.contains("MII"),
            "{text}"
        );
    }
}
