//! Reads the list of mutants that no test can or should catch, with the reason for each.

use toml::{Table, Value};

use crate::report::Failure;

/// Path of the file, relative to the root of the repository.
pub(super) const SURVIVORS: &str = ".cargo/mutants-survivors.toml";

/// Rows of the file.
#[derive(Debug, Default)]
pub(super) struct Survivors(Vec<String>);

impl Survivors {
    /// Reads the file. Each row needs a name and a reason.
    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        let table: Table = text.parse().map_err(|error| Failure::of(SURVIVORS, error))?;
        let rows = table.get("survivor").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        rows.iter().map(name).collect::<Result<_, _>>().map(Self)
    }

    /// Returns the keys of the listed mutants.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(super) fn contains(&self, key: &str) -> bool {
        self.0.iter().any(|name| name == key)
    }
}

fn name(row: &Value) -> Result<String, Failure> {
    let text = |key| row.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    match (text("name"), text("reason")) {
        (Some(name), Some(_)) => Ok(name.to_owned()),
        (Some(name), None) => Err(Failure::new(format!(
            "{SURVIVORS}: say in `reason` why no test catches this mutant: {name}"
        ))),
        (None, _) => Err(Failure::new(format!("{SURVIVORS}: a row has no `name`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_a_reason_is_refused() {
        let good = "[[survivor]]\nname = \"a.rs: one\"\nreason = \"equal\"\n";

        assert!(Survivors::read(good).unwrap().contains("a.rs: one"));
        for bad in ["[[survivor]]\nname = \"a\"\n", "[[survivor]]\nname = \"a\"\nreason = \" \"\n"]
        {
            assert!(Survivors::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_file_of_the_repository_is_read() {
        assert!(Survivors::read(include_str!("../../../.cargo/mutants-survivors.toml")).is_ok());
    }
}
