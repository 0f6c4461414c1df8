//! The mutants that cargo-mutants can make, and a sample of them.
//!
//! A sample must not change with every edit, so it is chosen by a hash of the change that a mutant makes,
//! and not of its line number. After a line was added above, most of the sample is the same, and two runs
//! can be compared.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::report::Failure;

/// A change that cargo-mutants can make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mutant {
    /// Name as cargo-mutants prints it: file, line, column, change.
    pub(super) name: String,
    pub(super) file: String,
    /// File and change without the position. The second and later mutants with the same key get a number.
    pub(super) key: String,
}

/// Reads the output of `cargo mutants --list --json`.
pub(super) fn read(json: &[u8]) -> Result<Vec<Mutant>, Failure> {
    let value: Value = serde_json::from_slice(json)
        .map_err(|error| Failure::of("cargo-mutants printed something that is no JSON", error))?;
    let listed = value.as_array().map_or(&[][..], Vec::as_slice);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut mutants = Vec::with_capacity(listed.len());
    for one in listed {
        let text = |key| one.get(key).and_then(Value::as_str);
        let (Some(name), Some(file)) = (text("name"), text("file")) else {
            return Err(Failure::new("cargo-mutants lists a mutant without a name or a file"));
        };
        let kind = format!("{file}: {}", change(name, file));
        let count = seen.entry(kind.clone()).or_default();
        *count += 1;
        let key = if *count == 1 { kind } else { format!("{kind} ({count})") };
        mutants.push(Mutant { name: name.to_owned(), file: file.to_owned(), key });
    }
    Ok(mutants)
}

/// Returns the part of a name after file, line and column.
fn change<'a>(name: &'a str, file: &str) -> &'a str {
    let rest = name.strip_prefix(file).unwrap_or(name);
    let number = |c: char| c == ':' || c.is_ascii_digit();
    rest.trim_start_matches(number).trim_start()
}

/// Chooses `count` mutants. The same list always gives the same sample.
pub(super) fn sample(all: &[Mutant], count: usize) -> Vec<&Mutant> {
    let mut chosen: Vec<&Mutant> = all.iter().collect();
    chosen.sort_by_cached_key(|mutant| Sha256::digest(format!("{SEED} {}", mutant.key)).to_vec());
    chosen.truncate(count);
    chosen
}

/// Seed of the samples. Another seed gives another sample.
const SEED: &str = "doorward 1";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listed(lines: &[(usize, &str)]) -> Vec<Mutant> {
        let one = |(line, change): &(usize, &str)| json!({ "file": "crates/x/src/a.rs", "name": format!("crates/x/src/a.rs:{line}:7: {change}") });
        let all: Vec<Value> = lines.iter().map(one).collect();
        read(json!(all).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_key_says_what_changes_and_not_where() {
        let mutants = listed(&[(3, "replace f with ()"), (9, "replace == with !=")]);

        let keys: Vec<&str> = mutants.iter().map(|mutant| mutant.key.as_str()).collect();
        assert_eq!(
            keys,
            ["crates/x/src/a.rs: replace f with ()", "crates/x/src/a.rs: replace == with !="]
        );
    }

    #[test]
    fn two_changes_of_one_kind_have_two_keys() {
        let mutants = listed(&[(3, "replace + with - in f"), (4, "replace + with - in f")]);

        assert_eq!(mutants[1].key, "crates/x/src/a.rs: replace + with - in f (2)");
    }

    #[test]
    fn a_sample_is_the_same_after_lines_were_added() {
        let changes: Vec<String> = (0..40).map(|n| format!("replace f{n} with ()")).collect();
        let at = |first: usize| {
            let lines: Vec<(usize, &str)> = changes
                .iter()
                .enumerate()
                .map(|(n, change)| (first + n, change.as_str()))
                .collect();
            listed(&lines)
        };
        let keys = |mutants: &[Mutant]| -> Vec<String> {
            sample(mutants, 5).iter().map(|mutant| mutant.key.clone()).collect()
        };

        assert_eq!(keys(&at(1)), keys(&at(100)));
        assert_eq!(sample(&at(1), 100).len(), 40);
    }

    #[test]
    fn output_that_is_no_list_of_mutants_is_refused() {
        assert!(read(b"no JSON").is_err());
        assert!(read(b"[{}]").is_err());
    }
}
