//! Asks the cryptography library questions whose answers are known.
//!
//! The vectors are the examples A.1 and A.3 of RFC 7515. It runs whenever a key is made, which is
//! when a server starts, and takes a fraction of a millisecond.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;

use super::{KeyError, SignatureAlgorithm, VerifyingKey};

/// Runs every known-answer test.
pub(super) fn run() -> Result<(), KeyError> {
    let passed = hs256().zip(es256()).is_some_and(|(hs256, es256)| hs256 && es256);
    if passed { Ok(()) } else { Err(KeyError::Library) }
}

fn hs256() -> Option<bool> {
    let key = DecodingKey::from_secret(&bytes(HS256_SECRET)?);
    let key = VerifyingKey { algorithm: SignatureAlgorithm::Hs256, key };
    answers_are_right(&key, HS256_HEADER, HS256_SIGNATURE)
}

fn es256() -> Option<bool> {
    let point = [vec![4], bytes(ES256_X)?, bytes(ES256_Y)?].concat();
    answers_are_right(&VerifyingKey::p256(&point), ES256_HEADER, ES256_SIGNATURE)
}

/// The right signature over the right message is good; over another message it is not.
fn answers_are_right(key: &VerifyingKey, header: &str, signature: &str) -> Option<bool> {
    let signature = bytes(signature)?;
    let right = key.verify(format!("{header}.{CLAIMS}").as_bytes(), &signature);
    let wrong = key.verify(format!("{header}.{CLAIMS}A").as_bytes(), &signature);
    Some(right && !wrong)
}

fn bytes(base64url: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(base64url).ok()
}

const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

const HS256_HEADER: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9";
const HS256_SECRET: &str =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
const HS256_SIGNATURE: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

const ES256_HEADER: &str = "eyJhbGciOiJFUzI1NiJ9";
const ES256_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const ES256_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
const ES256_SIGNATURE: &str =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
