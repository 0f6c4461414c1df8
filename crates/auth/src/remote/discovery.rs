//! Reads the metadata of an issuer (OpenID Connect Discovery 1.0, section 4).

use reqwest::Url;
use serde::Deserialize;

use crate::remote::error::{FetchError, UrlProblem};

/// Metadata of an issuer. Other members are ignored.
#[derive(Deserialize)]
struct Metadata {
    issuer: Box<str>,
    jwks_uri: Box<str>,
}

/// Returns the URL of the metadata of an issuer. A slash at the end of the issuer is removed first
/// (section 4.1).
pub(crate) fn url(issuer: &Url) -> Url {
    let mut url = issuer.clone();
    let path = issuer.path().strip_suffix('/').unwrap_or(issuer.path());
    url.set_path(&format!("{path}/.well-known/openid-configuration"));
    url
}

/// Returns the URL of the key set from the metadata of `issuer`, which was read from `url`.
pub(crate) fn key_set(body: &[u8], url: &Url, issuer: &str) -> Result<Url, FetchError> {
    let metadata: Metadata = serde_json::from_slice(body)
        .map_err(|_syntax| FetchError::NotMetadata { url: url.as_str().into() })?;
    // Without this comparison, an issuer could pass off the keys of another one (section 4.3).
    if *metadata.issuer != *issuer {
        let configured = issuer.into();
        // Only the beginning is shown, because the document is untrusted.
        let named = metadata.issuer.chars().filter(|char| !char.is_control()).take(SHOWN).collect();
        return Err(FetchError::OtherIssuer { named, configured });
    }
    metadata.jwks_uri.parse().map_err(|_malformed| FetchError::KeySetUrl(UrlProblem::Malformed))
}

/// Maximum number of characters of a foreign name in an error.
const SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_is_below_the_path_of_the_issuer() {
        let of = |issuer: &str| url(&issuer.parse().unwrap()).to_string();

        assert_eq!(of("https://a.example"), "https://a.example/.well-known/openid-configuration");
        assert_eq!(of("https://a.example/"), "https://a.example/.well-known/openid-configuration");
        assert_eq!(
            of("https://a.example/realms/demo"),
            "https://a.example/realms/demo/.well-known/openid-configuration"
        );
    }
}
