//! Names of the claims that the rules for a token read.
//!
//! The default is RFC 9068. Some identity providers use other names.

use doorward_core::Problem;
use serde_json::{Map, Value};

use crate::credential::denied::Denied;

/// Names of claims, and claims that a token must have.
///
/// All names are constants of the program or of its configuration, because a refusal contains the
/// name of the claim at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Claim that names the audience.
    pub(crate) audience: &'static str,
    /// Claim that names the user.
    pub(crate) user: &'static str,
    /// Claim that names the session.
    pub(crate) session: &'static str,
    /// Claims that list scopes.
    pub(crate) scopes: &'static [&'static str],
    /// Path to the claim that lists roles.
    pub(crate) roles: &'static [&'static str],
    pub(crate) requires: &'static [Requirement],
}

/// Claim that a token must have, or must not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Requirement {
    /// The claim at this path must be absent. The first text is its name in records.
    Absent(&'static str, &'static [&'static str]),
    /// The claim must be this text.
    Is(&'static str, &'static str),
    /// At least one of the claims must be present.
    OneOf(&'static [&'static str]),
}

impl Shape {
    /// Claims of RFC 9068 (section 2.2).
    pub(crate) const DEFAULT: Self = Self {
        audience: "aud",
        user: "sub",
        session: "sid",
        scopes: &["scope"],
        roles: &["roles"],
        requires: &[],
    };

    /// Checks the claims that the token must have.
    pub(super) fn check(&self, claims: &Map<String, Value>) -> Result<(), Denied> {
        for requirement in self.requires {
            match *requirement {
                Requirement::Absent(name, path) => {
                    if find(claims, path).is_some() {
                        return Err(Denied::claim(name, Problem::NotAllowed));
                    }
                }
                Requirement::Is(name, text) => match claims.get(name) {
                    Some(value) if value == text => {}
                    Some(_) => return Err(Denied::claim(name, Problem::Mismatch)),
                    None => return Err(Denied::claim(name, Problem::Missing)),
                },
                Requirement::OneOf(names) => {
                    if !names.iter().any(|name| claims.contains_key(*name)) {
                        let name = names.first().copied().unwrap_or_default();
                        return Err(Denied::claim(name, Problem::Missing));
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns `true` if the claims list the scope. A claim is a list, or a text with spaces
    /// between the scopes (RFC 9068 section 2.2.3).
    pub(super) fn has_scope(&self, claims: &Map<String, Value>, scope: &str) -> bool {
        self.scopes.iter().filter_map(|name| claims.get(*name)).any(|value| match value {
            Value::String(scopes) => scopes.split(' ').any(|own| own == scope),
            value => is_listed(value, scope),
        })
    }

    /// Returns `true` if the claims list the role (RFC 9068 section 2.2.3.1).
    pub(super) fn has_role(&self, claims: &Map<String, Value>, role: &str) -> bool {
        find(claims, self.roles).is_some_and(|roles| is_listed(roles, role))
    }
}

/// Returns the claim at a path of names.
fn find<'a>(claims: &'a Map<String, Value>, path: &[&str]) -> Option<&'a Value> {
    let (first, path) = path.split_first()?;
    path.iter().try_fold(claims.get(*first)?, |value, name| value.get(*name))
}

fn is_listed(list: &Value, text: &str) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(|own| own.as_str() == Some(text)))
}
