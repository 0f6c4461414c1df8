//! Parses origins of native applications, and of web pages that are packaged in them.
//!
//! Such origins have no canonical spelling, so they are kept as they are written. Start reading at
//! [`AppOrigin`].

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::cookie::origins::error::OriginError;

/// Origin of a native application, or of web pages that are packaged in a native application.
///
/// | origin | meaning |
/// |---|---|
/// | `capacitor://localhost`, `ionic://localhost`, `tauri://localhost` | web pages that are packaged in an application and shown in a web view |
/// | `android:apk-key-hash:..` | an Android application, in the client data of its passkeys; the hash is the SHA-256 of the signing certificate, in base64url without padding |
/// | `ios:bundle-id:..` | an iOS application, in the client data that some libraries write |
///
/// # Examples
/// ```
/// use doorward_auth::{AppOrigin, OriginError};
///
/// let origin: AppOrigin = "capacitor://localhost".parse()?;
/// assert_eq!(origin.to_string(), "capacitor://localhost");
/// assert!("https://localhost".parse::<AppOrigin>().is_err());
/// # Ok::<_, OriginError>(())
/// ```
///
/// # Security
/// All applications that were built with the same tool share one origin. For Capacitor it is
/// `capacitor://localhost`. Each application has its own cookies, so its pages can act only for
/// users who have signed in to this server inside that application. A key hash identifies a single
/// application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppOrigin(Box<str>);

impl AppOrigin {
    /// Returns the origin as the application writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AppOrigin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let is_good = if let Some(hash) = text.strip_prefix("android:apk-key-hash:") {
            URL_SAFE_NO_PAD.decode(hash).is_ok_and(|hash| hash.len() == SHA256_BYTES)
        } else if let Some(bundle) = text.strip_prefix("ios:bundle-id:") {
            is_name(bundle, b"-.")
        } else {
            text.split_once("://")
                .is_some_and(|(scheme, authority)| is_scheme(scheme) && is_authority(authority))
        };
        if is_good { Ok(Self(text.into())) } else { Err(OriginError::Malformed) }
    }
}

impl fmt::Display for AppOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns `true` if the scheme is in lower case and has no special meaning in browsers. A scheme
/// that begins with `ht` is probably a misspelling of `http`, so the result is `false`.
fn is_scheme(scheme: &str) -> bool {
    let is_first = scheme.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    let is_web = scheme.starts_with("ht") || WEB.contains(&scheme);
    is_first && scheme.len() <= 32 && scheme.bytes().all(is_plain) && !is_web
}

fn is_authority(authority: &str) -> bool {
    let (host, port) = authority.split_once(':').unwrap_or((authority, "1"));
    let is_port = port.parse::<u16>().is_ok_and(|number| number != 0 && number.to_string() == port);
    is_name(host, b"-._") && is_port
}

/// Returns `true` if the text has 1-253 bytes, each of them an ASCII letter, a digit or one of
/// `others`.
fn is_name(text: &str, others: &[u8]) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
    (1..=253).contains(&text.len()) && text.bytes().all(is_plain)
}

const SHA256_BYTES: usize = 32;

/// Schemes of web pages, of files and of scripts, which are not schemes of applications.
const WEB: [&str; 10] = [
    "about",
    "blob",
    "data",
    "file",
    "filesystem",
    "ftp",
    "javascript",
    "view-source",
    "ws",
    "wss",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_of_applications_are_kept_as_they_are_written() {
        for origin in [
            "capacitor://localhost",
            "ionic://localhost",
            "tauri://localhost",
            "app://desktop.example:8080",
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
            "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
            "ios:bundle-id:org.example.Chat",
        ] {
            assert_eq!(origin.parse::<AppOrigin>().unwrap().as_str(), origin);
        }
    }

    #[test]
    fn text_that_is_not_an_origin_of_an_application_is_refused() {
        for origin in [
            "",
            "*",
            "null",
            "capacitor://",
            "capacitor:localhost",
            "capacitor://*",
            "capacitor://localhost/",
            "capacitor://localhost/app",
            "capacitor://user@localhost",
            "capacitor://localhost:0",
            "capacitor://localhost:080",
            "capacitor://local host",
            "Capacitor://localhost",
            "*://localhost",
            "1a://localhost",
            "https://localhost",
            "htps://app.example.org",
            "htttp://app.example.org",
            "wss://localhost",
            "file://localhost",
            "javascript://localhost",
            "android:apk-key-hash:",
            "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuF",
            "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
            "android:apk-key-hash:*",
            "ios:bundle-id:",
            "ios:bundle-id:org.example.*",
        ] {
            assert_eq!(origin.parse::<AppOrigin>(), Err(OriginError::Malformed), "{origin}");
        }
    }
}
