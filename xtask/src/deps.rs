//! Checks the dependencies against `deny.toml`: licences, bans and sources.
//!
//! `deny.toml` is the configuration of cargo-deny, and cargo-deny gives the same results. This check needs
//! only cargo. It leaves known vulnerabilities to cargo-deny, because their list has to be fetched.

use serde_json::Value;
use spdx::{Expression, Licensee, ParseMode};
use toml::{Table, Value as Setting};

use crate::{
    report::{Failure, Problem, Report},
    workspace::Workspace,
};

const POLICY: &str = "deny.toml";

/// Part of `deny.toml` that is checked here.
#[derive(Debug, Default)]
struct Policy {
    licences: Vec<Licensee>,
    /// Names of banned crates, with the reason for each ban.
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

/// Returns name and version in the form of [`Workspace::compiled`].
fn named(package: &Value) -> String {
    let text = |key| package.get(key).and_then(Value::as_str).unwrap_or("?");
    format!("{} v{}", text("name"), text("version"))
}

impl Policy {
    fn read(text: &str) -> Result<Self, Failure> {
        let table: Table = text.parse().map_err(|error| Failure::of(POLICY, error))?;
        let licences = entries(&table, "licenses", "allow")?.iter().filter_map(Setting::as_str);
        let licences = licences.map(|licence| {
            let what = || format!("{POLICY} allows `{licence}`, which is no SPDX licence");
            Licensee::parse(licence).map_err(|error| Failure::of(what(), error.reason))
        });
        let bans = entries(&table, "bans", "deny")?;
        Ok(Self {
            licences: licences.collect::<Result<_, _>>()?,
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
                "look for another crate: without a licence it may not be used",
            ));
        };
        // Crates from before 2021 write `MIT/Apache-2.0`, which the registry still accepts.
        let expression = match Expression::parse_mode(licence, ParseMode::LAX) {
            Ok(expression) => expression,
            Err(error) => {
                return Some(Problem::new(
                    place,
                    format!("its licence `{licence}` cannot be read: {}", error.reason),
                    "look for another crate, or ask its authors for a valid SPDX expression",
                ));
            }
        };
        if expression.evaluate(|wanted| self.licences.iter().any(|ours| ours.satisfies(wanted))) {
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
            "`cargo tree --invert` shows which crate depends on it: turn off that feature",
        ))
    }
}

/// Returns a problem if the crate comes from any other source than the crate registry. Crates of the project
/// have no source.
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
        allow = ["Apache-2.0 WITH LLVM-exception", "MIT"]
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

    fn licence_problems(licence: &str) -> Vec<String> {
        judge(&json!({ "name": "a", "version": "1.0.0", "license": licence }))
    }

    #[test]
    fn one_allowed_licence_of_a_choice_is_enough() {
        for licence in ["MIT OR GPL-3.0", "GPL-3.0/MIT", "MIT OR ISC AND GPL-3.0"] {
            assert!(licence_problems(licence).is_empty(), "{licence}");
        }

        for licence in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0"] {
            assert!(licence_problems(licence)[0].contains("is not allowed"), "{licence}");
        }
    }

    #[test]
    fn an_exception_belongs_to_its_licence() {
        assert!(licence_problems("Apache-2.0 WITH LLVM-exception").is_empty());
        assert_eq!(licence_problems("Apache-2.0").len(), 1);
        assert_eq!(licence_problems("MIT WITH LLVM-exception").len(), 1);
    }

    #[test]
    fn a_licence_that_cannot_be_read_is_a_problem() {
        for licence in
            ["", "OR", "MIT OR", "(MIT", "MIT)", "MIT MIT", "MIT WITH", "AND MIT", "Mine"]
        {
            assert!(licence_problems(licence)[0].contains("cannot be read"), "{licence:?}");
        }
    }

    #[test]
    fn a_licence_of_the_policy_that_does_not_exist_is_refused() {
        let failure = Policy::read(&TEXT.replace("MIT", "MITT")).unwrap_err();

        assert!(failure.to_string().contains("`MITT`"), "{failure}");
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
