//! Changes the code one place at a time and counts the changes that no test notices.
//!
//! cargo-mutants makes the changes (mutants) and runs the tests. This command chooses the mutants: a
//! sample with a fixed seed for each part of the code, or all mutants of a diff. The command fails if
//! the tests catch less than 95 % of the chosen mutants.
//! A mutant that no test can catch is listed in `.cargo/mutants-survivors.toml` with the reason.
//! Start reading at [`run`].

mod judgement;
mod list;
mod outcomes;
mod parts;
mod survivors;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use self::{
    judgement::{judge, stale},
    list::Mutant,
    outcomes::{Outcome, Outcomes},
    parts::Part,
    survivors::{SURVIVORS, Survivors},
};
use crate::{
    installed::Program,
    out, process,
    report::{Failure, Report},
    workspace::Workspace,
};

const CARGO_MUTANTS: Program = Program { name: "cargo-mutants", version: "27.1.0", options: &[] };

/// Choice of the mutants to run, as given on the command line.
#[derive(Debug, PartialEq, Eq)]
enum Choice<'a> {
    /// Mutants in lines that changed since this commit.
    Diff(&'a str),
    Parts {
        only: Option<&'a str>,
        sample: Option<usize>,
    },
}

/// Runs `cargo xtask mutants` with its arguments.
pub(crate) fn run(arguments: &[&str]) -> Result<ExitCode, Failure> {
    let choice = choose(arguments)?;
    let workspace = Workspace::find()?;
    let survivors = Survivors::read(&workspace.read(SURVIVORS)?)?;
    let run = Run { program: CARGO_MUTANTS.install(&workspace)?, workspace: &workspace };
    let mut is_clean = true;
    match choice {
        Choice::Diff(revision) => is_clean = run.diff(revision, &survivors)?,
        Choice::Parts { only, sample } => {
            for part in parts::choose(&workspace, only)? {
                is_clean &= run.part(&part, sample.unwrap_or(part.sample), &survivors)?;
            }
        }
    }
    Ok(if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn choose<'a>(arguments: &[&'a str]) -> Result<Choice<'a>, Failure> {
    let number = |text: &str| {
        text.parse().map_err(|error| Failure::of(format!("--sample {text} is no number"), error))
    };
    match arguments {
        [] => Ok(Choice::Parts { only: None, sample: None }),
        ["--in-diff", revision] => Ok(Choice::Diff(revision)),
        ["--sample", count] => Ok(Choice::Parts { only: None, sample: Some(number(count)?) }),
        [only] if !only.starts_with('-') => Ok(Choice::Parts { only: Some(only), sample: None }),
        [only, "--sample", count] if !only.starts_with('-') => {
            Ok(Choice::Parts { only: Some(only), sample: Some(number(count)?) })
        }
        _ => Err(Failure::new(
            "usage: cargo xtask mutants [CRATE] [--sample N], or cargo xtask mutants --in-diff REV",
        )),
    }
}

/// The installed cargo-mutants, with the repository in which it runs.
#[derive(Debug)]
struct Run<'a> {
    program: PathBuf,
    workspace: &'a Workspace,
}

