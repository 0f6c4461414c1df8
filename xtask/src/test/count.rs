//! Counts the tests in a test runner's output: passed, failed and skipped.
//!
//! Each function looks for the closing lines of its runner and adds up their numbers. A run that ended
//! before its closing lines counts no tests; its step fails in any case.

use std::ops::AddAssign;

/// Numbers of tests by result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Counts the tests of cargo, which prints for each test program:
/// `test result: ok. 5 passed; 0 failed; 1 ignored; ..`.
pub(super) fn cargo(output: &str) -> Counts {
    let mut counts = Counts::default();
    let results = output.lines().filter_map(|line| line.trim().strip_prefix("test result: "));
    for part in results.flat_map(|result| result.split([';', '.'])) {
        let mut words = part.split_whitespace();
        let (Some(number), Some(word)) = (words.next(), words.next()) else { continue };
        let number = number.parse().unwrap_or(0);
        match word {
            "failed" => counts.failed += number,
            "ignored" => counts.skipped += number,
            "passed" => counts.passed += number,
            _ => {}
        }
    }
    counts
}

/// Counts the tests of Node, which prints `# pass 5`, or the same line with another mark.
pub(super) fn node(output: &str) -> Counts {
    let mut counts = Counts::default();
    for line in output.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["#" | "\u{2139}", word, number] = words.as_slice() else { continue };
        let number = number.parse().unwrap_or(0);
        match *word {
            "cancelled" | "fail" => counts.failed += number,
            "pass" => counts.passed += number,
            "skipped" | "todo" => counts.skipped += number,
            _ => {}
        }
    }
    counts
}

/// Counts the tests of Python, which prints `Ran 5 tests in 0.1s`, and then `OK (skipped=1)` or
/// `FAILED (failures=1, errors=1)`.
pub(super) fn python(output: &str) -> Counts {
    let mut counts = Counts::default();
    let mut ran: u64 = 0;
    for line in output.lines() {
        if let Some(rest) = line.strip_prefix("Ran ") {
            let number = rest.split_whitespace().next();
            ran += number.and_then(|number| number.parse().ok()).unwrap_or(0);
        }
        let verdict = line.strip_prefix("OK (").or_else(|| line.strip_prefix("FAILED ("));
        for part in verdict.into_iter().flat_map(|rest| rest.trim_end_matches(')').split(", ")) {
            let Some((word, number)) = part.split_once('=') else { continue };
            let number = number.parse().unwrap_or(0);
            match word {
                "errors" | "failures" | "unexpected successes" => counts.failed += number,
                "skipped" => counts.skipped += number,
                _ => {}
            }
        }
    }
    counts.passed = ran.saturating_sub(counts.failed + counts.skipped);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u64, failed: u64, skipped: u64) -> Counts {
        Counts { passed, failed, skipped }
    }

    #[test]
    fn cargo_results_are_added_up() {
        let output = "running 2 tests\n\
            test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test result: FAILED. 1 passed; 3 failed; 4 ignored; 0 measured; 0 filtered out; finished in 1.20s\n";

        assert_eq!(cargo(output), counts(3, 3, 4));
    }

    #[test]
    fn both_reporters_of_node_are_read() {
        assert_eq!(
            node("# tests 6\n# pass 3\n# fail 1\n# cancelled 1\n# skipped 1\n"),
            counts(3, 2, 1)
        );
        assert_eq!(node("\u{2139} pass 7\n\u{2139} fail 0\n"), counts(7, 0, 0));
    }

    #[test]
    fn python_passes_are_what_is_left() {
        assert_eq!(python("Ran 5 tests in 1.2s\n\nOK\n"), counts(5, 0, 0));
        assert_eq!(python("Ran 1 test in 1.2s\n\nOK (skipped=1)\n"), counts(0, 0, 1));
        let failed = "Ran 5 tests in 1.2s\n\nFAILED (failures=1, errors=1, skipped=1)\n";
        assert_eq!(python(failed), counts(2, 2, 1));
    }

    #[test]
    fn other_output_counts_nothing() {
        for count in [cargo, node, python] {
            assert_eq!(count("error: could not compile\n# notes\n"), Counts::default());
        }
    }
}
