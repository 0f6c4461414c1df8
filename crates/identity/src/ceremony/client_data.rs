//! Parses the client data in the answer of an authenticator. The answer is not verified yet.
//!
//! `clientDataJSON` (Web Authentication Level 3, section 5.8.1) contains the challenge, by which the ceremony of the
//! answer is found. An object with a duplicate member is rejected, because two parsers could read different values. An
//! answer of a page in a cross-origin frame is rejected as well.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_core::UniqueObject;
use serde_json::Value;

/// Challenge of a ceremony. The request contains it, and the answer of the authenticator repeats it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CeremonyChallenge(Box<[u8]>);

impl CeremonyChallenge {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// Returns the challenge of an answer. Returns `None` if the client data is malformed or too large, or comes from a
    /// cross-origin frame.
    pub(crate) fn of(client_data_json: &[u8]) -> Option<Self> {
        if client_data_json.len() > MAX_BYTES {
            return None;
        }
        let UniqueObject(members) = serde_json::from_slice(client_data_json).ok()?;
        let is_framed = match members.get("crossOrigin") {
            None | Some(Value::Bool(false)) => false,
            Some(_) => true,
        };
        if is_framed || members.contains_key("topOrigin") {
            return None;
        }
        let challenge = members.get("challenge")?.as_str()?;
        URL_SAFE_NO_PAD.decode(challenge).ok().map(|bytes| Self(bytes.into()))
    }
}

/// Maximum size of the client data, in bytes. Browsers write about 150 bytes.
const MAX_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn found(json: &str) -> Option<Vec<u8>> {
        CeremonyChallenge::of(json.as_bytes()).map(|challenge| challenge.0.to_vec())
    }

    #[test]
    fn the_challenge_is_found() {
        let json = r#"{"type":"webauthn.get","challenge":"AQID","origin":"o","crossOrigin":false}"#;

        assert_eq!(found(json), Some(vec![1, 2, 3]));
    }

    /// Attacks 69 and 77.
    #[test]
    fn what_a_browser_would_not_say_to_us_is_refused() {
        for json in [
            r#"{"challenge":"AQID","challenge":"AQID"}"#,
            r#"{"challenge":"AQID","more":{"origin":"a","origin":"b"}}"#,
            r#"{"challenge":"AQID","crossOrigin":true}"#,
            r#"{"challenge":"AQID","crossOrigin":"false"}"#,
            r#"{"challenge":"AQID","topOrigin":"https://evil.example"}"#,
            r#"{"challenge":"AQID="}"#,
            r#"{"challenge":7}"#,
            "{}",
            "[]",
            "",
        ] {
            assert_eq!(found(json), None, "{json}");
        }
        let long = format!(r#"{{"challenge":"AQID","more":"{}"}}"#, "x".repeat(MAX_BYTES));
        assert_eq!(found(&long), None);
    }
}
