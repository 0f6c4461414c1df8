//! A WebAuthn authenticator in software, which can give false answers.
//!
//! The authenticator has one passkey (ES256 or RS256), and answers in the format of `credential.toJSON()` in
//! browsers. A test can change every field of an answer before it is signed, so that the answer is wrong in exactly
//! one place. Start reading at [`SoftPasskey::attestation`].

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// A passkey and its private key.
///
/// # Examples
/// ```
/// use doorward_testkit::SoftPasskey;
/// use serde_json::json;
///
/// let options = json!({
///     "challenge": "AQID", "rp": { "id": "localhost" }, "user": { "id": "BAUG" },
/// });
/// let mut passkey = SoftPasskey::new();
/// let credential = passkey.attestation(&options, "http://localhost:3000").answer(&mut passkey);
/// assert_eq!(credential["type"], "public-key");
/// ```
#[derive(Debug)]
pub struct SoftPasskey {
    /// Credential id: the SHA-256 of the public key.
    pub id: Vec<u8>,
    /// User handle that the server has sent at the registration. Empty before.
    pub user_handle: Vec<u8>,
    /// Signature counter of the last answer. The next answer has a counter that is one higher.
    pub counter: u32,
    key: Key,
}

#[derive(Debug)]
enum Key {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

/// Contents of the response of a passkey, before it is signed. A test changes a field to check that the server
/// rejects the response. [`SoftPasskey`] shows how to get one.
///
/// # Examples
/// ```
/// use doorward_testkit::{SoftAnswer, SoftPasskey};
///
/// fn of_another_page(answer: SoftAnswer, passkey: &mut SoftPasskey) -> serde_json::Value {
///     SoftAnswer { origin: "https://evil.example".into(), ..answer }.answer(passkey)
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SoftAnswer {
    /// Type of the ceremony: `webauthn.create` or `webauthn.get`.
    pub kind: String,
    /// Challenge in base64url, as the server sent it.
    pub challenge: String,
    /// Origin of the page that requests the answer.
    pub origin: String,
    /// Text to insert after the usual members of `clientDataJSON`, such as `,"crossOrigin":true`.
    pub more: String,
    /// Relying party id. Its hash is signed.
    pub rp_id: String,
    /// Authenticator flags: [`USER_PRESENT`], [`USER_VERIFIED`], [`BACKUP_ELIGIBLE`], [`BACKED_UP`].
    pub flags: u8,
    /// Signature counter of this answer.
    pub counter: u32,
    /// User handle in the answer. `None` to leave it out.
    pub user_handle: Option<Vec<u8>>,
    /// COSE algorithm identifier in the attestation of a new key.
    pub algorithm: i64,
    /// Model of the authenticator of a new passkey (AAGUID). All zero if the authenticator does not state its
    /// model.
    pub aaguid: [u8; 16],
    /// Credential id in the answer. `None` for the id of the passkey.
    pub id: Option<Vec<u8>>,
}

/// Flag UP: the user was present (Web Authentication Level 3, section 6.1).
pub const USER_PRESENT: u8 = 1;
/// Flag UV: the authenticator has verified the user, for example with a PIN.
pub const USER_VERIFIED: u8 = 1 << 2;
/// Flag BE: the provider of the passkey may back it up.
pub const BACKUP_ELIGIBLE: u8 = 1 << 3;
/// Flag BS: the passkey is backed up.
pub const BACKED_UP: u8 = 1 << 4;
/// Flag AT: attested credential data with a new key follows.
const ATTESTED: u8 = 1 << 6;

impl SoftPasskey {
    /// Creates a passkey with a new key on the curve P-256 (ES256).
    ///
    /// # Panics
    /// If the cryptography library fails.
    #[must_use]
    pub fn new() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING);
        let key = key.expect("a key can be made");
        let id = digest(&SHA256, key.public_key().as_ref()).as_ref().to_vec();
        Self { id, user_handle: Vec::new(), counter: 0, key: Key::Es256(key) }
    }

    /// Creates a passkey with a new RSA key of 2048 bits (RS256), as authenticators with a TPM do.
    ///
    /// # Panics
    /// If the cryptography library fails.
    #[must_use]
    pub fn rsa() -> Self {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key can be made");
        let id = digest(&SHA256, key.public_key().as_ref()).as_ref().to_vec();
        Self { id, user_handle: Vec::new(), counter: 0, key: Key::Rs256(key) }
    }

    /// Returns the correct answer to the options of a registration.
    pub fn attestation(&self, options: &Value, origin: &str) -> SoftAnswer {
        SoftAnswer {
            kind: "webauthn.create".into(),
            user_handle: Some(decode(&options["user"]["id"])),
            rp_id: text(&options["rp"]["id"]),
            ..self.usual(options, origin)
        }
    }

    /// Returns the correct answer to the options of a sign-in.
    pub fn assertion(&self, options: &Value, origin: &str) -> SoftAnswer {
        SoftAnswer {
            kind: "webauthn.get".into(),
            user_handle: Some(self.user_handle.clone()),
            rp_id: text(&options["rpId"]),
            ..self.usual(options, origin)
        }
    }

    fn usual(&self, options: &Value, origin: &str) -> SoftAnswer {
        SoftAnswer {
            kind: String::new(),
            challenge: text(&options["challenge"]),
            origin: origin.into(),
            more: String::new(),
            rp_id: String::new(),
            flags: USER_PRESENT | USER_VERIFIED,
            counter: self.counter + 1,
            user_handle: None,
            algorithm: match self.key {
                Key::Es256(_) => -7,
                Key::Rs256(_) => -257,
            },
            aaguid: [0; 16],
            id: None,
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.key {
            Key::Es256(key) => {
                key.sign(&SystemRandom::new(), message).expect("it can sign").as_ref().to_vec()
            }
            Key::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
                    .expect("it can sign");
                signature
            }
        }
    }

    fn cose_key(&self, algorithm: i64) -> Vec<u8> {
        match &self.key {
            Key::Es256(key) => {
                // {1: 2, 3: alg, -1: 1, -2: x, -3: y} (RFC 9053, section 7.1.1). The public key begins with the
                // byte 0x04 of an uncompressed point, which COSE does not have.
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                let mut bytes = vec![0xa5, 0x01, 0x02, 0x03];
                append_integer(&mut bytes, algorithm);
                bytes.extend([0x20, 0x01, 0x21, 0x58, 0x20]);
                bytes.extend(x);
                bytes.extend([0x22, 0x58, 0x20]);
                bytes.extend(y);
                bytes
            }
            Key::Rs256(key) => {
                // {1: 3, 3: alg, -1: n, -2: e} (RFC 8230, section 4).
                let public = key.public_key();
                let (n, e) = (public.modulus(), public.exponent());
                let mut bytes = vec![0xa4, 0x01, 0x03, 0x03];
                append_integer(&mut bytes, algorithm);
                bytes.extend([0x20, 0x59, 0x01, 0x00]);
                bytes.extend(n.big_endian_without_leading_zero());
                bytes.extend([0x21, 0x43]);
                bytes.extend(e.big_endian_without_leading_zero());
                bytes
            }
        }
    }
}