impl Run<'_> {
    /// Runs a sample of one part. Returns `true` if enough mutants are caught.
    fn part(&self, part: &Part, count: usize, survivors: &Survivors) -> Result<bool, Failure> {
        let arguments = part.arguments();
        let all = self.list(&arguments)?;
        if let Some(empty) = part.folders.iter().find(|folder| !is_mutated(folder, &all)) {
            return Err(Failure::new(format!(
                "there is no mutant in {empty}: if it has moved, change the table in \
                 xtask/src/mutants/parts.rs"
            )));
        }
        let chosen = list::sample(&all, count);
        out::line(format_args!("{}: {} of {} mutants", part.name, chosen.len(), all.len()));
        let mut arguments = arguments;
        // Each expression must match a whole name, and the name must not be read as a pattern.
        arguments.extend(
            chosen
                .iter()
                .flat_map(|mutant| ["--re".to_owned(), format!("^{}$", escape(&mutant.name))]),
        );
        let outcomes = self.test(&part.name, &arguments, chosen.len())?;
        let in_part = |file: &str| part.folders.iter().any(|folder| is_below(file, folder));
        let stale = stale(survivors, &all, &outcomes, in_part);
        Ok(conclude(&part.name, &judge(&outcomes, &all, survivors, stale)))
    }

    /// Runs every mutant in lines that have changed since a commit.
    fn diff(&self, revision: &str, survivors: &Survivors) -> Result<bool, Failure> {
        let mut git = Command::new("git");
        git.args(["diff", "--no-color", "--no-ext-diff", revision, "--", "*.rs"]);
        let output = git
            .current_dir(self.workspace.root())
            .output()
            .map_err(|error| Failure::of("cannot run git", error))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failure::of(format!("git diff {revision} failed"), said.trim()));
        }
        let folder = self.folder();
        let file = folder.join("changes.diff");
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&file, output.stdout))
            .map_err(|error| Failure::of(format!("cannot write {}", file.display()), error))?;
        let arguments = vec![
            "--workspace".to_owned(),
            "--exclude=xtask/**".to_owned(),
            format!("--in-diff={}", file.display()),
        ];
        let all = self.list(&arguments)?;
        if all.is_empty() {
            out::line(format_args!("no mutant is in the lines changed since {revision}"));
            return Ok(true);
        }
        out::line(format_args!("{} mutants are in the lines changed since {revision}", all.len()));
        let outcomes = self.test("in-diff", &arguments, all.len())?;
        // A diff contains only a part of each file, so a survivor without a mutant is not a problem here.
        Ok(conclude("in-diff", &judge(&outcomes, &all, survivors, Vec::new())))
    }

    fn list(&self, arguments: &[String]) -> Result<Vec<Mutant>, Failure> {
        let output = self
            .command(arguments)
            .args(["--list", "--json"])
            .output()
            .map_err(|error| Failure::of("cannot run cargo-mutants", error))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failure::of("cargo-mutants cannot list the mutants", said.trim()));
        }
        // If there is no mutant, cargo-mutants prints nothing at all.
        if output.stdout.trim_ascii().is_empty() {
            Ok(Vec::new())
        } else {
            list::read(&output.stdout)
        }
    }

    /// Runs the chosen mutants, and prints each missed mutant as soon as its result is known.
    fn test(&self, name: &str, arguments: &[String], count: usize) -> Result<Outcomes, Failure> {
        let output = self.folder().join(name);
        fs::create_dir_all(&output)
            .map_err(|error| Failure::of(format!("cannot create {}", output.display()), error))?;
        let mut command = self.command(arguments);
        command.args(["--caught", "--unviable", "--colors=never", "--output"]).arg(&output);
        let started = process::now();
        let mut done = 0;
        let run = process::run(&mut command, RUN_LIMIT, |line| {
            if let Some(outcome) = Outcome::of_line(line) {
                done += 1;
                if matches!(outcome, Outcome::Missed | Outcome::TimedOut) {
                    out::progress("");
                    out::line(format_args!("  {line}"));
                } else if done % SHOWN_EVERY == 0 {
                    out::progress("");
                    out::line(format_args!("  {done} of {count} are done"));
                }
            }
            let minutes = started.elapsed().as_secs() / 60;
            out::progress(&format!("{name}: {done} of {count} in {minutes} min"));
        });
        out::progress("");
        let results = output.join("mutants.out/outcomes.json");
        Outcomes::read(&results).map_err(|error| Failure::of(error, run.output.trim()))
    }

    fn command(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("mutants").args(arguments).current_dir(self.workspace.root());
        command
    }

    fn folder(&self) -> PathBuf {
        self.workspace.target().join("mutants")
    }
}

fn conclude(name: &str, report: &Report) -> bool {
    out::line(format_args!("{name}: {report}"));
    report.is_clean()
}

fn is_mutated(folder: &str, all: &[Mutant]) -> bool {
    all.iter().any(|mutant| is_below(&mutant.file, folder))
}

/// Returns `true` for the files in a folder, and for the file with the name of the folder beside it.
fn is_below(file: &str, folder: &str) -> bool {
    Path::new(file).starts_with(folder) || file.strip_suffix(".rs") == Some(folder)
}

/// Returns a regular expression that matches only this text.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_punctuation() && !matches!(c, '_' | '<' | '>') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Time limit of one run of cargo-mutants. A run exceeds it only if cargo-mutants itself hangs,
/// because each build and each test run has its own limit.
const RUN_LIMIT: Duration = Duration::from_hours(24);

/// Number of mutants after which the progress is printed if the output is not a terminal.
const SHOWN_EVERY: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_choose_a_part_a_sample_or_a_diff() {
        let parts = |only, sample| Choice::Parts { only, sample };

        assert_eq!(choose(&[]).unwrap(), parts(None, None));
        assert_eq!(choose(&["core"]).unwrap(), parts(Some("core"), None));
        assert_eq!(choose(&["core", "--sample", "5"]).unwrap(), parts(Some("core"), Some(5)));
        assert_eq!(choose(&["--sample", "5"]).unwrap(), parts(None, Some(5)));
        assert_eq!(choose(&["--in-diff", "HEAD~1"]).unwrap(), Choice::Diff("HEAD~1"));
    }

    #[test]
    fn other_arguments_are_refused() {
        for arguments in [&["--sample"][..], &["core", "auth"], &["--sample", "x"], &["--what"]] {
            assert!(choose(arguments).is_err(), "{arguments:?}");
        }
    }

    #[test]
    fn an_escaped_name_is_no_pattern() {
        assert_eq!(
            escape("a.rs:1:2: replace + with - in <A for B>::f_g"),
            "a\\.rs\\:1\\:2\\: replace \\+ with \\- in <A for B>\\:\\:f_g"
        );
    }

    #[test]
    fn a_folder_has_the_file_beside_it() {
        assert!(is_below("crates/x/src/event/pipeline.rs", "crates/x/src/event"));
        assert!(is_below("crates/x/src/event.rs", "crates/x/src/event"));
        assert!(!is_below("crates/x/src/events.rs", "crates/x/src/event"));
    }
}
