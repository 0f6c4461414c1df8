//! Forges tokens, and passes them to authenticators.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use doorward_auth::{
    AuthenticateError, Authenticator, Claims, Grant, Handshake, Jwt, Refusal, RefusalReason,
    SigningKey,
};
use doorward_core::{AuthPayload, HandshakeRequest, Headers};
use serde_json::{Value, json};

pub(crate) const SECRET: &str = "4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT";
pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
pub(crate) const ES256: &str = r#"{"alg":"ES256","typ":"at+jwt"}"#;

pub(crate) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Makes an authenticator with the default policy and an HMAC secret.
pub(crate) fn jwt() -> Jwt {
    Jwt::hs256(SECRET).unwrap()
}

/// Key pair of an attacker, which signs any bytes.
pub(crate) struct AnySigner {
    pair: EcdsaKeyPair,
    pub(crate) private_pem: String,
    pub(crate) public_pem: String,
}

impl AnySigner {
    pub(crate) fn generate() -> Self {
        let key = SigningKey::generate().unwrap();
        let pem = key.to_pkcs8_pem().unwrap();
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let pkcs8 = STANDARD.decode(body).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).unwrap();
        Self { pair, private_pem: pem, public_pem: key.public_pem() }
    }

    /// Makes an authenticator of this key with the weakest policy.
    pub(crate) fn jwt(&self) -> Jwt {
        Jwt::es256(&self.public_pem).unwrap().danger_unbound()
    }

    pub(crate) fn sign(&self, message: &str) -> Vec<u8> {
        self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec()
    }

    pub(crate) fn token(&self, header: &str, claims: &str) -> String {
        let signed = signed(header, claims);
        let signature = self.sign(&signed);
        with_signature(&signed, &signature)
    }
}

/// Signs any header and any claims with HMAC-SHA-256.
pub(crate) fn hmac(secret: &[u8], header: &str, claims: &str) -> String {
    hmac_segments(secret, &base64url(header), &base64url(claims))
}

/// Signs any two segments, base64url or not.
pub(crate) fn hmac_segments(secret: &[u8], header: &str, claims: &str) -> String {
    let signed = format!("{header}.{claims}");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    with_signature(&signed, tag.as_ref())
}

/// Returns a token with these claims, signed with [`SECRET`].
pub(crate) fn token(claims: &str) -> String {
    hmac(SECRET.as_bytes(), HS256, claims)
}

pub(crate) fn signed(header: &str, claims: &str) -> String {
    format!("{}.{}", base64url(header), base64url(claims))
}

pub(crate) fn with_signature(signed: &str, signature: &[u8]) -> String {
    format!("{signed}.{}", base64url(signature))
}

pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Returns claims that are accepted.
pub(crate) fn good() -> String {
    json!({"sub": "alice", "exp": NOW + 60}).to_string()
}

/// Returns claims that would be accepted, with the claim `name` added or replaced.
pub(crate) fn with(name: &str, value: impl Into<Value>) -> String {
    let mut claims = json!({"sub": "alice", "exp": NOW + 60});
    claims[name] = value.into();
    claims.to_string()
}

/// Returns claims with `text` as `exp`, even if JSON libraries would not write it.
pub(crate) fn with_exp(text: &str) -> String {
    format!(r#"{{"sub":"alice","exp":{text}}}"#)
}

/// Makes a handshake with this `auth` payload, at [`NOW`].
pub(crate) fn handshake(auth: &str) -> Handshake {
    handshake_at(auth, NOW)
}

pub(crate) fn handshake_at(auth: &str, seconds: u64) -> Handshake {
    handshake_at_time(auth, at(seconds))
}

/// Makes a handshake with this `auth` payload, at this time.
pub(crate) fn handshake_at_time(auth: &str, time: SystemTime) -> Handshake {
    let request = Arc::new(HandshakeRequest::new(Headers::default(), "", None));
    Handshake::new(request, "/", AuthPayload::parse(auth).unwrap(), time)
}

/// Passes a token to an authenticator, at [`NOW`].
pub(crate) fn show<A: Authenticator>(
    authenticator: &A,
    token: &str,
) -> Result<Grant<A::Principal>, Refusal> {
    show_at(authenticator, token, NOW)
}

fn show_at<A: Authenticator>(
    authenticator: &A,
    token: &str,
    seconds: u64,
) -> Result<Grant<A::Principal>, Refusal> {
    let auth = json!({ "token": token }).to_string();
    match ask(authenticator, handshake_at(&auth, seconds)) {
        Ok(grant) => Ok(grant),
        Err(AuthenticateError::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("no dependency could be unavailable: {error:?}"),
    }
}

/// Returns the fault of a token, as in audit records; `None` if it is accepted.
pub(crate) fn fault(jwt: &Jwt, token: &str) -> Option<String> {
    let refusal = show(jwt, token).err()?;
    Some(refusal.fault().map_or_else(|| "not named".to_owned(), |fault| fault.to_string()))
}

/// Returns the reason for refusing a token; `None` if it is accepted.
pub(crate) fn reason(jwt: &Jwt, token: &str) -> Option<RefusalReason> {
    reason_at(jwt, token, NOW)
}

/// Returns the reason for refusing a token at this second.
pub(crate) fn reason_at(jwt: &Jwt, token: &str, seconds: u64) -> Option<RefusalReason> {
    show_at(jwt, token, seconds).err().map(|refusal: Refusal| refusal.reason())
}

/// Returns the claims of a token that must be accepted.
pub(crate) fn accepted(jwt: &Jwt, token: &str) -> Claims {
    show(jwt, token).unwrap().principal
}

/// Polls the authentication once, because the authenticators of this crate do not wait.
pub(crate) fn ask<A: Authenticator>(
    authenticator: &A,
    handshake: Handshake,
) -> Result<Grant<A::Principal>, AuthenticateError> {
    let future = pin!(authenticator.authenticate(handshake));
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("the authenticator waits"),
    }
}
