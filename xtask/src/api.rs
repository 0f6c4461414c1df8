//! Keeps a list of the public items of every published library in `api/`.
//!
//! A change to the public API is then also a change to a text file, which the author makes deliberately and
//! a reviewer sees. `cargo xtask api` writes the lists, and `cargo xtask test api` compares them with the
//! code. The items come from rustdoc's JSON, which [`rustdoc`] generates with the installed compiler.

mod rustdoc;

use std::{collections::BTreeMap, fs, path::Path};

use public_api::Builder;
use serde_json::Value;

use crate::{
    report::{Failure, Problem, Report},
    workspace::Workspace,
};

/// Published libraries that may have no list yet. `cargo xtask api CRATE` writes a list for them too, and
/// an existing list is compared.
const NOT_YET: &[&str] = &[];

/// Folder of the lists.
const FOLDER: &str = "api";

/// Maximum number of lines of a difference that one problem shows.
const SHOWN: usize = 40;

/// Writes the lists of all libraries, or the list of the named library.
pub(crate) fn write(workspace: &Workspace, only: Option<&str>) -> Result<Report, Failure> {
    let metadata = workspace.metadata(&["--no-deps"])?;
    let all = libraries(&metadata);
    let chosen: Vec<&str> = match only {
        None => all.into_iter().filter(|name| !is_passed_over(workspace, name)).collect(),
        Some(only) => all.into_iter().filter(|name| is_named(name, only)).collect(),
    };
    if chosen.is_empty() {
        let names = libraries(&metadata).join(", ");
        return Err(Failure::new(format!("there is no such published library: choose of {names}")));
    }
    let lists = read(workspace, &chosen)?;
    for (name, list) in &lists {
        let path = file(workspace.root(), name);
        let written =
            fs::create_dir_all(workspace.root().join(FOLDER)).and_then(|()| fs::write(&path, list));
        written.map_err(|error| Failure::of(format!("cannot write {}", path.display()), error))?;
    }
    Ok(Report::new(format!("{} lists are written to {FOLDER}/", lists.len()), Vec::new()))
}

/// Compares the lists with the code.
pub(crate) fn check(workspace: &Workspace) -> Result<Report, Failure> {
    let metadata = workspace.metadata(&["--no-deps"])?;
    let all = libraries(&metadata);
    let mut problems = strangers(workspace, &all)?;
    let due: Vec<&str> = all.into_iter().filter(|name| !is_passed_over(workspace, name)).collect();
    for (name, now) in read(workspace, &due)? {
        let known = fs::read_to_string(file(workspace.root(), name)).ok();
        problems.extend(compare(name, known.as_deref(), &now));
    }
    Ok(Report::new(format!("{} public APIs are as {FOLDER}/ lists them", due.len()), problems))
}

/// Returns `true` if the library has no list and needs none.
fn is_passed_over(workspace: &Workspace, name: &str) -> bool {
    NOT_YET.contains(&name) && !file(workspace.root(), name).is_file()
}

/// Returns the names of the packages that are published and have a library.
fn libraries(metadata: &Value) -> Vec<&str> {
    let packages = metadata.get("packages").and_then(Value::as_array);
    let published = packages.into_iter().flatten().filter(|package| {
        package.get("publish").is_none_or(Value::is_null) && has_library(package)
    });
    published.filter_map(|package| package.get("name")?.as_str()).collect()
}

fn has_library(package: &Value) -> bool {
    let targets = package.get("targets").and_then(Value::as_array);
    let mut kinds =
        targets.into_iter().flatten().filter_map(|target| target.get("kind")?.as_array()).flatten();
    kinds.any(|kind| kind == "lib" || kind == "proc-macro")
}

/// Returns `true` if `name` is the name of the package, with or without `doorward-`.
fn is_named(package: &str, name: &str) -> bool {
    package == name || package.strip_prefix("doorward-") == Some(name)
}

/// Returns the public items of each package.
fn read<'a>(
    workspace: &Workspace,
    packages: &[&'a str],
) -> Result<BTreeMap<&'a str, String>, Failure> {
    let files = rustdoc::run(workspace, packages)?;
    let lists = packages.iter().zip(files).map(|(name, json)| Ok((*name, list(name, &json)?)));
    lists.collect()
}

fn list(name: &str, json: &Path) -> Result<String, Failure> {
    let failed = |error| Failure::of(format!("cannot read {}", json.display()), error);
    let api = Builder::from_rustdoc_json(json).omit_blanket_impls(true).build().map_err(failed)?;
    let items = api.items().map(ToString::to_string).filter(|item| is_worth_a_line(item));
    let mut list = format!(
        "# Public API of {name}: `cargo xtask api` writes this file, `cargo xtask test api` compares it.\n"
    );
    for item in items {
        list.push_str(&item);
        list.push('\n');
    }
    Ok(list)
}

