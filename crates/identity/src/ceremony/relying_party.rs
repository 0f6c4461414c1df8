//! Creates WebAuthn requests, and verifies the answers of authenticators.
//!
//! The rules are those of Web Authentication Level 3, sections 7.1 and 7.2. webauthn-rs enforces most of them, and this
//! module enforces the rest. Passkeys must be discoverable, and the authenticator must verify the user. Backup
//! eligibility may change from no to yes, because password managers import passkeys that were created on a device. The
//! specification does not foresee this change. Other modules check the owner of a passkey, and that each ceremony is
//! answered once. Start reading at [`RelyingParty::start_registration`].

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use doorward_core::{CredentialId, Fault, Part, Problem};
use serde_json::{Value, json};
use webauthn_rs::prelude::{
    CredentialID, DiscoverableAuthentication, DiscoverableKey, Passkey, PasskeyRegistration,
    PublicKeyCredential, RegisterPublicKeyCredential, Url, Uuid, Webauthn, WebauthnBuilder,
    WebauthnError,
};
use webauthn_rs_core::proto::{AllowCredentials, ResidentKeyRequirement};

use super::{client_data::CeremonyChallenge, table};
use crate::build_error::BuildError;

/// Relying party, which is the role of the server in WebAuthn.
pub(crate) struct RelyingParty {
    webauthn: Webauthn,
    /// Passkey that is verified in place of an unknown passkey, so that verification takes the same time.
    decoy: Passkey,
}

/// Started ceremony. It consists of the request to an authenticator, and the state that is needed to verify the answer.
pub(crate) struct Started<S> {
    /// Options that the page passes to `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.
    pub(crate) options: Value,
    pub(crate) challenge: CeremonyChallenge,
    pub(crate) state: S,
}

/// Passkey of a valid answer, which is either new or has its state after the sign-in.
pub(crate) struct Shown {
    pub(crate) id: CredentialId,
    /// Value of [`PasskeyRecord::key`](doorward_core::PasskeyRecord::key) after the ceremony.
    pub(crate) key: Box<[u8]>,
    /// `true` if the provider keeps a backup of the passkey.
    pub(crate) is_synced: bool,
}

/// Reason why an answer is invalid, as far as audit records distinguish reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerError {
    /// The signature counter did not increase, so the authenticator may have been cloned.
    Cloned,
    /// The passkey was eligible for backup, and the answer states that it is not.
    Downgraded,
    /// The answer is invalid. The value is the part at fault, if it is known.
    Invalid(Option<Fault>),
}

impl RelyingParty {
    /// Creates a relying party with an id such as `example.org`, for pages of `origins`. The first origin is that of
    /// the server's own pages, and its host must be `id` or a subdomain of `id`.
    pub(crate) fn new(id: &str, name: &str, origins: &[Box<str>]) -> Result<Self, BuildError> {
        let urls: Result<Vec<Url>, _> = origins.iter().map(|origin| Url::parse(origin)).collect();
        let urls = urls.map_err(|_malformed| BuildError::RelyingParty)?;
        let (own, others) = urls.split_first().ok_or(BuildError::RelyingParty)?;
        let builder = WebauthnBuilder::new(id, own).map_err(|_foreign| BuildError::RelyingParty)?;
        let builder = builder.rp_name(name).timeout(table::LIFETIME);
        let builder = others.iter().fold(builder, WebauthnBuilder::append_allowed_origin);
        let webauthn = builder.build().map_err(|_misconfigured| BuildError::RelyingParty)?;
        Ok(Self { webauthn, decoy: decoy()? })
    }

    /// Creates a request for a new passkey of an account. An authenticator that holds one of the passkeys `exclude`
    /// rejects the request. Returns `None` if the library fails.
    pub(crate) fn start_registration(
        &self,
        account: Uuid,
        name: &str,
        display_name: &str,
        exclude: &[CredentialId],
    ) -> Option<Started<PasskeyRegistration>> {
        let exclude = exclude.iter().map(|id| CredentialID::from(id.as_bytes())).collect();
        let started =
            self.webauthn.start_passkey_registration(account, name, display_name, Some(exclude));
        let (mut response, state) = started.map_err(|error| log(&error)).ok()?;
        if let Some(wanted) = &mut response.public_key.authenticator_selection {
            // The library does not require discoverable passkeys by default. A sign-in without a user name needs them.
            wanted.resident_key = Some(ResidentKeyRequirement::Required);
            wanted.require_resident_key = true;
        }
        let challenge = CeremonyChallenge::new(&response.public_key.challenge);
        let options = serde_json::to_value(response.public_key).ok()?;
        Some(Started { options, challenge, state })
    }

