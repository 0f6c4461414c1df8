//! Checks that a published crate includes only files of its own folder.
//!
//! `cargo package` packs no file from outside of the folder of a crate. A crate that includes such a file
//! compiles in this repository, but not as a dependency. Includes that only tests compile are accepted,
//! because a dependent never compiles them.

use std::path::{Component, Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use serde_json::Value;
use syn::{
    Attribute, File, Item, LitStr, Macro, Meta,
    visit::{self, Visit},
};

use super::syntax::{attributes, is_for_tests};
use crate::{
    report::{Failure, Problem},
    workspace::Source,
};

/// Crates that tidy skips until they are corrected.
const NOT_YET: &[&str] = &[];

/// Macros that read a file. The path is relative to the file that contains the macro.
const INCLUDES: &[&str] = &["include", "include_bytes", "include_str"];

/// Attribute of rust-embed. Its folder is relative to `Cargo.toml`.
const FOLDER: &str = "folder";

/// Checks the crates of `cargo metadata --no-deps` that are published. `root` is the repository.
pub(super) fn check(
    root: &Path,
    metadata: &Value,
    sources: &[Source],
) -> Result<Vec<Problem>, Failure> {
    let packages = metadata.get("packages").and_then(Value::as_array);
    let mut problems = Vec::new();
    for package in packages.map_or(&[][..], Vec::as_slice) {
        let text = |key| package.get(key).and_then(Value::as_str).unwrap_or_default();
        let is_published = package.get("publish").is_none_or(Value::is_null);
        if !is_published || NOT_YET.contains(&text("name")) {
            continue;
        }
        let folder = Path::new(text("manifest_path")).parent().unwrap_or(root);
        let folder = folder.strip_prefix(root).unwrap_or(folder);
        problems.extend(check_crate(folder, sources)?);
    }
    Ok(problems)
}

fn check_crate(folder: &Path, sources: &[Source]) -> Result<Vec<Problem>, Failure> {
    let src = folder.join("src");
    let is_own = |source: &&Source| {
        let path = Path::new(&source.path);
        let is_test = path.components().any(|part| part.as_os_str() == "tests.rs");
        path.starts_with(&src) && source.path.ends_with(".rs") && !is_test
    };
    let mut problems = Vec::new();
    for source in sources.iter().filter(is_own) {
        for (line, path) in included(source, folder)? {
            if !path.starts_with(folder) {
                problems.push(Problem::new(
                    format!("{}:{line}", source.path),
                    format!("includes {}, which is not in the crate's folder", path.display()),
                    format!("move the file below {}, or write its text here", folder.display()),
                ));
            }
        }
    }
    Ok(problems)
}

/// Returns the files and folders that a file includes, relative to the repository, each with the line.
fn included(source: &Source, folder: &Path) -> Result<Vec<(usize, PathBuf)>, Failure> {
    let file: File = syn::parse_file(&source.text)
        .map_err(|error| Failure::of(format!("{} is not Rust", source.path), error))?;
    let beside = Path::new(&source.path).parent().unwrap_or(folder);
    let mut reader = Reader { beside, folder, found: Vec::new() };
    reader.visit_file(&file);
    Ok(reader.found)
}

struct Reader<'a> {
    /// Folder of the including file.
    beside: &'a Path,
    /// Folder of the crate.
    folder: &'a Path,
    found: Vec<(usize, PathBuf)>,
}

