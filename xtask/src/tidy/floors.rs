//! Checks that a crate uses only crates of lower floors.
//!
//! The table below states the floor of each crate. A crate that ships depends only on crates of lower
//! floors. Tests of a crate may use the test kit and any crate.

use serde_json::Value;

use crate::report::Problem;

/// Place of a crate among the floors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Helps to test the crates up to this floor. No crate that ships may use it.
    Beside(u8),
    Floor(u8),
    /// Depends on no crate of the project, and no crate of the project depends on it.
    Outside,
}

/// Every crate of the workspace, with its place.
const TABLE: &[(&str, Place)] = &[
    ("doorward-core", Place::Floor(0)),
    ("doorward-macros", Place::Floor(0)),
    ("doorward-protocol", Place::Floor(0)),
    ("doorward-auth", Place::Floor(1)),
    ("doorward-redis", Place::Floor(1)),
    ("doorward-sql", Place::Floor(1)),
    ("doorward", Place::Floor(2)),
    ("doorward-apps", Place::Floor(3)),
    ("doorward-identity", Place::Floor(3)),
    ("doorward-server", Place::Floor(4)),
    ("doorward-bench", Place::Beside(2)),
    ("doorward-endure", Place::Beside(2)),
    ("doorward-model", Place::Beside(0)),
    ("doorward-examples", Place::Beside(2)),
    ("doorward-testkit", Place::Beside(2)),
    ("xtask", Place::Outside),
];

/// Checks the crates and their dependencies in the output of `cargo metadata --no-deps`.
pub(super) fn check(metadata: &Value) -> Vec<Problem> {
    list(metadata, "packages").iter().flat_map(check_crate).collect()
}

fn check_crate(package: &Value) -> Vec<Problem> {
    let name = text(package, "name");
    let manifest = format!("Cargo.toml of {name}");
    let Some(from) = place(name) else {
        return vec![Problem::new(
            manifest,
            "this crate has no floor",
            "add it to the table in xtask/src/tidy/floors.rs, on the lowest floor that works",
        )];
    };
    let ours = list(package, "dependencies").iter().filter(|edge| edge.get("path").is_some());
    ours.filter_map(|edge| check_edge(&manifest, from, edge)).collect()
}

fn check_edge(manifest: &str, from: Place, edge: &Value) -> Option<Problem> {
    let name = text(edge, "name");
    let for_tests = text(edge, "kind") == "dev";
    // A crate without a floor is reported elsewhere.
    let to = place(name)?;
    if is_allowed(from, to, for_tests) {
        return None;
    }
    Some(Problem::new(
        manifest,
        format!("depends on {name}, which is not on a lower floor"),
        "move the shared type down to doorward-core, or the code up to where both are known",
    ))
}

fn is_allowed(from: Place, to: Place, for_tests: bool) -> bool {
    match (from, to) {
        (_, Place::Outside) | (Place::Outside, _) => false,
        _ if for_tests => true,
        (Place::Floor(_), Place::Beside(_)) => false,
        // Neither of the two crates ships.
        (Place::Beside(_), Place::Beside(_)) => true,
        (Place::Beside(highest), Place::Floor(to)) => to <= highest,
        (Place::Floor(from), Place::Floor(to)) => to < from,
    }
}

fn place(name: &str) -> Option<Place> {
    TABLE.iter().find(|(listed, _)| *listed == name).map(|(_, place)| *place)
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns the string at `key`, or the empty string. A normal dependency has no `kind`.
fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with_edge(from: &str, to: &str, kind: Option<&str>) -> Vec<Problem> {
        let edge = json!({ "name": to, "kind": kind, "path": "/somewhere" });
        check(&json!({ "packages": [{ "name": from, "dependencies": [edge] }] }))
    }

    #[test]
    fn a_crate_may_look_down() {
        assert_eq!(with_edge("doorward-server", "doorward", None), []);
        assert_eq!(with_edge("doorward-auth", "doorward-core", Some("build")), []);
        assert_eq!(with_edge("doorward-testkit", "doorward", None), []);
    }

    #[test]
    fn a_crate_may_not_look_up_or_sideways() {
        assert_eq!(with_edge("doorward-core", "doorward-auth", None).len(), 1);
        assert_eq!(with_edge("doorward-auth", "doorward-redis", None).len(), 1);
        assert_eq!(with_edge("doorward-core", "doorward-protocol", Some("build")).len(), 1);
        assert_eq!(with_edge("doorward-testkit", "doorward-server", None).len(), 1);
    }

    #[test]
    fn only_tests_may_use_the_test_kit() {
        assert_eq!(with_edge("doorward", "doorward-testkit", Some("dev")), []);
        assert_eq!(with_edge("doorward", "doorward-testkit", None).len(), 1);
        assert_eq!(with_edge("doorward", "xtask", Some("dev")).len(), 1);
    }

    #[test]
    fn a_crate_without_a_floor_is_a_problem() {
        let found = check(&json!({ "packages": [{ "name": "newcomer", "dependencies": [] }] }));

        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().contains("newcomer"));
    }

    #[test]
    fn crates_of_others_are_not_judged() {
        let edge = json!({ "name": "serde", "kind": null });

        let found = check(&json!({
            "packages": [{ "name": "doorward-core", "dependencies": [edge] }],
        }));

        assert_eq!(found, []);
    }
}
