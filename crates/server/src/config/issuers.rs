//! Settings of one identity provider, which is an entry of the list `[[issuers]]`.
//!
//! The URL and the networks are checked when the server builds the authenticator of the issuer.

use std::{
    collections::HashSet,
    fmt,
    sync::{LazyLock, Mutex, PoisonError},
};

use doorward::auth::{IssuerError, Jwt, Preset, RsaAlgorithm};
use serde::{Deserialize, Deserializer, de::Error as _};

use doorward_core::MAX_LIFETIME;

use super::{
    form::{Form, Setting},
    span::Span,
    values::{ChoiceError, TokenName},
};

/// The list `[[issuers]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct IssuerList(pub(crate) Vec<IssuerConfig>);

impl Setting for IssuerList {
    const FORM: Form = Form::Entries;
}

/// Identity provider whose access tokens are accepted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssuerConfig {
    /// Name in the ids of its users, such as `corp` in `corp:alice`.
    pub(crate) name: IssuerName,
    /// The claim `iss` of its tokens, and the URL of its metadata.
    url: String,
    audience: Audiences,
    preset: Option<PresetName>,
    /// Algorithm of RSA keys that state none.
    algorithm: Option<AlgorithmName>,
    user_claim: Option<ClaimName>,
    /// Claim with the name of the user that other users see.
    pub(crate) name_claim: Option<ClaimName>,
    /// The claim `typ` in the header of its tokens.
    token_type: Option<TokenName>,
    max_lifetime: Option<Lifetime>,
    /// URL of the key set, for an issuer without metadata.
    key_set: Option<String>,
    /// Private networks in which the issuer may be.
    #[serde(default)]
    networks: Vec<String>,
}

impl IssuerConfig {
    /// Names of the settings of an entry.
    pub(super) const FIELDS: [&'static str; 11] = [
        "name",
        "url",
        "audience",
        "preset",
        "algorithm",
        "user_claim",
        "name_claim",
        "token_type",
        "max_lifetime",
        "key_set",
        "networks",
    ];

    /// Builds an authenticator of the tokens of this issuer.
    pub(crate) fn jwt(&self) -> Result<Jwt, IssuerError> {
        let mut issuer = Jwt::issuer(self.url.as_str()).allow_networks(&self.networks);
        if let Some(PresetName(preset)) = self.preset {
            issuer = issuer.preset(preset);
        }
        if let Some(AlgorithmName(algorithm)) = self.algorithm {
            issuer = issuer.algorithm(algorithm);
        }
        if let Some(url) = &self.key_set {
            issuer = issuer.key_set(url);
        }
        let (first, others) = (&self.audience.first, &self.audience.others);
        let mut jwt = issuer.audience(first.as_str())?;
        for audience in others {
            jwt = jwt.audience(audience.as_str());
        }
        if let Some(ClaimName(name)) = self.user_claim {
            jwt = jwt.user_claim(name);
        }
        if let Some(token_type) = &self.token_type {
            jwt = jwt.token_type(token_type.as_str());
        }
        if let Some(Lifetime(max)) = self.max_lifetime {
            jwt = jwt.max_lifetime(max.get());
        }
        Ok(jwt)
    }
}

/// Maximum lifetime of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Span")]
struct Lifetime(Span);

impl TryFrom<Span> for Lifetime {
    type Error = &'static str;

    /// Fails if the stores forget the revocation of a token before the token expires.
    fn try_from(span: Span) -> Result<Self, &'static str> {
        if span.get() > MAX_LIFETIME { Err("write at most 30d") } else { Ok(Self(span)) }
    }
}

/// Name of an issuer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct IssuerName(String);

impl IssuerName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IssuerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for IssuerName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text == OWN_TOKENS {
            return Err("the name \"doorward\" is that of the tokens of this server");
        }
        if (1..=32).contains(&text.len()) && text.bytes().all(is_plain) {
            Ok(Self(text))
        } else {
            Err("a name is 1-32 of the characters a-z, 0-9 and -, such as \"corp\"")
        }
    }
}

/// One audience, or a list of audiences.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Audiences {
    first: TokenName,
    others: Vec<TokenName>,
}

impl<'de> Deserialize<'de> for Audiences {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum OneOrMany {
            One(TokenName),
            Many(Vec<TokenName>),
        }
        let many = match OneOrMany::deserialize(deserializer) {
            Ok(OneOrMany::One(one)) => vec![one],
            Ok(OneOrMany::Many(many)) => many,
            Err(_) => Vec::new(),
        };
        let mut many = many.into_iter();
        let first = many.next().ok_or_else(|| D::Error::custom(NO_AUDIENCE))?;
        Ok(Self { first, others: many.collect() })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct PresetName(Preset);

impl TryFrom<String> for PresetName {
    type Error = ChoiceError;

    fn try_from(text: String) -> Result<Self, ChoiceError> {
        let found = Preset::ALL.iter().find(|(name, _)| *name == text);
        found.map(|(_, preset)| Self(*preset)).ok_or_else(|| {
            ChoiceError::new(&text, &Preset::ALL.iter().map(|(name, _)| *name).collect::<Vec<_>>())
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct AlgorithmName(RsaAlgorithm);

impl TryFrom<String> for AlgorithmName {
    type Error = ChoiceError;

    fn try_from(text: String) -> Result<Self, ChoiceError> {
        let found = ALGORITHMS.into_iter().find(|(name, _)| *name == text);
        found
            .map(|(_, algorithm)| Self(algorithm))
            .ok_or_else(|| ChoiceError::new(&text, &ALGORITHMS.map(|(name, _)| name)))
    }
}

/// Name of a claim, which lives as long as the program, because audit records contain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClaimName(pub(crate) &'static str);

impl<'de> Deserialize<'de> for ClaimName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
    }
}

impl TryFrom<String> for ClaimName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        // Each name is kept once, so that reading the same configuration again takes no memory.
        static NAMES: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);
        if text.is_empty() || text.len() > 255 || !doorward::__private::is_visible_line(&text) {
            return Err("write the name of a claim, such as \"oid\"");
        }
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = names.get(&*text) {
            return Ok(Self(name));
        }
        let name: &'static str = text.leak();
        names.insert(name);
        Ok(Self(name))
    }
}

/// Name of this server's own tokens in metrics, beside the names of the issuers.
pub(crate) const OWN_TOKENS: &str = "doorward";

const ALGORITHMS: [(&str, RsaAlgorithm); 6] = [
    ("PS256", RsaAlgorithm::Ps256),
    ("PS384", RsaAlgorithm::Ps384),
    ("PS512", RsaAlgorithm::Ps512),
    ("RS256", RsaAlgorithm::Rs256),
    ("RS384", RsaAlgorithm::Rs384),
    ("RS512", RsaAlgorithm::Rs512),
];

const NO_AUDIENCE: &str =
    "write audience: the name of this service in the tokens, such as \"chat\", or a list of names";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_settings_of_an_entry_are_listed() {
        let error = toml::from_str::<IssuerConfig>("x = 1").unwrap_err().to_string();
        let expected = IssuerConfig::FIELDS.map(|field| format!("`{field}`")).join(", ");

        assert!(error.contains(&format!("expected one of {expected}\n")), "{error}");
    }
}