/// Returns `false` for redundant lines: methods that a trait requires, and auto traits, which nearly every
/// type has. A type that lacks `Send` or `Sync`, or has it only under a condition, gets a line.
fn is_worth_a_line(item: &str) -> bool {
    let has = |part: &&str| item.contains(*part);
    if !item.starts_with("impl") {
        return !DEMANDED.iter().any(has);
    }
    let is_common = ["core::marker::Send for", "core::marker::Sync for"].iter().any(has)
        && !item.contains(" !")
        && !item.contains(" where ");
    !is_common && !UNSEEN.iter().any(has)
}

/// Methods of traits whose `impl` has a separate line.
const DEMANDED: &[&str] = &[
    "::clone(&self)",
    "::cmp(&self",
    "::eq(&self",
    "::fmt(&self, &mut core::fmt::Formatter",
    "::hash<",
    "::partial_cmp(&self",
];

/// Traits that programs do not use by name.
const UNSEEN: &[&str] = &[
    "core::marker::Freeze for",
    "core::marker::StructuralPartialEq for",
    "core::marker::Unpin for",
    "core::marker::UnsafeUnpin for",
    "core::panic::unwind_safe::",
];

fn compare(name: &str, known: Option<&str>, now: &str) -> Option<Problem> {
    let path = format!("{FOLDER}/{name}.txt");
    let write = format!("if the change is wanted: `cargo xtask api {name}`, and commit the file");
    let Some(known) = known else {
        return Some(Problem::new(path, "the public API has no list", write));
    };
    let gone = known.lines().filter(|line| !now.lines().any(|other| other == *line));
    let new = now.lines().filter(|line| !known.lines().any(|other| other == *line));
    let changes: Vec<String> = gone
        .map(|line| format!("\n    - {line}"))
        .chain(new.map(|line| format!("\n    + {line}")))
        .collect();
    if changes.is_empty() {
        return None;
    }
    let mut what = format!("{} lines of the public API differ", changes.len());
    what.extend(changes.iter().take(SHOWN).map(String::as_str));
    if changes.len() > SHOWN {
        what.push_str("\n    ..");
    }
    Some(Problem::new(path, what, write))
}

/// Returns the lists whose packages do not exist or are not published.
fn strangers(workspace: &Workspace, libraries: &[&str]) -> Result<Vec<Problem>, Failure> {
    let folder = workspace.root().join(FOLDER);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let failed = |error| Failure::of(format!("cannot list {FOLDER}"), error);
    let mut problems = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if !name.strip_suffix(".txt").is_some_and(|package| libraries.contains(&package)) {
            problems.push(Problem::new(
                format!("{FOLDER}/{name}"),
                "is not the list of a published library",
                "remove it",
            ));
        }
    }
    Ok(problems)
}

fn file(root: &Path, name: &str) -> std::path::PathBuf {
    root.join(FOLDER).join(format!("{name}.txt"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_published_libraries_have_a_list() {
        let package = |name: &str, kind: &str, publish: Value| json!({ "name": name, "publish": publish, "targets": [{ "kind": [kind] }] });

        let metadata = json!({ "packages": [
            package("a", "lib", Value::Null),
            package("b", "proc-macro", Value::Null),
            package("c", "bin", Value::Null),
            package("d", "lib", json!([])),
        ] });

        assert_eq!(libraries(&metadata), ["a", "b"]);
    }

    #[test]
    fn a_difference_is_shown_line_by_line() {
        let known = "# head\npub fn a::f()\npub fn a::g()\n";

        assert_eq!(compare("a", Some(known), known), None);
        let problem = compare("a", Some(known), "# head\npub fn a::g()\npub fn a::h()\n").unwrap();
        let text = problem.to_string();
        assert!(text.contains("2 lines of the public API differ"), "{text}");
        assert!(text.contains("- pub fn a::f()") && text.contains("+ pub fn a::h()"), "{text}");
    }

    #[test]
    fn a_long_difference_is_cut_and_a_missing_list_is_a_problem() {
        let now: String = (0..90).map(|n| format!("pub fn a::f{n}()\n")).collect();

        let text = compare("a", Some(""), &now).unwrap().to_string();
        assert!(text.contains("90 lines") && text.contains("\n    .."), "{text}");
        assert!(compare("a", None, &now).unwrap().to_string().contains("has no list"));
    }

    #[test]
    fn auto_traits_and_methods_that_a_trait_demands_get_no_line() {
        for kept in [
            "pub struct a::Impl",
            "pub fn a::A::clone_all(&self)",
            "impl core::clone::Clone for a::A",
            "impl !core::marker::Sync for a::A",
            "impl<T> core::marker::Send for a::A<T> where T: core::marker::Send",
        ] {
            assert!(is_worth_a_line(kept), "{kept}");
        }

        for dropped in [
            "impl core::marker::Send for a::A",
            "impl core::marker::Freeze for a::A",
            "pub fn a::A::clone(&self) -> a::A",
            "impl !core::panic::unwind_safe::UnwindSafe for a::A",
        ] {
            assert!(!is_worth_a_line(dropped), "{dropped}");
        }
    }

    #[test]
    fn a_crate_is_named_with_or_without_its_prefix() {
        assert!(is_named("doorward-core", "core") && is_named("doorward-core", "doorward-core"));
        assert!(is_named("doorward", "doorward") && !is_named("doorward", "core"));
    }
}