    /// Verifies the answer to [`start_registration`](Self::start_registration), and returns the new passkey.
    pub(crate) fn finish_registration(
        &self,
        answer: &RegisterPublicKeyCredential,
        state: &PasskeyRegistration,
    ) -> Result<Shown, AnswerError> {
        let passkey =
            self.webauthn.finish_passkey_registration(answer, state).map_err(answer_error)?;
        shown(&passkey)
    }

    /// Creates a request to sign in with one of the passkeys `allowed`, or with any passkey if `allowed` is empty.
    /// Returns `None` if the library fails.
    pub(crate) fn start_authentication(
        &self,
        allowed: &[CredentialId],
    ) -> Option<Started<DiscoverableAuthentication>> {
        let started = self.webauthn.start_discoverable_authentication();
        let (mut response, state) = started.map_err(|error| log(&error)).ok()?;
        response.public_key.allow_credentials = allowed.iter().map(allow).collect();
        let challenge = CeremonyChallenge::new(&response.public_key.challenge);
        let options = serde_json::to_value(response.public_key).ok()?;
        Some(Started { options, challenge, state })
    }

    /// Verifies the answer to [`start_authentication`](Self::start_authentication) with the stored `key`, and returns
    /// the updated passkey. If `key` is `None` or unreadable, verifies the answer with a decoy key, which takes the
    /// same time, and fails.
    pub(crate) fn finish_authentication(
        &self,
        answer: &PublicKeyCredential,
        state: DiscoverableAuthentication,
        key: Option<&[u8]>,
    ) -> Result<Shown, AnswerError> {
        let known = key.and_then(|key| {
            let read = serde_json::from_slice::<Passkey>(key);
            read.inspect_err(|error| tracing::error!(%error, "A stored passkey is not readable."))
                .ok()
        });
        let (is_known, stored) = match known {
            Some(passkey) => (true, passkey),
            None => (false, self.decoy_for(&answer.raw_id)?),
        };
        let (was_eligible, mut passkey) = with_eligibility_of(answer, &stored)?;
        let candidate = DiscoverableKey::from(&passkey);
        let result = self.webauthn.finish_discoverable_authentication_v2(answer, state, candidate);
        let result = result.map_err(answer_error)?;
        if !is_known {
            return Err(AnswerError::Invalid(None));
        }
        if was_eligible && !result.backup_eligible() {
            return Err(AnswerError::Downgraded);
        }
        passkey.update_credential(&result);
        shown(&passkey)
    }

    /// Returns a copy of the decoy passkey that has the credential id `id` of the client's answer.
    fn decoy_for(&self, id: &[u8]) -> Result<Passkey, AnswerError> {
        let named = || -> Option<Passkey> {
            let mut decoy = serde_json::to_value(&self.decoy).ok()?;
            decoy["cred"]["cred_id"] = json!(CredentialId::new(id).encode());
            serde_json::from_value(decoy).ok()
        };
        named().ok_or(AnswerError::Invalid(None))
    }
}

/// Returns the stored backup eligibility of a passkey, and a copy of the passkey with the eligibility that the answer
/// states.
///
/// The library would reject every change of the eligibility before it verifies the signature. With the returned copy,
/// the library verifies the signature first. The caller checks the change afterwards, when the answer is known to be
/// authentic.
fn with_eligibility_of(
    answer: &PublicKeyCredential,
    stored: &Passkey,
) -> Result<(bool, Passkey), AnswerError> {
    let read = || -> Option<(bool, Passkey)> {
        let mut written = serde_json::to_value(stored).ok()?;
        let was_eligible = written["cred"]["backup_eligible"].as_bool()?;
        let flags = answer.response.authenticator_data.get(FLAGS)?;
        written["cred"]["backup_eligible"] = json!(flags & BACKUP_ELIGIBLE != 0);
        Some((was_eligible, serde_json::from_value(written).ok()?))
    };
    let malformed =
        Fault::new(Part::Member, "credential.response.authenticatorData", Problem::Malformed);
    read().ok_or(AnswerError::Invalid(Some(malformed)))
}

