//! Checks that every rule is run.

/// Sources of the files with rules.
const RULES: &[&str] = &[
    include_str!("cluster.rs"),
    include_str!("revocations.rs"),
    include_str!("seats.rs"),
    include_str!("sessions.rs"),
    include_str!("sessions/at_once.rs"),
    include_str!("sessions/changes.rs"),
    include_str!("sessions/ends.rs"),
    include_str!("tickets.rs"),
    include_str!("together.rs"),
];

#[test]
fn every_rule_becomes_a_test() {
    let (_, list) = include_str!("../conformance.rs").split_once("macro_rules!").unwrap();
    let rules = RULES.iter().flat_map(|file| file.split("\npub async fn ").skip(1));
    let names: Vec<_> = rules.map(|rule| rule.split(['<', '(']).next().unwrap()).collect();

    assert!(names.len() > 40, "{}", names.len());
    for name in names {
        assert!(list.contains(&format!(" {name},\n")), "{name} is not in the list");
    }
}
