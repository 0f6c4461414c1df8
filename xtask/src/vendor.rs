//! Keeps vendored files equal to those of the released npm packages.
//!
//! A record beside the files contains their version, licence and SHA-256. The check compares the record
//! with the files and with the packages that `e2e/` installs, so that browser tests and users run the same
//! code. The refresh copies files from the installed packages and writes new records.

mod record;

use std::{fs, path::Path};

use serde_json::Value;

use crate::{
    report::{Failure, Problem, Report},
    workspace::Workspace,
};
use record::{File, Record};

/// A package of which the repository contains some files.
#[derive(Debug)]
struct Vendored {
    folder: &'static str,
    package: &'static str,
    /// Name of each file in the folder of the repository, and its name in the package.
    files: &'static [(&'static str, &'static str)],
    /// Files in the folder that do not come from the package.
    ours: &'static [&'static str],
}

const ALL: &[Vendored] = &[
    Vendored {
        folder: "crates/server/client",
        package: "socket.io-client",
        files: &[
            ("LICENSE", "LICENSE"),
            ("socket.io.esm.min.js", "dist/socket.io.esm.min.js"),
            ("socket.io.esm.min.js.map", "dist/socket.io.esm.min.js.map"),
            ("socket.io.js", "dist/socket.io.js"),
            ("socket.io.js.map", "dist/socket.io.js.map"),
            ("socket.io.min.js", "dist/socket.io.min.js"),
            ("socket.io.min.js.map", "dist/socket.io.min.js.map"),
            ("socket.io.msgpack.min.js", "dist/socket.io.msgpack.min.js"),
            ("socket.io.msgpack.min.js.map", "dist/socket.io.msgpack.min.js.map"),
        ],
        ours: &[".gitattributes", RECORD],
    },
    Vendored {
        folder: "crates/server/pages/vendor",
        package: "htm",
        files: &[("LICENSE", "LICENSE"), ("standalone.module.js", "preact/standalone.module.js")],
        // The file contains Preact as well.
        ours: &[".gitattributes", "LICENSE.preact", RECORD],
    },
];

const RECORD: &str = "VENDORED.toml";

/// Compares the files with their records, and the records with the packages that `e2e/` installs.
pub(crate) fn check(workspace: &Workspace) -> Result<Report, Failure> {
    let mut problems = Vec::new();
    let mut versions = Vec::new();
    for vendored in ALL {
        let record = Record::parse(&workspace.read(&format!("{}/{RECORD}", vendored.folder))?)?;
        problems.extend(vendored.compare_versions(workspace, &record)?);
        problems.extend(vendored.compare_files(workspace.root(), &record)?);
        versions.push(format!("{} {}", record.package, record.version));
    }
    Ok(Report::new(format!("{} are as recorded", versions.join(" and ")), problems))
}

/// Copies the files from the installed packages and writes the records.
pub(crate) fn refresh(workspace: &Workspace) -> Result<Report, Failure> {
    for vendored in ALL {
        vendored.refresh(workspace)?;
    }
    check(workspace)
}

impl Vendored {
    fn refresh(&self, workspace: &Workspace) -> Result<(), Failure> {
        let installed = workspace.root().join("e2e/node_modules").join(self.package);
        if !installed.is_dir() {
            return Err(Failure::new("the package is not installed: run `npm ci` in e2e/ first"));
        }
        let described =
            json(workspace, &format!("e2e/node_modules/{}/package.json", self.package))?;
        let mut record = Record {
            package: self.package.to_owned(),
            version: text(&described, "/version")?,
            licence: text(&described, "/license")?,
            integrity: self.locked(workspace, "integrity")?,
            files: Vec::new(),
        };
        let folder = workspace.root().join(self.folder);
        for (name, from) in self.files {
            let bytes = read(&installed.join(from))?;
            write(&folder.join(name), &bytes)?;
            record.files.push(File::describe((*name).to_owned(), &bytes));
        }
        write(&folder.join(RECORD), record.to_string().as_bytes())
    }

    fn compare_versions(
        &self,
        workspace: &Workspace,
        record: &Record,
    ) -> Result<Vec<Problem>, Failure> {
        let pointer = format!("/dependencies/{}", self.package);
        let wanted = text(&json(workspace, "e2e/package.json")?, &pointer)?;
        let mut problems = Vec::new();
        if wanted != record.version {
            problems.push(self.problem(
                RECORD,
                format!("is version {}, but e2e/package.json asks for {wanted}", record.version),
            ));
        }
        if self.locked(workspace, "license")? != record.licence {
            problems.push(self.problem(RECORD, "names another licence than e2e/package-lock.json"));
        }
        if self.locked(workspace, "integrity")? != record.integrity {
            problems
                .push(self.problem(RECORD, "is not the package that e2e/package-lock.json locks"));
        }
        Ok(problems)
    }

    fn compare_files(&self, root: &Path, record: &Record) -> Result<Vec<Problem>, Failure> {
        let folder = root.join(self.folder);
        let mut problems = Vec::new();
        for (name, _) in self.files {
            match record.files.iter().find(|file| file.name == *name) {
                None => problems.push(self.problem(name, "is not in the record")),
                Some(_) if !folder.join(name).is_file() => {
                    problems.push(self.problem(name, "is missing"));
                }
                Some(file) => {
                    let found = File::describe((*name).to_owned(), &read(&folder.join(name))?);
                    if found != *file {
                        problems.push(self.problem(name, "is not the file that was recorded"));
                    }
                }
            }
        }
        let failed = |error| Failure::of(format!("cannot list {}", self.folder), error);
        for entry in fs::read_dir(folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
            let is_vendored = self.files.iter().any(|(known, _)| *known == name);
            if !self.ours.contains(&name.as_str()) && !is_vendored {
                problems.push(self.problem(&name, "is not part of what is vendored"));
            }
        }
        Ok(problems)
    }

    fn problem(&self, name: &str, what: impl Into<String>) -> Problem {
        Problem::new(
            format!("{}/{name}", self.folder),
            what,
            "never edit this folder by hand: `npm ci` in e2e/, then `cargo xtask vendor --refresh`",
        )
    }

    /// Reads one value of the package from the lock file.
    fn locked(&self, workspace: &Workspace, what: &str) -> Result<String, Failure> {
        let lock = json(workspace, "e2e/package-lock.json")?;
        text(&lock, &format!("/packages/node_modules~1{}/{what}", self.package))
    }
}

fn json(workspace: &Workspace, path: &str) -> Result<Value, Failure> {
    serde_json::from_str(&workspace.read(path)?).map_err(|error| Failure::of(path, error))
}

fn text(value: &Value, pointer: &str) -> Result<String, Failure> {
    let found = value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| Failure::new(format!("nothing at {pointer} of the npm package's files")))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::of(format!("cannot read {}", path.display()), error))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes)
        .map_err(|error| Failure::of(format!("cannot write {}", path.display()), error))
}
