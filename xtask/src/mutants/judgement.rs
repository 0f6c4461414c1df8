//! Evaluates a run: the share of mutants that the tests notice, and the listed survivors that are no longer
//! correct.

use super::{
    list::Mutant,
    outcomes::{Outcome, Outcomes},
    survivors::{SURVIVORS, Survivors},
};
use crate::report::{Problem, Report};

/// Minimum share of mutants that the tests must notice.
const WANTED_PERCENT: usize = 95;

/// Counts the results, and adds `problems` to the report. Named survivors do not count.
pub(super) fn judge(
    outcomes: &Outcomes,
    all: &[Mutant],
    survivors: &Survivors,
    mut problems: Vec<Problem>,
) -> Report {
    let key = |name: &str| all.iter().find(|mutant| mutant.name == name);
    let is_named = |name: &str| key(name).is_some_and(|mutant| survivors.contains(&mutant.key));
    let count = |wanted| outcomes.with(wanted).count();
    let (named, missed): (Vec<&str>, Vec<&str>) =
        outcomes.with(Outcome::Missed).partition(|name| is_named(name));
    let noticed = count(Outcome::Caught) + count(Outcome::TimedOut);
    let judged = noticed + missed.len();
    // Without a mutant that compiles there is nothing to catch.
    let share = (noticed * 1000).checked_div(judged).unwrap_or(1000);
    let summary = format!(
        "{} caught, {} timed out, {} missed, {} named survivors, {} unviable: {}.{} % are noticed",
        count(Outcome::Caught),
        count(Outcome::TimedOut),
        missed.len(),
        named.len(),
        count(Outcome::Unviable),
        share / 10,
        share % 10,
    );
    let rows = missed.iter().map(|name| {
        format!("\n    {name}\n      row: {}", key(name).map_or(*name, |mutant| &mutant.key))
    });
    let summary = format!("{summary}{}", rows.collect::<String>());
    if noticed * 100 < judged * WANTED_PERCENT {
        problems.push(Problem::new(
            "mutants",
            format!("{WANTED_PERCENT} % are wanted: {summary}"),
            "write a test that fails with the change, or add the row with its reason to \
             .cargo/mutants-survivors.toml",
        ));
    }
    Report::new(summary, problems)
}

/// Returns a problem for each listed survivor in the files of the part that is not a mutant any more, or
/// that was caught in this run.
pub(super) fn stale(
    survivors: &Survivors,
    all: &[Mutant],
    outcomes: &Outcomes,
    in_part: impl Fn(&str) -> bool,
) -> Vec<Problem> {
    let in_part = |row: &&str| row.split_once(": ").is_some_and(|(file, _)| in_part(file));
    let found = survivors.keys().filter(in_part).filter_map(|row| {
        let Some(mutant) = all.iter().find(|mutant| mutant.key == *row) else {
            return Some(format!("there is no such mutant any more: {row}"));
        };
        let is_caught = outcomes.of(&mutant.name) == Some(Outcome::Caught);
        is_caught.then(|| format!("a test catches it now: {row}"))
    });
    let remedy = "remove the row, or write the name that `cargo xtask mutants` prints";
    found.map(|what| Problem::new(SURVIVORS, what, remedy)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(caught: usize, missed: usize, named: &str) -> Report {
        let names: Vec<String> =
            (0..caught + missed).map(|n| format!("a.rs:{n}:1: m{n}")).collect();
        let outcome = |n| if n < caught { Outcome::Caught } else { Outcome::Missed };
        let pairs: Vec<(&str, Outcome)> =
            names.iter().enumerate().map(|(n, name)| (name.as_str(), outcome(n))).collect();
        let all: Vec<Mutant> = names
            .iter()
            .enumerate()
            .map(|(n, name)| mutant(name, &format!("a.rs: m{n}")))
            .collect();
        judge(&Outcomes::from_pairs(&pairs), &all, &survivors(&[named]), Vec::new())
    }

    fn mutant(name: &str, key: &str) -> Mutant {
        Mutant { name: name.to_owned(), file: "a.rs".to_owned(), key: key.to_owned() }
    }

    fn survivors(keys: &[&str]) -> Survivors {
        let row = |key: &&str| format!("[[survivor]]\nname = \"{key}\"\nreason = \"equal\"\n");
        Survivors::read(&keys.iter().map(row).collect::<String>()).unwrap()
    }

    #[test]
    fn nineteen_of_twenty_are_enough_and_eighteen_are_not() {
        assert!(judged(19, 1, "a.rs: none").is_clean());

        let red = judged(18, 2, "a.rs: none");
        assert!(!red.is_clean());
        assert!(red.to_string().contains("row: a.rs: m19"), "{red}");
    }

    #[test]
    fn a_missed_mutant_is_listed_in_a_good_run_too() {
        assert!(judged(19, 1, "a.rs: none").to_string().contains("row: a.rs: m19"));
    }

    #[test]
    fn a_named_survivor_does_not_count() {
        let report = judged(18, 2, "a.rs: m19");

        assert!(!report.is_clean());
        assert!(report.to_string().contains("1 missed, 1 named survivors"), "{report}");
        assert!(judged(19, 2, "a.rs: m19").is_clean());
    }

    #[test]
    fn a_row_without_a_mutant_and_a_row_that_is_caught_are_told() {
        let all = [mutant("1", "a.rs: one"), mutant("2", "a.rs: two"), mutant("3", "a.rs: three")];
        let outcomes = Outcomes::from_pairs(&[("1", Outcome::Caught), ("2", Outcome::Missed)]);
        let rows =
            survivors(&["a.rs: one", "a.rs: two", "a.rs: three", "a.rs: gone", "b.rs: gone"]);

        let found = stale(&rows, &all, &outcomes, |file| file == "a.rs");

        assert_eq!(found.len(), 2);
        assert!(found[0].to_string().contains("a test catches it now: a.rs: one"));
        assert!(found[1].to_string().contains("no such mutant any more: a.rs: gone"));
    }
}
