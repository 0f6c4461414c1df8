//! Runs known-answer tests on the cryptography library.
//!
//! The test vectors are the examples A.1 and A.3 of RFC 7515, and A.4 of RFC 8037. The tests run
//! once per process, when the first key is loaded, and take a fraction of a millisecond.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::{
    hmac,
    signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::key::{error::KeyError, material::Material};

/// Runs all known-answer tests on the first call, and returns their result on every call.
pub(super) fn run() -> Result<(), KeyError> {
    static PASSED: OnceLock<bool> = OnceLock::new();
    // A failure is final for the process.
    let all = || [hs256(), es256(), ed25519()].iter().all(|passed| *passed == Some(true));
    if *PASSED.get_or_init(all) { Ok(()) } else { Err(KeyError::Library) }
}

fn hs256() -> Option<bool> {
    let secret = Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &bytes(HS256_SECRET)?));
    let signed = format!("{HS256_HEADER}.{CLAIMS}");
    answers_are_right(&Material::Secret(secret), &signed, HS256_SIGNATURE)
}

fn es256() -> Option<bool> {
    let point = [vec![4], bytes(ES256_X)?, bytes(ES256_Y)?].concat();
    let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()?;
    let signed = format!("{ES256_HEADER}.{CLAIMS}");
    answers_are_right(&Material::Public(public), &signed, ES256_SIGNATURE)
}

fn ed25519() -> Option<bool> {
    let public = ParsedPublicKey::new(&ED25519, bytes(ED25519_X)?).ok()?;
    answers_are_right(&Material::Public(public), ED25519_SIGNED, ED25519_SIGNATURE)
}

/// Returns `true` if `key` accepts the signature for `message` and rejects it for another message.
/// Returns `None` if the signature is not base64url.
fn answers_are_right(key: &Material, message: &str, signature: &str) -> Option<bool> {
    let signature = bytes(signature)?;
    let right = key.verify(message.as_bytes(), &signature);
    let wrong = key.verify(format!("{message}A").as_bytes(), &signature);
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

const ED25519_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const ED25519_SIGNED: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
const ED25519_SIGNATURE: &str =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
