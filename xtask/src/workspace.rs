//! Finds the repository and the files that belong to it.
//!
//! Paths are relative to the folder of this crate, so every command works in any current folder. Files are
//! found by a walk through the folders and not with git, so the checks also work in an unpacked archive.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::report::Failure;

/// The repository, and the target folder of cargo.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

/// A text file of the repository.
#[derive(Debug)]
pub(crate) struct Source {
    /// Path relative to the root, with `/` between the parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Workspace {
    /// Finds the repository that this program was built from.
    pub(crate) fn find() -> Result<Self, Failure> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().unwrap_or(manifest).to_path_buf();
        let described = metadata(&root, &["--no-deps"])?;
        let target = described
            .get("target_directory")
            .and_then(Value::as_str)
            .ok_or_else(|| Failure::new("cargo metadata names no target directory"))?;
        Ok(Self { target: PathBuf::from(target), root })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Returns the output of `cargo metadata` with these options.
    pub(crate) fn metadata(&self, options: &[&str]) -> Result<Value, Failure> {
        metadata(&self.root, options)
    }

    /// Returns name and version of every crate that is compiled for any target, as `name vVERSION`. The
    /// lock file also lists crates of features that are off.
    pub(crate) fn compiled(&self) -> Result<BTreeSet<String>, Failure> {
        let arguments = ["tree", "--locked", "--workspace", "--target", "all", "--prefix", "none"];
        let output = said(&self.root, &[&arguments[..], &["--format", "{p}"]].concat())?;
        let lines = String::from_utf8_lossy(&output).into_owned();
        let crates = lines.lines().filter_map(|line| {
            let mut words = line.split(' ');
            Some(format!("{} {}", words.next()?, words.next()?))
        });
        Ok(crates.collect())
    }

    /// Reads one file, named relative to the root.
    pub(crate) fn read(&self, path: &str) -> Result<String, Failure> {
        let full = self.root.join(path);
        fs::read_to_string(&full).map_err(|error| Failure::of(format!("cannot read {path}"), error))
    }

    /// Returns every text file of the repository that was written by people, sorted by path.
    pub(crate) fn sources(&self) -> Result<Vec<Source>, Failure> {
        let mut sources = Vec::new();
        self.walk(&self.root, &mut sources)?;
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(sources)
    }

    fn walk(&self, folder: &Path, sources: &mut Vec<Source>) -> Result<(), Failure> {
        let failed = |error| Failure::of(format!("cannot list {}", folder.display()), error);
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let relative = self.relative(&path);
            if is_foreign(&relative) || path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                self.walk(&path, sources)?;
            } else if let Ok(text) = fs::read_to_string(&path) {
                // A file that is not UTF-8, such as a picture, has no text to check.
                sources.push(Source { path: relative, text });
            }
        }
        Ok(())
    }

    fn relative(&self, path: &Path) -> String {
        let inside = path.strip_prefix(&self.root).unwrap_or(path);
        let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
        parts.join("/")
    }
}

/// Returns a command for the cargo that runs this program.
pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Returns `true` for files that are generated, installed or vendored, which are not checked.
fn is_foreign(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let built = !path.contains('/') && (name == "target" || name.starts_with("target-"));
    built
        || path == "crates/server/client"
        || path.starts_with("crates/server/client/")
        || matches!(name, ".git" | "node_modules" | "__pycache__" | "doorward-data")
        || matches!(name, "Cargo.lock" | "package-lock.json")
}

fn metadata(root: &Path, options: &[&str]) -> Result<Value, Failure> {
    let output = said(root, &[&["metadata", "--format-version", "1"], options].concat())?;
    serde_json::from_slice(&output)
        .map_err(|error| Failure::of("cargo metadata printed something that is no JSON", error))
}

/// Runs cargo and returns its standard output.
fn said(root: &Path, arguments: &[&str]) -> Result<Vec<u8>, Failure> {
    let what = arguments.first().copied().unwrap_or_default();
    let output = cargo()
        .args(arguments)
        .current_dir(root)
        .output()
        .map_err(|error| Failure::of(format!("cannot run cargo {what}"), error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::of(format!("cargo {what} failed"), said.trim()));
    }
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_and_vendored_folders_are_left_out() {
        for path in ["target", "target-xtask", "e2e/node_modules", "crates/server/client/x.js"] {
            assert!(is_foreign(path), "{path}");
        }

        for path in ["crates/core/src/target.rs", "docs/target", "crates/server/clients.rs"] {
            assert!(!is_foreign(path), "{path}");
        }
    }
}