impl Reader<'_> {
    fn add(&mut self, base: &Path, name: &str, line: usize) {
        self.found.push((line, normal(&base.join(name))));
    }

    /// Reads the arguments of an including macro: a string, or the parts of `concat!`.
    fn arguments(&mut self, tokens: TokenStream) {
        let mut parts = Parts::default();
        parts.read(tokens);
        let base = match parts.base.as_deref() {
            None => self.beside,
            Some("CARGO_MANIFEST_DIR") => self.folder,
            // A variable such as `OUT_DIR`: the build generates the file.
            Some(_) => return,
        };
        // The path after a variable begins with a slash.
        let name =
            if parts.base.is_some() { parts.text.trim_start_matches('/') } else { &parts.text };
        self.add(base, name, parts.line);
    }

    /// Looks for including macros in the tokens of other macros, which have no syntax tree.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            let TokenTree::Group(group) = token else { continue };
            let is_include = at >= 2
                && matches!(&tokens[at - 1], TokenTree::Punct(punct) if punct.as_char() == '!')
                && matches!(&tokens[at - 2], TokenTree::Ident(name) if is_include(&name.to_string()));
            if is_include {
                self.arguments(group.stream());
            } else {
                self.tokens(group.stream());
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_macro(&mut self, invoked: &'ast Macro) {
        let name = invoked.path.segments.last().map(|last| last.ident.to_string());
        if name.is_some_and(|name| is_include(&name)) {
            self.arguments(invoked.tokens.clone());
        } else {
            self.tokens(invoked.tokens.clone());
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::NameValue(pair) = &attribute.meta
            && attribute.path().is_ident(FOLDER)
            && let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(name), .. }) = &pair.value
        {
            let folder = self.folder;
            self.add(folder, &name.value(), name.span().start().line);
        }
        visit::visit_attribute(self, attribute);
    }
}

/// Pieces of the argument of an including macro.
#[derive(Debug, Default)]
struct Parts {
    /// Name of the variable at the beginning of the path.
    base: Option<String>,
    text: String,
    line: usize,
}

impl Parts {
    fn read(&mut self, tokens: TokenStream) {
        let mut in_env = false;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => in_env = name == "env",
                TokenTree::Group(group) if in_env => {
                    let mut variable = Self::default();
                    variable.read(group.stream());
                    self.base = Some(variable.text);
                    in_env = false;
                }
                TokenTree::Group(group) => self.read(group.stream()),
                TokenTree::Literal(literal) => {
                    self.line = literal.span().start().line;
                    if let Ok(text) = syn::parse2::<LitStr>(TokenTree::Literal(literal).into()) {
                        self.text.push_str(&text.value());
                    }
                }
                TokenTree::Punct(_) => {}
            }
        }
    }
}

fn is_include(name: &str) -> bool {
    INCLUDES.contains(&name)
}

/// Returns the path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(publish: &Value, text: &str) -> Vec<String> {
        let package = json!({ "name": "x", "publish": publish, "manifest_path": "/repo/crates/x/Cargo.toml" });
        let source = Source { path: "crates/x/src/a/b.rs".to_owned(), text: text.to_owned() };
        let found =
            check(Path::new("/repo"), &json!({ "packages": [package] }), &[source]).unwrap();
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn files_and_folders_of_the_crate_are_accepted() {
        let found = problems(
            &Value::Null,
            "const A: &str = include_str!(\"../../sql/a.sql\");
             const B: &[u8] = include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/b\"));
             include!(concat!(env!(\"OUT_DIR\"), \"/../c.rs\"));
             #[folder = \"pages/\"] struct Pages;
             #[doc = include_str!(\"../../docs/d.md\")] struct D;",
        );

        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn every_way_to_include_a_file_from_outside_is_found() {
        for text in [
            "const A: &str = include_str!(\"../../../a.md\");",
            "const B: &[u8] = include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../b\"));",
            "#[folder = \"../../clients/\"] struct Pages;",
            "#[doc = include_str!(\"../../../../docs/d.md\")] struct D;",
            "#![doc = include_str!(\"../../../../docs/d.md\")]",
            "scripts! { A => include_str!(concat!(\"../../../\", \"a.lua\")) }",
        ] {
            let found = problems(&Value::Null, text);

            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].starts_with("crates/x/src/a/b.rs:1: includes "), "{found:?}");
        }
    }

    #[test]
    fn includes_that_only_tests_compile_are_accepted() {
        let text = "#[cfg(doctest)] #[doc = include_str!(\"../../../../README.md\")] struct Readme;
            #[cfg(test)] mod tests { const A: &str = include_str!(\"../../../../a\"); }";

        assert!(problems(&Value::Null, text).is_empty());
    }

    #[test]
    fn a_crate_that_is_not_published_is_passed_over() {
        assert!(problems(&json!([]), "include!(\"../../../a.rs\");").is_empty());
    }
}
