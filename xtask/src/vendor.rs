//! Keeps the vendored browser client equal to the released npm package.
//!
//! The record beside the files holds the version and the SHA-256 of each. The check compares it with
//! the files and with what `e2e/` installs, so that browser tests and users run the same client; the
//! refresh copies the installed package and writes the record anew.

mod record;

use std::{fs, path::Path};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    report::{Failure, Problem, Report},
    workspace::Workspace,
};
use record::{File, Record};

const FOLDER: &str = "crates/server/client";
const RECORD: &str = "VENDORED.toml";
const PACKAGE: &str = "socket.io-client";

/// The builds that the server hands out; each has a source map beside it.
const BUILDS: &[&str] =
    &["socket.io.esm.min.js", "socket.io.js", "socket.io.min.js", "socket.io.msgpack.min.js"];

/// Files of the folder that are ours.
const OURS: &[&str] = &[".gitattributes", RECORD];

/// Compares the files with the record, and the record with what `e2e/` installs.
pub(crate) fn check(workspace: &Workspace) -> Result<Report, Failure> {
    let record = Record::parse(&workspace.read(&format!("{FOLDER}/{RECORD}"))?)?;
    let folder = workspace.root().join(FOLDER);
    let mut problems = compare_versions(workspace, &record)?;
    problems.extend(compare_files(&folder, &record)?);
    Ok(Report::new(format!("{} {} is as recorded", record.package, record.version), problems))
}

/// Takes the files of the installed package and writes the record.
pub(crate) fn refresh(workspace: &Workspace) -> Result<Report, Failure> {
    let installed = workspace.root().join("e2e/node_modules").join(PACKAGE);
    if !installed.is_dir() {
        return Err(Failure::new("the package is not installed: run `npm ci` in e2e/ first"));
    }
    let described = json(workspace, &format!("e2e/node_modules/{PACKAGE}/package.json"))?;
    let mut record = Record {
        package: PACKAGE.to_owned(),
        version: text(&described, "/version")?,
        licence: text(&described, "/license")?,
        integrity: locked_integrity(workspace)?,
        files: Vec::new(),
    };
    let folder = workspace.root().join(FOLDER);
    for name in file_names() {
        let from = if name == "LICENSE" { name.clone() } else { format!("dist/{name}") };
        let bytes = read(&installed.join(from))?;
        write(&folder.join(&name), &bytes)?;
        record.files.push(File::describe(name, &bytes));
    }
    write(&folder.join(RECORD), record.to_string().as_bytes())?;
    check(workspace)
}

fn compare_versions(workspace: &Workspace, record: &Record) -> Result<Vec<Problem>, Failure> {
    let wanted = text(&json(workspace, "e2e/package.json")?, &format!("/dependencies/{PACKAGE}"))?;
    let mut problems = Vec::new();
    if wanted != record.version {
        problems.push(problem(
            RECORD,
            format!("is version {}, but e2e/package.json asks for {wanted}", record.version),
        ));
    }
    if locked_integrity(workspace)? != record.integrity {
        problems.push(problem(RECORD, "is not the package that e2e/package-lock.json locks"));
    }
    Ok(problems)
}

fn compare_files(folder: &Path, record: &Record) -> Result<Vec<Problem>, Failure> {
    let mut problems = Vec::new();
    for name in file_names() {
        match record.files.iter().find(|file| file.name == name) {
            None => problems.push(problem(&name, "is not in the record")),
            Some(_) if !folder.join(&name).is_file() => problems.push(problem(&name, "is missing")),
            Some(file) => {
                let found = File::describe(name.clone(), &read(&folder.join(&name))?);
                if found != *file {
                    problems.push(problem(&name, "is not the file that was recorded"));
                }
            }
        }
    }
    let failed = |error| Failure::of(format!("cannot list {FOLDER}"), error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if !OURS.contains(&name.as_str()) && !file_names().contains(&name) {
            problems.push(problem(&name, "is not part of the vendored client"));
        }
    }
    Ok(problems)
}

fn problem(name: &str, what: impl Into<String>) -> Problem {
    Problem::new(
        format!("{FOLDER}/{name}"),
        what,
        "never edit this folder by hand: `npm ci` in e2e/, then `cargo xtask vendor --refresh`",
    )
}

fn file_names() -> Vec<String> {
    let builds = BUILDS.iter().flat_map(|build| [(*build).to_owned(), format!("{build}.map")]);
    ["LICENSE".to_owned()].into_iter().chain(builds).collect()
}

fn locked_integrity(workspace: &Workspace) -> Result<String, Failure> {
    let lock = json(workspace, "e2e/package-lock.json")?;
    text(&lock, &format!("/packages/node_modules~1{PACKAGE}/integrity"))
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

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
