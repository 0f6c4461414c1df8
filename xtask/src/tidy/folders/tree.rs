//! Joins the files of one crate, and finds the file that defines the name at the end of a path.
//!
//! A path is followed through modules and through every `use`, `pub` or not, until it reaches the
//! file that defines the name. So a name that is imported through its parent counts as imported from the
//! file that defines it, and a file that only re-exports is never the end of an arrow (an import).

use std::collections::{BTreeMap, BTreeSet};

use super::read::{Import, Mention, Module as Text};
use crate::{report::Failure, workspace::Source};

/// Import of `name` by the file `from` from the file `to`. Paths are relative to `src`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrow {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) name: String,
    pub(super) line: usize,
}

/// The modules of one crate.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// All modules. The root is the first.
    modules: Vec<Module>,
    /// Files that contain more than declarations and re-exports.
    with_code: BTreeSet<String>,
}

#[derive(Debug)]
struct Module {
    file: String,
    parent: usize,
    children: BTreeMap<String, usize>,
    items: BTreeSet<String>,
    imports: Vec<Import>,
    mentions: Vec<Mention>,
}

/// Look-ups in progress: module, name, and `true` if the name must be a module.
type Seen = Vec<(usize, String, bool)>;

/// Result of following a path.
#[derive(Clone, Debug)]
enum End {
    Item { file: String, name: String },
    Module(usize),
}

impl Tree {
    /// Reads a crate from its root file on. `sources` are the files in `src` of the crate, with paths
    /// relative to `src`.
    pub(super) fn read(root: &str, sources: &[Source]) -> Result<Self, Failure> {
        let mut tree = Self::default();
        let mut exported = Vec::new();
        tree.add_file(root, "", 0, sources, &mut exported)?;
        for (name, file) in exported {
            // Only the place of the definition matters, so the name points to it directly.
            let at = tree.modules.iter().position(|module| module.file == file).unwrap_or(0);
            let path = tree.path_of(at).into_iter().chain([name.clone()]).collect();
            let import = Import { path, name: Some(name), line: 0, reexport: true };
            tree.modules[0].imports.push(import);
        }
        Ok(tree)
    }

    /// Returns the files that have a floor: all files except those that only declare and re-export.
    pub(super) fn files_with_code(&self) -> &BTreeSet<String> {
        &self.with_code
    }

    /// Returns every arrow between two files. Each name occurs once, with its first line.
    pub(super) fn arrows(&self) -> Vec<Arrow> {
        let mut arrows: BTreeMap<(&str, String, String), usize> = BTreeMap::new();
        for (at, module) in self.modules.iter().enumerate() {
            if !self.with_code.contains(&module.file) {
                continue;
            }
            let imported = module.imports.iter().filter(|import| !import.reexport);
            let taken = imported
                .filter(|import| import.name.is_some())
                .map(|import| (&import.path, import.line))
                .chain(module.mentions.iter().map(|mention| (&mention.path, mention.line)));
            for (path, line) in taken {
                let Some(End::Item { file, name }) = self.resolve(at, path, false, &mut Vec::new())
                else {
                    continue;
                };
                if file != module.file {
                    let first = arrows.entry((&module.file, file, name)).or_insert(line);
                    *first = line.min(*first);
                }
            }
        }
        let arrow = |((from, to, name), line): ((&str, String, String), usize)| Arrow {
            from: from.to_owned(),
            to,
            name,
            line,
        };
        arrows.into_iter().map(arrow).collect()
    }

    /// Adds the module in `file` with all modules below it, and returns its index.
    fn add_file(
        &mut self,
        file: &str,
        folder: &str,
        parent: usize,
        sources: &[Source],
        exported: &mut Vec<(String, String)>,
    ) -> Result<usize, Failure> {
        let Some(source) = sources.iter().find(|source| source.path == file) else {
            return Err(Failure::new(format!("a module is declared, but there is no {file}")));
        };
        let text = Text::read(&source.text)
            .map_err(|error| Failure::of(format!("{file} is not Rust"), error))?;
        self.add(text, file, folder, parent, sources, exported)
    }

