//! Checks the imports inside of a crate: no cycle of files or folders, and in `crates/gateway` only
//! imports from lower floors.
//!
//! A folder is a folder directly under `src`, together with the file of the same name beside it. A single
//! file there counts as a folder. `lib.rs` and `main.rs` are above all folders, and no file imports them.
//! `tree` finds the imports (arrows), and this file checks them. Start reading at [`check`].

mod cycles;
mod read;
mod tree;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use self::{
    cycles::{Graph, cut, cycles},
    tree::{Arrow, Tree},
};
use crate::{
    report::{Failure, Problem, Report},
    workspace::Source,
};

/// Crates that tidy skips until they are corrected.
const NOT_YET: &[&str] = &[];

/// Floors of the folders of a crate. A folder imports only from folders of lower floors.
const FLOORS: &[(&str, &[(&str, u8)])] = &[("gateway", GATEWAY)];

const GATEWAY: &[(&str, u8)] = &[
    ("test", 10),
    ("server", 9),
    ("namespace", 8),
    ("routes", 8),
    ("admission", 7),
    ("http", 7),
    ("link", 6),
    ("event", 5),
    ("relaying", 5),
    ("room", 4),
    ("cluster", 3),
    ("guard", 3),
    ("error", 2),
    ("presence", 2),
    ("bus", 1),
    ("limits", 1),
    ("audit", 0),
    ("peer", 0),
    ("runtime", 0),
    ("transport", 0),
];

/// Folders that may contain one cycle of files, with the maximum number of its files. In `room`, socket,
/// hub, broadcast, members and patterns of a room are one concept.
const ONE_CIRCLE: &[(&str, &str, usize)] = &[("gateway", "room", 6)];

/// Checks every crate that is not skipped.
pub(super) fn check(sources: &[Source]) -> Result<Vec<Problem>, Failure> {
    let mut problems = Vec::new();
    for part in crates(sources).filter(|part| !NOT_YET.contains(&part.name())) {
        problems.extend(part.judge(Detail::Least)?);
    }
    Ok(problems)
}

/// Checks all crates, or only the named crate, and lists every import of a cycle.
pub(super) fn survey(sources: &[Source], only: Option<&str>) -> Result<Report, Failure> {
    let chosen: Vec<Crate<'_>> =
        crates(sources).filter(|part| only.is_none_or(|only| part.name() == only)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = crates(sources).map(|part| part.name().to_owned()).collect();
        return Err(Failure::new(format!(
            "there is no such crate: choose of {}",
            names.join(", ")
        )));
    }
    let mut problems = Vec::new();
    for part in &chosen {
        problems.extend(part.judge(Detail::All)?);
    }
    Ok(Report::new(format!("{} crates are in order", chosen.len()), problems))
}

/// Imports of a cycle that are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    All,
    /// Only the imports to remove first.
    Least,
}

/// A folder with `src/lib.rs` or `src/main.rs`.
#[derive(Debug)]
struct Crate<'a> {
    /// Path up to and including `src/`, from the root of the repository.
    src: &'a str,
    /// Root files: `lib.rs`, `main.rs` or both.
    roots: Vec<&'static str>,
    sources: &'a [Source],
}

fn crates(sources: &[Source]) -> impl Iterator<Item = Crate<'_>> {
    let is_root = |src: &str, root: &str| {
        sources.iter().any(|source| source.path.strip_prefix(src) == Some(root))
    };
    let places: BTreeSet<&str> = sources
        .iter()
        .filter_map(|source| ROOTS.iter().find_map(|root| source.path.strip_suffix(root)))
        .filter(|place| place.ends_with("/src/"))
        .collect();
    places.into_iter().map(move |src| Crate {
        src,
        roots: ROOTS.into_iter().filter(|root| is_root(src, root)).collect(),
        sources,
    })
}

