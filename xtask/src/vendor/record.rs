//! Reads and writes the record of vendored files, `VENDORED.toml`.
//!
//! This file formats the text itself and does not use the crate `toml`, so that a refresh changes only the
//! lines that differ.

use std::fmt::{self, Display, Formatter};

use sha2::{Digest, Sha256};
use toml::{Table, Value};

use crate::report::Failure;

/// A package, and each file that was copied from it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) package: String,
    pub(super) version: String,
    pub(super) licence: String,
    /// Hash of the package, as stated in the lock file of npm.
    pub(super) integrity: String,
    pub(super) files: Vec<File>,
}

/// One vendored file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) name: String,
    size: i64,
    sha256: String,
}

impl File {
    pub(super) fn describe(name: String, bytes: &[u8]) -> Self {
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        Self { name, size, sha256: sha256(bytes) }
    }
}

impl Record {
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let table: Table = text.parse().map_err(|error| Failure::of("VENDORED.toml", error))?;
        let files = table.get("file").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        Ok(Self {
            package: string(&table, "package")?,
            version: string(&table, "version")?,
            licence: string(&table, "licence")?,
            integrity: string(&table, "integrity")?,
            files: files.iter().map(file).collect::<Result<_, _>>()?,
        })
    }
}

impl Display for Record {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "# The browser client, as released; the server hands it out at /socket.io/.")?;
        writeln!(
            f,
            "# Written by `cargo xtask vendor --refresh`, checked by `cargo xtask vendor`."
        )?;
        writeln!(f, "package = \"{}\"", self.package)?;
        writeln!(f, "version = \"{}\"", self.version)?;
        writeln!(f, "licence = \"{}\"", self.licence)?;
        writeln!(f, "integrity = \"{}\"", self.integrity)?;
        for file in &self.files {
            writeln!(f, "\n[[file]]\nname = \"{}\"", file.name)?;
            writeln!(f, "size = {}\nsha256 = \"{}\"", file.size, file.sha256)?;
        }
        Ok(())
    }
}

fn file(value: &Value) -> Result<File, Failure> {
    let table = value.as_table().ok_or_else(|| Failure::new("VENDORED.toml: no table"))?;
    let size = table.get("size").and_then(Value::as_integer);
    Ok(File {
        name: string(table, "name")?,
        size: size.ok_or_else(|| Failure::new("VENDORED.toml: a file without a size"))?,
        sha256: string(table, "sha256")?,
    })
}

fn string(table: &Table, key: &str) -> Result<String, Failure> {
    let found = table.get(key).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| Failure::new(format!("VENDORED.toml has no `{key}`")))
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let record = Record {
            package: "socket.io-client".to_owned(),
            version: "4.8.4".to_owned(),
            licence: "MIT".to_owned(),
            integrity: "sha512-abc".to_owned(),
            files: vec![File::describe("LICENSE".to_owned(), b"MIT")],
        };

        assert_eq!(Record::parse(&record.to_string()).unwrap(), record);
    }

    #[test]
    fn one_changed_byte_is_another_file() {
        let name = || "a.js".to_owned();

        assert_ne!(File::describe(name(), b"let a = 1"), File::describe(name(), b"let a = 2"));
    }

    #[test]
    fn an_incomplete_record_is_refused() {
        assert!(Record::parse("package = \"a\"\n").is_err());
    }
}
