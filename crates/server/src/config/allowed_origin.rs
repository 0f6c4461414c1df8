//! Parses an entry of `origins.allow`: the origin of web pages, or that of a native application.

use std::fmt;

use doorward::auth::AppOrigin;
use serde::Deserialize;

use super::public_url::{PublicUrl, PublicUrlError};

/// Origin that may use the server, in addition to the origin of the server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum AllowedOrigin {
    App(AppOrigin),
    Page(PublicUrl),
}

impl AllowedOrigin {
    /// Returns the origin of web pages, or `None` for a native application.
    pub(crate) fn page(&self) -> Option<&PublicUrl> {
        match self {
            Self::App(_) => None,
            Self::Page(url) => Some(url),
        }
    }
}

impl TryFrom<String> for AllowedOrigin {
    type Error = PublicUrlError;

    /// Reports an invalid entry as an invalid page origin, because most entries are page origins.
    fn try_from(text: String) -> Result<Self, PublicUrlError> {
        match text.parse() {
            Ok(app) => Ok(Self::App(app)),
            Err(_) => match text.parse::<PublicUrl>()? {
                url if url.base().is_empty() => Ok(Self::Page(url)),
                _ => Err(PublicUrlError::NoOrigin),
            },
        }
    }
}

impl fmt::Display for AllowedOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::App(origin) => origin.fmt(f),
            Self::Page(url) => url.fmt(f),
        }
    }
}
