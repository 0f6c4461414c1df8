//! Parts of the code that are sampled, and the size of each sample.

use serde_json::Value;

use crate::{report::Failure, workspace::Workspace};

/// Code of one crate.
#[derive(Debug)]
pub(super) struct Part {
    /// Name of the crate's folder.
    pub(super) name: String,
    package: String,
    /// Folders, without a slash at the end. The file of the same name beside a folder belongs to it.
    pub(super) folders: Vec<String>,
    features: &'static str,
    /// Number of mutants to run, unless the command line gives another number.
    pub(super) sample: usize,
}

/// Row of the table of parts.
struct Row {
    crate_folder: &'static str,
    /// Folders below `src`. None stands for the whole of `src`.
    folders: &'static [&'static str],
    /// Features of the crate that the rest of the workspace enables.
    features: &'static str,
    sample: usize,
}

/// Code that decides about a connection or reads bytes of the network.
const TABLE: &[Row] = &[
    Row { crate_folder: "core", folders: &[], features: "", sample: 150 },
    Row { crate_folder: "protocol", folders: &[], features: "", sample: 150 },
    Row { crate_folder: "auth", folders: &[], features: "", sample: 150 },
    Row {
        crate_folder: "gateway",
        // Seats and revocations are in `presence`, and the pipeline is in `event`.
        folders: &["admission", "event", "presence"],
        features: "axum",
        sample: 100,
    },
];

/// Size of the sample of a crate that is not in the table.
const OTHER_SAMPLE: usize = 100;

impl Part {
    /// Returns the options that limit cargo-mutants to this part.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![format!("--package={}", self.package)];
        for folder in &self.folders {
            arguments.push(format!("--file={folder}.rs"));
            arguments.push(format!("--file={folder}/**"));
        }
        if !self.features.is_empty() {
            arguments.push(format!("--features={}", self.features));
        }
        arguments
    }
}

/// Returns the parts of the table, or the named crate, which need not be in the table.
pub(super) fn choose(workspace: &Workspace, only: Option<&str>) -> Result<Vec<Part>, Failure> {
    let metadata = workspace.metadata(&["--no-deps"])?;
    match only {
        None => TABLE.iter().map(|row| part(&metadata, row)).collect(),
        Some(only) => {
            let listed = TABLE.iter().find(|row| row.crate_folder == only);
            Ok(vec![listed.map_or_else(|| other(&metadata, only), |row| part(&metadata, row))?])
        }
    }
}

fn part(metadata: &Value, row: &Row) -> Result<Part, Failure> {
    let src = format!("crates/{}/src", row.crate_folder);
    let folders = match row.folders {
        [] => vec![src],
        some => some.iter().map(|folder| format!("{src}/{folder}")).collect(),
    };
    Ok(Part {
        name: row.crate_folder.to_owned(),
        package: package(metadata, row.crate_folder)?,
        folders,
        features: row.features,
        sample: row.sample,
    })
}

fn other(metadata: &Value, folder: &str) -> Result<Part, Failure> {
    Ok(Part {
        name: folder.to_owned(),
        package: package(metadata, folder)?,
        folders: vec![format!("crates/{folder}/src")],
        features: "",
        sample: OTHER_SAMPLE,
    })
}

/// Name of the package in `crates/FOLDER`.
fn package(metadata: &Value, folder: &str) -> Result<String, Failure> {
    let end = format!("/crates/{folder}/Cargo.toml");
    let packages = metadata.get("packages").and_then(Value::as_array);
    let named = packages.into_iter().flatten().find_map(|package| {
        let manifest = package.get("manifest_path")?.as_str()?;
        manifest.ends_with(&end).then(|| package.get("name")?.as_str())?
    });
    named
        .map(str::to_owned)
        .ok_or_else(|| Failure::new(format!("there is no crate in crates/{folder}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_becomes_options_of_cargo_mutants() {
        let metadata = json!({
            "packages": [{ "name": "doorward", "manifest_path": "/r/crates/gateway/Cargo.toml" }],
        });
        let row = Row { crate_folder: "gateway", folders: &["event"], features: "axum", sample: 9 };

        let part = part(&metadata, &row).unwrap();

        assert_eq!(
            part.arguments(),
            [
                "--package=doorward",
                "--file=crates/gateway/src/event.rs",
                "--file=crates/gateway/src/event/**",
                "--features=axum",
            ]
        );
    }

    #[test]
    fn an_unknown_crate_is_refused() {
        assert!(other(&json!({ "packages": [] }), "nothing").is_err());
    }
}