impl Crate<'_> {
    /// Name of the crate's folder.
    fn name(&self) -> &str {
        self.src.trim_end_matches("/src/").rsplit('/').next().unwrap_or(self.src)
    }

    fn judge(&self, detail: Detail) -> Result<Vec<Problem>, Failure> {
        let inside = self.sources.iter().filter_map(|source| {
            let path = source.path.strip_prefix(self.src)?.to_owned();
            path.ends_with(".rs").then(|| Source { path, text: source.text.clone() })
        });
        let inside: Vec<Source> = inside.collect();
        let mut problems = Vec::new();
        for root in &self.roots {
            let tree = Tree::read(root, &inside)
                .map_err(|error| Failure::of(format!("cannot read {}", self.src), error))?;
            let arrows = tree.arrows();
            problems.extend(self.imports_of_roots(&arrows));
            problems.extend(self.cycles_of_files(&arrows, detail));
            problems.extend(self.cycles_of_folders(&arrows, detail));
            problems.extend(self.floors(tree.files_with_code(), &arrows));
        }
        Ok(problems)
    }

    fn imports_of_roots(&self, arrows: &[Arrow]) -> Vec<Problem> {
        let into_root = arrows.iter().filter(|arrow| ROOTS.contains(&arrow.to.as_str()));
        into_root
            .map(|arrow| {
                Problem::new(
                    format!("{}{}:{}", self.src, arrow.from, arrow.line),
                    format!(
                        "imports {} from {}{}, which no file may import",
                        arrow.name, self.src, arrow.to
                    ),
                    format!("move {} down to a file that both may import", arrow.name),
                )
            })
            .collect()
    }

    fn cycles_of_files(&self, arrows: &[Arrow], detail: Detail) -> Vec<Problem> {
        let graph = graph(arrows, Some);
        let mut spared = BTreeSet::new();
        let mut is_spared = |cycle: &[&str]| {
            let rule = ONE_CIRCLE.iter().find(|(part, folder, most)| {
                *part == self.name()
                    && cycle.len() <= *most
                    && cycle.iter().all(|file| folder_of(file) == *folder)
            });
            rule.is_some_and(|rule| spared.insert(rule))
        };
        let found = cycles(&graph).into_iter().filter(|cycle| !is_spared(cycle));
        found
            .map(|cycle| {
                let what = format!("{} files import each other in a cycle", cycle.len());
                self.cycle(&what, &cycle, &graph, arrows, |file| file, detail)
            })
            .collect()
    }

    fn cycles_of_folders(&self, arrows: &[Arrow], detail: Detail) -> Vec<Problem> {
        let graph = graph(arrows, |file| (!ROOTS.contains(&file)).then(|| folder_of(file)));
        cycles(&graph)
            .into_iter()
            .map(|cycle| {
                let what = format!("{} folders import each other in a cycle", cycle.len());
                self.cycle(&what, &cycle, &graph, arrows, folder_of, detail)
            })
            .collect()
    }

    /// Describes a cycle of files or folders. `place` returns the node of a file.
    fn cycle(
        &self,
        what: &str,
        cycle: &[&str],
        graph: &Graph<'_>,
        arrows: &[Arrow],
        place: fn(&str) -> &str,
        detail: Detail,
    ) -> Problem {
        let light = cut(graph, cycle);
        let is_light = |arrow: &Arrow| light.contains(&(place(&arrow.from), place(&arrow.to)));
        let ties = |arrow: &&Arrow| {
            let (from, to) = (place(&arrow.from), place(&arrow.to));
            from != to && cycle.contains(&from) && cycle.contains(&to)
        };
        let mut text = format!("{what}: {}", cycle.join(", "));
        if detail == Detail::All {
            text.push_str("\n  imports that form it:");
            text.push_str(&self.list(arrows.iter().filter(ties)));
        }
        text.push_str("\n  removing these imports opens it:");
        text.push_str(&self.list(arrows.iter().filter(ties).filter(|arrow| is_light(arrow))));
        Problem::new(
            self.src.trim_end_matches('/'),
            text,
            "move the imported names down to the file that needs them, or to a lower file that both import",
        )
    }

    /// Returns one line for every pair of files: from, to, and the names with their line numbers.
    fn list<'b>(&self, arrows: impl Iterator<Item = &'b Arrow>) -> String {
        let lines = pairs(arrows).into_iter().map(|((from, to), names)| {
            format!("\n    {}{from} -> {to}: {}", self.src, describe(&names))
        });
        lines.collect()
    }

    fn floors(&self, files: &BTreeSet<String>, arrows: &[Arrow]) -> Vec<Problem> {
        let Some((_, table)) = FLOORS.iter().find(|(part, _)| *part == self.name()) else {
            return Vec::new();
        };
        let floor = |file: &str| {
            let folder = folder_of(file);
            table.iter().find(|(listed, _)| *listed == folder).map(|(_, floor)| *floor)
        };
        let inside = files.iter().map(String::as_str).filter(|file| !ROOTS.contains(file));
        let homeless: BTreeSet<&str> =
            inside.filter(|file| floor(file).is_none()).map(folder_of).collect();
        let mut problems: Vec<Problem> = homeless
            .into_iter()
            .map(|folder| {
                Problem::new(
                    format!("{}{folder}", self.src),
                    "this folder has no floor",
                    "move its files into a folder that has one, or add it to the table in \
                     xtask/src/tidy/folders.rs",
                )
            })
            .collect();
        let upwards = arrows.iter().filter(|arrow| {
            let (from, to) = (folder_of(&arrow.from), folder_of(&arrow.to));
            // Imports of root files, and of folders without a floor, are reported elsewhere or are allowed.
            let Some((above, below)) = floor(&arrow.from).zip(floor(&arrow.to)) else {
                return false;
            };
            from != to && below >= above
        });
        problems.extend(pairs(upwards).into_iter().map(|((from, to), names)| {
            let floors = [from, to].map(|file| floor(file).unwrap_or_default());
            let (first, line) = names[0];
            Problem::new(
                format!("{}{from}:{line}", self.src),
                format!(
                    "`{}` (floor {}) imports {} from {}{to} in `{}` (floor {})",
                    folder_of(from),
                    floors[0],
                    describe(&names),
                    self.src,
                    folder_of(to),
                    floors[1],
                ),
                format!(
                    "move {first} down to `{}` or below, or the code that needs it up",
                    folder_of(from)
                ),
            )
        }));
        problems
    }
}