/// Appends a negative integer in CBOR (RFC 8949, section 3.1).
fn append_integer(bytes: &mut Vec<u8>, negative: i64) {
    let magnitude = u16::try_from(-1 - negative).expect("algorithms are small numbers");
    match u8::try_from(magnitude) {
        Ok(small @ 0..24) => bytes.push(0x20 | small),
        Ok(byte) => bytes.extend([0x38, byte]),
        Err(_) => {
            bytes.push(0x39);
            bytes.extend(magnitude.to_be_bytes());
        }
    }
}

impl Default for SoftPasskey {
    fn default() -> Self {
        Self::new()
    }
}

impl SoftAnswer {
    /// Signs the answer, and returns it as a browser would. The passkey remembers the counter, and the user handle
    /// of a registration.
    ///
    /// # Panics
    /// If the cryptography library fails.
    #[must_use]
    pub fn answer(self, passkey: &mut SoftPasskey) -> Value {
        let Self { kind, challenge, origin, more, .. } = &self;
        let client_data =
            format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}"{more}}}"#);
        passkey.counter = self.counter;
        let is_new = kind == "webauthn.create";
        let id = self.id.clone().unwrap_or_else(|| passkey.id.clone());
        // Authenticator data: hash of the relying party id, flags, counter (section 6.1).
        let mut data = digest(&SHA256, self.rp_id.as_bytes()).as_ref().to_vec();
        data.push(if is_new { self.flags | ATTESTED } else { self.flags });
        data.extend(self.counter.to_be_bytes());
        let response = if is_new {
            passkey.user_handle = self.user_handle.unwrap_or_default();
            // Attested credential data: AAGUID, length and value of the id, public key (section 6.5.1).
            data.extend(self.aaguid);
            data.extend(u16::try_from(id.len()).expect("ids are short").to_be_bytes());
            data.extend(&id);
            data.extend(passkey.cose_key(self.algorithm));
            // {"fmt": "none", "attStmt": {}, "authData": h'..'}
            let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
            object.extend(u16::try_from(data.len()).expect("it is short").to_be_bytes());
            object.extend(data);
            json!({
                "attestationObject": URL_SAFE_NO_PAD.encode(object),
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
                "transports": ["internal"],
            })
        } else {
            // The signature covers the authenticator data and the hash of the client data (section 6.3.3).
            let mut signed = data.clone();
            signed.extend(digest(&SHA256, client_data.as_bytes()).as_ref());
            let signature = passkey.sign(&signed);
            json!({
                "authenticatorData": URL_SAFE_NO_PAD.encode(data),
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
                "signature": URL_SAFE_NO_PAD.encode(signature),
                "userHandle": self.user_handle.map(|handle| URL_SAFE_NO_PAD.encode(handle)),
            })
        };
        let id = URL_SAFE_NO_PAD.encode(id);
        json!({
            "id": id,
            "rawId": id,
            "response": response,
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "type": "public-key",
        })
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn decode(value: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text(value)).unwrap_or_default()
}
