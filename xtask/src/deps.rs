//! Checks the dependencies against `deny.toml`: licences, bans and where they come from.
//!
//! The file is cargo-deny's own, and cargo-deny gives the same answers; this check needs nothing
//! but cargo. Known vulnerabilities are left to cargo-deny, because their list has to be fetched.

mod spdx;

use std::collections::BTreeSet;

use serde_json::Value;
use toml::{Table, Value as Setting};

use crate::{
    report::{Failure, Problem, Report},
    workspace::Workspace,
};

const POLICY: &str = "deny.toml";

/// What `deny.toml` says, as far as it is checked here.
#[derive(Debug, Default)]
struct Policy {
    licences: BTreeSet<String>,
    /// Names of crates with the reason why they are banned.
    bans: Vec<(String, String)>,
}

/// Checks every crate that is compiled.
pub(crate) fn check(workspace: &Workspace) -> Result<Report, Failure> {
    let policy = Policy::read(&workspace.read(POLICY)?)?;
    let metadata = workspace.metadata(&["--locked"])?;
    let packages = metadata
        .get("packages")
        .and_then(Value::as_array)
        .ok_or_else(|| Failure::new("cargo metadata lists no packages"))?;
    let compiled = workspace.compiled()?;
    let is_compiled = |package: &&Value| compiled.contains(&named(package));
    let packages: Vec<_> = packages.iter().filter(is_compiled).collect();
    let problems = packages.iter().flat_map(|package| policy.judge(package)).collect();
    Ok(Report::new(format!("{} crates are as {POLICY} wants them", packages.len()), problems))
}

/// As [`Workspace::compiled`] names it.
fn named(package: &Value) -> String {
    let text = |key| package.get(key).and_then(Value::as_str).unwrap_or("?");
    format!("{} v{}", text("name"), text("version"))
}

impl Policy {
    fn read(text: &str) -> Result<Self, Failure> {
        let table: Table = text.parse().map_err(|error| Failure::of(POLICY, error))?;
        let licences = entries(&table, "licenses", "allow")?;
        let bans = entries(&table, "bans", "deny")?;
        Ok(Self {
            licences: licences.iter().filter_map(Setting::as_str).map(str::to_owned).collect(),
            bans: bans.iter().filter_map(ban).collect(),
        })
    }

    fn judge(&self, package: &Value) -> Vec<Problem> {
        let text = |key| package.get(key).and_then(Value::as_str);
        let name = text("name").unwrap_or("?");
        let place = format!("{name} {}", text("version").unwrap_or("?"));
        let found = [
            self.judge_licence(&place, text("license")),
            self.judge_ban(&place, name),
            judge_source(&place, text("source")),
        ];
        found.into_iter().flatten().collect()
    }

    fn judge_licence(&self, place: &str, licence: Option<&str>) -> Option<Problem> {
        let Some(licence) = licence else {
            return Some(Problem::new(
                place,
                "states no licence",
                "look for another crate: without a licence nobody may use it",
            ));
        };
        if spdx::is_allowed(licence, &self.licences) {
            return None;
        }
        Some(Problem::new(
            place,
            format!("its licence `{licence}` is not allowed"),
            "look for another crate, or allow the licence in deny.toml and say why",
        ))
    }

    fn judge_ban(&self, place: &str, name: &str) -> Option<Problem> {
        let (_, reason) = self.bans.iter().find(|(banned, _)| banned == name)?;
        Some(Problem::new(
            place,
            format!("is banned: {reason}"),
            "`cargo tree --invert` shows who asked for it: turn off that feature",
        ))
    }
}

/// Our own crates have no source; all others come from the crate registry.
fn judge_source(place: &str, source: Option<&str>) -> Option<Problem> {
    let from_crates_io =
        |source: &str| source.starts_with("registry+") && source.ends_with("/crates.io-index");
    source.filter(|source| !from_crates_io(source)).map(|source| {
        Problem::new(
            place,
            format!("comes from {source}"),
            "use a release that is in the crate registry",
        )
    })
}

fn entries<'a>(table: &'a Table, section: &str, key: &str) -> Result<&'a [Setting], Failure> {
    table
        .get(section)
        .and_then(|section| section.get(key))
        .and_then(Setting::as_array)
        .map(Vec::as_slice)
        .ok_or_else(|| Failure::new(format!("{POLICY} has no list `{key}` in [{section}]")))
}

fn ban(entry: &Setting) -> Option<(String, String)> {
    let text = |key| entry.get(key).and_then(Setting::as_str).map(str::to_owned);
    Some((text("crate")?, text("reason").unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = r#"
        [licenses]
        allow = ["MIT"]
        [bans]
        deny = [{ crate = "ring", reason = "one crypto library is enough" }]
    "#;

    fn judge(package: &Value) -> Vec<String> {
        let policy = Policy::read(TEXT).unwrap();
        policy.judge(package).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_crate_in_order_has_no_problem() {
        let source = "registry+https://example.org/crates.io-index";
        let package =
            json!({ "name": "a", "version": "1.0.0", "license": "MIT", "source": source });

        assert!(judge(&package).is_empty());
    }

    #[test]
    fn licence_ban_and_source_are_each_a_problem() {
        let package =
            json!({ "name": "ring", "version": "1.0.0", "source": "git+https://example.org" });

        let found = judge(&package);

        assert_eq!(found.len(), 3);
        assert!(found[0].contains("no licence"));
        assert!(found[1].contains("one crypto library is enough"));
        assert!(found[2].contains("git+"));
    }

    #[test]
    fn a_policy_without_its_lists_is_refused() {
        assert!(Policy::read("[licenses]\n").is_err());
        assert!(Policy::read("no toml").is_err());
    }
}