    fn add(
        &mut self,
        text: Text,
        file: &str,
        folder: &str,
        parent: usize,
        sources: &[Source],
        exported: &mut Vec<(String, String)>,
    ) -> Result<usize, Failure> {
        if !text.is_face() {
            self.with_code.insert(file.to_owned());
        }
        exported.extend(text.exported.into_iter().map(|name| (name, file.to_owned())));
        let at = self.modules.len();
        self.modules.push(Module {
            file: file.to_owned(),
            parent,
            children: BTreeMap::new(),
            items: text.items.into_iter().collect(),
            imports: text.imports,
            mentions: text.mentions,
        });
        for (name, inside) in text.children {
            let below = format!("{folder}{name}/");
            let child = match inside {
                Some(text) => self.add(text, file, &below, at, sources, exported)?,
                // These are tests, even if the attribute is inside of the file.
                None if name == "tests" => continue,
                None => {
                    self.add_file(&format!("{folder}{name}.rs"), &below, at, sources, exported)?
                }
            };
            self.modules[at].children.insert(name, child);
        }
        Ok(at)
    }

    fn path_of(&self, at: usize) -> Vec<String> {
        if at == 0 {
            return vec!["crate".to_owned()];
        }
        let parent = self.modules[at].parent;
        let mut path = self.path_of(parent);
        let own = self.modules[parent].children.iter().find(|(_, child)| **child == at);
        path.extend(own.map(|(name, _)| name.clone()));
        path
    }

    /// Follows a path that occurs in the module `at`. Returns `None` if it leads out of the crate.
    ///
    /// A function and a module may have the same name. `wants_module` is `true` if the last segment must be a
    /// module. `seen` ends the search if imports lead back to themselves.
    fn resolve(
        &self,
        at: usize,
        path: &[String],
        wants_module: bool,
        seen: &mut Seen,
    ) -> Option<End> {
        let mut here = at;
        for (index, segment) in path.iter().enumerate() {
            let goes_on = index + 1 < path.len();
            match segment.as_str() {
                "crate" if index == 0 => here = 0,
                "self" => {}
                "super" => here = self.modules[here].parent,
                name => match self.look_up(here, name, goes_on || wants_module, seen) {
                    Some(End::Module(found)) => here = found,
                    Some(item) => return Some(item),
                    None if index == 0 => return None,
                    // A macro has generated the name, so it is in the module that the path names.
                    None => {
                        let file = self.modules[here].file.clone();
                        return Some(End::Item { file, name: name.to_owned() });
                    }
                },
            }
        }
        Some(End::Module(here))
    }

    fn look_up(&self, at: usize, name: &str, wants_module: bool, seen: &mut Seen) -> Option<End> {
        let step = (at, name.to_owned(), wants_module);
        if seen.contains(&step) {
            return None;
        }
        seen.push(step);
        let found = self.find(at, name, wants_module, seen);
        seen.pop();
        found
    }

    fn find(&self, at: usize, name: &str, wants_module: bool, seen: &mut Seen) -> Option<End> {
        let module = &self.modules[at];
        let item = || End::Item { file: module.file.clone(), name: name.to_owned() };
        let child = module.children.get(name).map(|child| End::Module(*child));
        let mut best = if wants_module { child.clone() } else { None };
        if best.is_none() && module.items.contains(name) {
            best = Some(item());
        }
        if best.is_none() {
            let named = module.imports.iter().filter(|one| one.name.as_deref() == Some(name));
            best = named
                .filter_map(|import| self.resolve(at, &import.path, wants_module, seen))
                .next();
        }
        if best.is_none() {
            let globs = module.imports.iter().filter(|import| import.name.is_none());
            best = globs
                .filter_map(|import| match self.resolve(at, &import.path, true, seen)? {
                    End::Module(inside) => self.look_up(inside, name, wants_module, seen),
                    End::Item { .. } => None,
                })
                .next();
        }
        best.or(child)
    }
}