/// Returns the descriptor of a passkey for the options. It has no transports, because a made-up passkey has none.
fn allow(id: &CredentialId) -> AllowCredentials {
    AllowCredentials { type_: "public-key".into(), id: id.as_bytes().into(), transports: None }
}

fn shown(passkey: &Passkey) -> Result<Shown, AnswerError> {
    let written =
        serde_json::to_value(passkey).map_err(|_unwritable| AnswerError::Invalid(None))?;
    let is_synced = written["cred"]["backup_state"].as_bool().unwrap_or(false);
    let key = written.to_string().into_bytes().into();
    let id: &[u8] = passkey.cred_id().as_ref();
    // The library does not check that the id is not empty and has at most 1023 bytes (Web Authentication Level 3,
    // section 7.1).
    let id = CredentialId::checked(id).ok_or(AnswerError::Invalid(None))?;
    Ok(Shown { id, key, is_synced })
}

fn answer_error(error: WebauthnError) -> AnswerError {
    match error {
        WebauthnError::CredentialPossibleCompromise => AnswerError::Cloned,
        error => {
            tracing::debug!(%error, "A passkey was not accepted.");
            AnswerError::Invalid(fault(&error))
        }
    }
}

/// Returns the part of the answer that the library has rejected. Returns `None` if the error does not identify a part.
fn fault(error: &WebauthnError) -> Option<Fault> {
    let (part, name, problem) = match error {
        WebauthnError::InvalidClientDataType => {
            (Part::Member, "clientData.type", Problem::Mismatch)
        }
        WebauthnError::InvalidRPOrigin => (Part::Member, "clientData.origin", Problem::NotAllowed),
        WebauthnError::InvalidRPIDHash => (Part::Member, "rpId", Problem::Mismatch),
        WebauthnError::UserNotPresent => (Part::Flag, "user_present", Problem::Missing),
        WebauthnError::UserNotVerified => (Part::Flag, "user_verified", Problem::Missing),
        WebauthnError::CredentialMayNotBeHardwareBound => {
            (Part::Flag, "backup_state", Problem::NotAllowed)
        }
        WebauthnError::SignatureInvalid => (Part::Member, "signature", Problem::Malformed),
        WebauthnError::AuthenticationFailure => (Part::Member, "signature", Problem::Mismatch),
        WebauthnError::COSEKeyInvalidType
        | WebauthnError::COSEKeyInvalidAlgorithm
        | WebauthnError::CredentialAlteredAlgFromRequest
        | WebauthnError::SshPublicKeyEDUnsupported => {
            (Part::Member, "publicKey.alg", Problem::NotAllowed)
        }
        _ => return None,
    };
    Some(Fault::new(part, name, problem))
}

fn log(error: &WebauthnError) {
    tracing::error!(%error, "A ceremony could not be begun.");
}

/// Offset of the flags in authenticator data (Web Authentication Level 3, section 6.1).
const FLAGS: usize = 32;

const BACKUP_ELIGIBLE: u8 = 1 << 3;

/// Creates the decoy passkey, whose private key is discarded.
fn decoy() -> Result<Passkey, BuildError> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING);
    let pair = pair.map_err(|_unspecified| BuildError::Cryptography)?;
    // The point is uncompressed: the byte 4, then x and y (SEC 1, section 2.3.3).
    let point = pair.public_key().as_ref();
    let (Some(x), Some(y)) = (point.get(1..33), point.get(33..65)) else {
        return Err(BuildError::Cryptography);
    };
    let base64url = |bytes: &[u8]| CredentialId::new(bytes).encode();
    let written = json!({ "cred": {
        "cred_id": "",
        "cred": {
            "type_": "ES256",
            "key": { "EC_EC2": { "curve": "SECP256R1", "x": base64url(x), "y": base64url(y) } },
        },
        "counter": 0,
        "transports": null,
        "user_verified": true,
        "backup_eligible": false,
        "backup_state": false,
        "registration_policy": "required",
        "extensions": {
            "cred_protect": "Ignored",
            "hmac_create_secret": "NotRequested",
            "appid": "NotRequested",
            "cred_props": "Ignored",
        },
        "attestation": { "data": "None", "metadata": "None" },
        "attestation_format": "none",
    }});
    serde_json::from_value(written).map_err(|_unknown| BuildError::Cryptography)
}
