//! Results of a run of cargo-mutants.

use std::{fs, path::Path};

use serde_json::Value;

use crate::report::Failure;

/// Result of one mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Caught,
    /// No test failed.
    Missed,
    /// The tests did not end in time. This counts as noticed too.
    TimedOut,
    /// The mutant did not compile, so it says nothing about the tests.
    Unviable,
}

impl Outcome {
    /// Reads the line that cargo-mutants prints when it has finished a mutant.
    pub(super) fn of_line(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ')?;
        // The summary at the end begins with a number, the unchanged run is `ok`.
        if !rest.contains(".rs:") {
            return None;
        }
        match word {
            "MISSED" => Some(Self::Missed),
            "TIMEOUT" => Some(Self::TimedOut),
            "caught" => Some(Self::Caught),
            "unviable" => Some(Self::Unviable),
            _ => None,
        }
    }
}

/// Name and result of every mutant that was run.
#[derive(Debug)]
pub(super) struct Outcomes(Vec<(String, Outcome)>);

impl Outcomes {
    /// Reads `outcomes.json`.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path)
            .map_err(|error| Failure::of(format!("cannot read {}", path.display()), error))?;
        Self::parse(&text).map_err(|error| Failure::of(path.display(), error))
    }

    fn parse(text: &str) -> Result<Self, Failure> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| Failure::of("this is no JSON", error))?;
        let listed = value.get("outcomes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let summary = |one: &Value| one.get("summary").and_then(Value::as_str).map(str::to_owned);
        let mut outcomes = Vec::with_capacity(listed.len());
        for one in listed {
            let name = one.pointer("/scenario/Mutant/name").and_then(Value::as_str);
            let summary = summary(one).unwrap_or_default();
            let outcome = match (name, summary.as_str()) {
                // This entry is the run without a mutant.
                (None, "Success") => continue,
                (None, _) => {
                    return Err(Failure::new(
                        "the tests fail without a change: mend them first, `cargo xtask test tests` \
                         shows how",
                    ));
                }
                (Some(_), "CaughtMutant") => Outcome::Caught,
                (Some(_), "MissedMutant") => Outcome::Missed,
                (Some(_), "Timeout") => Outcome::TimedOut,
                (Some(_), "Unviable") => Outcome::Unviable,
                (Some(name), other) => {
                    return Err(Failure::new(format!("unknown result {other} of {name}")));
                }
            };
            outcomes.extend(name.map(|name| (name.to_owned(), outcome)));
        }
        Ok(Self(outcomes))
    }

    /// Returns the names of the mutants with this result.
    pub(super) fn with(&self, wanted: Outcome) -> impl Iterator<Item = &str> {
        let wanted = self.0.iter().filter(move |(_, outcome)| *outcome == wanted);
        wanted.map(|(name, _)| name.as_str())
    }

    pub(super) fn of(&self, name: &str) -> Option<Outcome> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, outcome)| *outcome)
    }

    #[cfg(test)]
    pub(super) fn from_pairs(pairs: &[(&str, Outcome)]) -> Self {
        Self(pairs.iter().map(|(name, outcome)| ((*name).to_owned(), *outcome)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_results_of_cargo_mutants_are_read() {
        let text = r#"{ "outcomes": [
            { "scenario": "Baseline", "summary": "Success" },
            { "scenario": { "Mutant": { "name": "a" } }, "summary": "CaughtMutant" },
            { "scenario": { "Mutant": { "name": "b" } }, "summary": "Timeout" },
            { "scenario": { "Mutant": { "name": "c" } }, "summary": "Unviable" }
        ] }"#;

        let outcomes = Outcomes::parse(text).unwrap();

        assert_eq!(outcomes.of("a"), Some(Outcome::Caught));
        assert_eq!(outcomes.of("b"), Some(Outcome::TimedOut));
        assert_eq!(outcomes.of("c"), Some(Outcome::Unviable));
        assert_eq!(outcomes.of("d"), None);
    }

    #[test]
    fn tests_that_fail_without_a_mutant_stop_the_run() {
        let text = r#"{ "outcomes": [{ "scenario": "Baseline", "summary": "Failure" }] }"#;

        assert!(Outcomes::parse(text).unwrap_err().to_string().contains("without a change"));
    }

    #[test]
    fn lines_of_finished_mutants_are_told_from_others() {
        assert_eq!(
            Outcome::of_line("MISSED   a.rs:1:2: replace f in 1s build"),
            Some(Outcome::Missed)
        );
        assert_eq!(
            Outcome::of_line("caught   a.rs:1:2: replace f in 1s build"),
            Some(Outcome::Caught)
        );
        assert_eq!(Outcome::of_line("ok       Unmutated baseline in 3s build"), None);
        assert_eq!(Outcome::of_line("15 mutants tested in 1m: 15 caught"), None);
    }
}
