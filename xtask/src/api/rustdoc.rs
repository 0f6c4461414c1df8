//! Generates rustdoc's JSON with the installed compiler.
//!
//! The format is unstable, and rustdoc writes it only under `RUSTC_BOOTSTRAP=1`. If the variable were set
//! for cargo, every dependency would be compiled again, because build scripts read it. So cargo gets a
//! script in place of rustdoc, and only the script sets the variable.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;

use crate::{out, process, report::Failure, workspace, workspace::Workspace};

/// Version of the format that the crate `public-api` reads.
const FORMAT: u64 = 57;

/// Generates the JSON of the packages, and returns the path of each file.
pub(super) fn run(workspace: &Workspace, packages: &[&str]) -> Result<Vec<PathBuf>, Failure> {
    if packages.is_empty() {
        return Ok(Vec::new());
    }
    let script = workspace.target().join("tools/rustdoc-json");
    write_script(&script)
        .map_err(|error| Failure::of(format!("cannot write {}", script.display()), error))?;
    let mut command = workspace::cargo();
    command
        .args(["doc", "--locked", "--no-deps", "--lib", "--all-features"])
        .args(packages.iter().flat_map(|package| ["--package", package]))
        .current_dir(workspace.root())
        .env("RUSTDOC", &script)
        .env("RUSTDOCFLAGS", "-Zunstable-options --output-format=json");
    let run = process::run(&mut command, LIMIT, out::progress);
    out::progress("");
    if !run.success {
        return Err(Failure::of("rustdoc failed", run.output.trim()));
    }
    let folder = workspace.target().join("doc");
    packages
        .iter()
        .map(|package| {
            let file = folder.join(format!("{}.json", package.replace('-', "_")));
            check_format(&file).map(|()| file)
        })
        .collect()
}

fn write_script(path: &Path) -> std::io::Result<()> {
    let rustdoc = env::var("RUSTDOC").unwrap_or_else(|_| "rustdoc".to_owned());
    let text = format!("#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec '{rustdoc}' \"$@\"\n");
    // An identical script is not written again: it would be open for writing while another run starts it.
    if fs::read_to_string(path).is_ok_and(|found| found == text) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

fn check_format(file: &Path) -> Result<(), Failure> {
    let text = fs::read(file)
        .map_err(|error| Failure::of(format!("cannot read {}", file.display()), error))?;
    let found = format_of(&text);
    if found == Some(FORMAT) {
        return Ok(());
    }
    let found =
        found.map_or("an unknown version".to_owned(), |version| format!("version {version}"));
    Err(Failure::new(format!(
        "this compiler's rustdoc writes {found} of its JSON, and the crate public-api reads {FORMAT}: \
         take the public-api for this compiler in Cargo.toml, and change FORMAT in \
         xtask/src/api/rustdoc.rs"
    )))
}

fn format_of(json: &[u8]) -> Option<u64> {
    serde_json::from_slice::<Value>(json).ok()?.get("format_version")?.as_u64()
}

/// Time limit of one run, which may compile every dependency.
const LIMIT: Duration = Duration::from_mins(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_the_format_is_read() {
        assert_eq!(format_of(br#"{ "format_version": 57, "index": {} }"#), Some(57));
        assert_eq!(format_of(b"{}"), None);
        assert_eq!(format_of(b"<html>"), None);
    }
}
