//! The closing table: each step with its result, then the tests of all steps on one line.
//!
//! A step that failed without naming a failing test counts as one failed test, and a skipped step as
//! one skipped test, so that the closing line is no better than the run.

use std::{
    env,
    fmt::{self, Display, Formatter},
    time::Duration,
};

use super::count::Counts;

/// Result, duration and test counts of one step.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) result: Result,
    pub(super) took: Duration,
    /// `None` for a check that counts no tests.
    pub(super) counts: Option<Counts>,
}

/// Result of a step as the table shows it.
#[derive(Debug)]
pub(super) enum Result {
    Failed,
    Passed,
    /// The step was skipped for this reason.
    Skipped(String),
}

/// Outcomes of all steps so far.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<(&'static str, Outcome)>,
}

impl Table {
    pub(super) fn add(&mut self, step: &'static str, outcome: Outcome) {
        self.rows.push((step, outcome));
    }

    /// Returns `true` if nothing failed and, with `CI=true`, nothing was skipped.
    pub(super) fn is_success(&self) -> bool {
        self.is_success_when(env::var("CI").is_ok_and(|value| value == "true"))
    }

    fn is_success_when(&self, strict: bool) -> bool {
        let steps_passed = self.rows.iter().all(|(_, outcome)| match outcome.result {
            Result::Failed => false,
            Result::Passed => true,
            Result::Skipped(_) => !strict,
        });
        steps_passed && !(strict && self.total().skipped > 0)
    }

    fn total(&self) -> Counts {
        let mut total = Counts::default();
        for (_, outcome) in &self.rows {
            let mut counts = outcome.counts.unwrap_or_default();
            match outcome.result {
                Result::Failed => counts.failed = counts.failed.max(1),
                Result::Passed => {}
                Result::Skipped(_) => counts.skipped = counts.skipped.max(1),
            }
            total += counts;
        }
        total
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{:<18} {:<8} {:>8}  tests", "step", "result", "seconds")?;
        for (step, outcome) in &self.rows {
            let (result, note) = match &outcome.result {
                Result::Failed => ("failed", String::new()),
                Result::Passed => ("passed", String::new()),
                Result::Skipped(reason) => ("skipped", reason.clone()),
            };
            let counts = outcome.counts.map_or(note, |counts| describe(&counts));
            let seconds = outcome.took.as_secs_f64();
            let row = format!("{step:<18} {result:<8} {seconds:>8.1}  {counts}");
            writeln!(f, "{}", row.trim_end())?;
        }
        write!(f, "\n{}", describe(&self.total()))
    }
}

fn describe(counts: &Counts) -> String {
    format!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(result: Result, counts: Option<Counts>) -> Outcome {
        Outcome { result, took: Duration::from_secs(2), counts }
    }

    fn closing_line(table: &Table) -> String {
        table.to_string().lines().last().unwrap_or_default().to_owned()
    }

    #[test]
    fn tests_of_all_steps_are_added_up() {
        let mut table = Table::default();
        table.add("fmt", outcome(Result::Passed, None));
        for passed in [3, 4] {
            let counts = Counts { passed, failed: 0, skipped: 0 };
            table.add("tests", outcome(Result::Passed, Some(counts)));
        }

        assert_eq!(closing_line(&table), "7 passed, 0 failed, 0 skipped");
        assert!(table.is_success_when(true));
    }

    #[test]
    fn a_failed_check_is_seen_in_the_closing_line() {
        let mut table = Table::default();
        table.add("clippy", outcome(Result::Failed, None));

        assert_eq!(closing_line(&table), "0 passed, 1 failed, 0 skipped");
        assert!(!table.is_success_when(false));
    }

    #[test]
    fn a_skip_fails_only_where_it_is_forbidden() {
        let mut table = Table::default();
        table.add("e2e-browser", outcome(Result::Skipped("no Chromium".to_owned()), None));

        assert_eq!(closing_line(&table), "0 passed, 0 failed, 1 skipped");
        assert!(table.is_success_when(false));
        assert!(!table.is_success_when(true));
    }

    #[test]
    fn a_skipped_test_fails_where_it_is_forbidden() {
        let mut table = Table::default();
        let counts = Counts { passed: 1, failed: 0, skipped: 1 };
        table.add("tests", outcome(Result::Passed, Some(counts)));

        assert!(table.is_success_when(false));
        assert!(!table.is_success_when(true));
    }
}