/// Returns the imports as a graph. `place` returns the node of a file; files without a node are left out.
fn graph<'a>(arrows: &'a [Arrow], place: impl Fn(&'a str) -> Option<&'a str>) -> Graph<'a> {
    let mut graph = Graph::new();
    for arrow in arrows {
        let Some((from, to)) = place(&arrow.from).zip(place(&arrow.to)) else { continue };
        if from != to {
            *graph.entry(from).or_default().entry(to).or_default() += 1;
        }
    }
    graph
}

/// Returns the imported names with their line numbers, for every pair of files.
fn pairs<'a>(
    arrows: impl Iterator<Item = &'a Arrow>,
) -> BTreeMap<(&'a str, &'a str), Vec<(&'a str, usize)>> {
    let mut pairs: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for arrow in arrows {
        let names = pairs.entry((arrow.from.as_str(), arrow.to.as_str())).or_default();
        names.push((arrow.name.as_str(), arrow.line));
    }
    pairs
}

fn describe(names: &[(&str, usize)]) -> String {
    let named = names.iter().map(|(name, line)| format!("{name} (line {line})"));
    named.collect::<Vec<_>>().join(", ")
}

/// Returns the folder of a file: `link`, for `link.rs` and for all files in `link/`.
fn folder_of(file: &str) -> &str {
    file.split('/').next().map_or(file, |first| first.trim_end_matches(".rs"))
}

/// Files that no other file may import.
const ROOTS: [&str; 2] = ["lib.rs", "main.rs"];
