//! Joins defaults, the configuration file and the options, each stronger than the one before.
//!
//! Every setting is checked where it is read, so that a mistake is told with its place. Settings that
//! nobody knows are refused: a misspelled one would otherwise be a default in disguise.
//! Start reading at [`Config::load`].

use std::{
    fs,
    path::{Path, PathBuf},
};

use doorward::Limits;
use serde::Deserialize;

use crate::{cli::PlaceOptions, failure::Failure, listen::ListenAddress, public_url::PublicUrl};

/// Everything that can be set.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// Where to listen.
    pub(crate) listen: ListenAddress,
    /// Where the signing key is kept.
    pub(crate) data_dir: PathBuf,
    /// What browsers call the server; unless told, `http://localhost:PORT`.
    pub(crate) public_url: Option<PublicUrl>,
    /// What tokens must say.
    pub(crate) token: TokenConfig,
    /// How much of a good thing is too much.
    pub(crate) limits: LimitsConfig,
}

/// Who issues tokens, and for whom they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenConfig {
    pub(crate) issuer: TokenName,
    pub(crate) audience: TokenName,
}

/// The bounds that depend on what stands in front of the server; all others are those of the
/// framework.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LimitsConfig {
    /// Links of one address on which nobody is known. Behind a reverse proxy there is one address.
    pub(crate) max_unauthenticated_links: LinkCount,
}

/// A number of links: 1 at least, because with 0 nobody would ever come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct LinkCount(usize);

/// The value of an `iss` or `aud`: 1-255 characters, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct TokenName(String);

impl Config {
    /// Reads the configuration file, if there is one, and lets the options count more.
    pub(crate) fn load(
        place: &PlaceOptions,
        listen: Option<&ListenAddress>,
    ) -> Result<Self, Failure> {
        let file = place.config.as_deref().map(File::read).transpose()?.unwrap_or_default();
        let data_dir = match (&place.data_dir, file.data_dir) {
            (Some(option), _) => option.clone(),
            (None, Some(setting)) => setting,
            (None, None) => PathBuf::from(DATA_DIR),
        };
        Ok(Self {
            listen: listen.cloned().or(file.listen).unwrap_or_default(),
            data_dir,
            public_url: file.public_url,
            // Not the public URL: with port 0 that is another one each time, and `doorward token`
            // must name the same issuer without asking the server.
            token: TokenConfig {
                issuer: file.token.issuer.unwrap_or_default(),
                audience: file.token.audience.unwrap_or_default(),
            },
            limits: LimitsConfig {
                max_unauthenticated_links: file
                    .limits
                    .max_unauthenticated_links
                    .unwrap_or_default(),
            },
        })
    }
}

/// The configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    listen: Option<ListenAddress>,
    data_dir: Option<PathBuf>,
    public_url: Option<PublicUrl>,
    token: TokenTable,
    limits: LimitsTable,
}

/// Its table `[token]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TokenTable {
    issuer: Option<TokenName>,
    audience: Option<TokenName>,
}

/// Its table `[limits]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitsTable {
    max_unauthenticated_links: Option<LinkCount>,
}

impl File {
    fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display();
        let text = fs::read_to_string(path).map_err(|error| {
            Failure::because(format_args!("cannot read the configuration file {name}"), &error)
        })?;
        let mut file: Self = toml::from_str(&text).map_err(|error| {
            let (line, column) = position(&text, error.span().map_or(0, |span| span.start));
            Failure::new(format_args!("{name}:{line}:{column}: {}", error.message()))
        })?;
        // Beside the file, so that `serve` and `token` find the same key wherever they are started.
        if let (Some(data_dir), Some(folder)) = (&mut file.data_dir, path.parent()) {
            *data_dir = folder.join(&*data_dir);
        }
        Ok(file)
    }
}

/// Counts lines and characters from 1, as editors do.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
    (before.matches('\n').count() + 1, column + 1)
}

impl LimitsConfig {
    /// Returns the bounds of the framework with the configured ones in their places.
    pub(crate) fn limits(&self) -> Limits {
        Limits { max_unauthenticated_links: self.max_unauthenticated_links.0, ..Limits::default() }
    }
}

impl Default for LinkCount {
    fn default() -> Self {
        Self(Limits::default().max_unauthenticated_links)
    }
}

impl TryFrom<i64> for LinkCount {
    type Error = LinkCountError;

    fn try_from(number: i64) -> Result<Self, LinkCountError> {
        match usize::try_from(number) {
            Ok(count @ 1..) => Ok(Self(count)),
            _ => Err(LinkCountError),
        }
    }
}

impl TokenName {
    /// Returns the name as it stands in a token.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TokenName {
    fn default() -> Self {
        Self("doorward".to_owned())
    }
}

impl TryFrom<String> for TokenName {
    type Error = TokenNameError;

    fn try_from(text: String) -> Result<Self, TokenNameError> {
        let is_name = (1..=MAX_NAME).contains(&text.len()) && !text.chars().any(char::is_control);
        if is_name { Ok(Self(text)) } else { Err(TokenNameError) }
    }
}

/// A number that no server can work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("max_unauthenticated_links is a whole number of links, 1 at least")]
pub(crate) struct LinkCountError;

/// A text that is no name for an issuer or an audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("issuer and audience are 1-255 printable characters")]
pub(crate) struct TokenNameError;

/// Where the signing key is kept unless told otherwise.
pub(crate) const DATA_DIR: &str = "./doorward-data";

/// In bytes.
const MAX_NAME: usize = 255;

#[cfg(test)]
mod tests;
