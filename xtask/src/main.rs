//! The project's own commands, run as `cargo xtask <command>`.
//!
//! This file only reads the command line. Each command is a module of the same name and returns its
//! findings. Nothing here is part of the server, and no crate of the project may depend on it.
//! Start reading at [`test::run`], the command that contributors use most.

mod api;
mod book;
mod deps;
mod installed;
mod mutants;
mod out;
mod process;
mod report;
mod test;
mod tidy;
mod vendor;
mod workspace;

use std::{env, process::ExitCode};

use report::{Failure, Report};
use workspace::Workspace;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["api"] => check("api", |workspace| api::write(workspace, None)),
        ["api", only] => check("api", |workspace| api::write(workspace, Some(only))),
        ["book"] => check("book", book::build),
        ["deps"] => check("deps", deps::check),
        ["endure"] => test::endure(),
        ["floors"] => check("floors", |workspace| tidy::survey_folders(workspace, None)),
        ["floors", only] => {
            check("floors", |workspace| tidy::survey_folders(workspace, Some(only)))
        }
        ["help" | "--help" | "-h"] => {
            out::line(usage());
            Ok(ExitCode::SUCCESS)
        }
        ["mutants", arguments @ ..] => mutants::run(arguments),
        ["test", steps @ ..] => test::run(steps),
        ["tidy"] => check("tidy", tidy::check),
        ["vendor"] => check("vendor", vendor::check),
        ["vendor", "--refresh"] => check("vendor --refresh", vendor::refresh),
        ["words"] => check("words", |workspace| tidy::survey_words(workspace, None)),
        ["words", below] => check("words", |workspace| tidy::survey_words(workspace, Some(below))),
        _ => {
            out::error(usage());
            Ok(ExitCode::from(2))
        }
    };
    outcome.unwrap_or_else(|failure| {
        out::error(failure);
        ExitCode::FAILURE
    })
}

/// Runs one check alone and prints its findings.
fn check(
    name: &str,
    run: impl FnOnce(&Workspace) -> Result<Report, Failure>,
) -> Result<ExitCode, Failure> {
    let report = run(&Workspace::find()?)?;
    out::line(format_args!("{name}: {report}"));
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn usage() -> String {
    format!(
        "usage: cargo xtask <command>

  test [step..]      run every check and every test, or only the named steps
  endure             run what takes real time, load and faults (about ten minutes)
  tidy               check imports, files, words, links, and the tests and programs of documents

  api [crate]        write the lists of public items in api/
  book               build the book of docs/ into target/book, and check its links
  deps               check licences, bans and sources of the dependencies (deny.toml)
  floors [crate]     list cycles of files and imports from higher floors
  mutants [crate] [--sample n]
                     change the code and count the changes that no test notices
  mutants --in-diff rev
                     the same in the lines that changed since a commit
  vendor             check the vendored browser client against its record
  vendor --refresh   take the browser client from e2e/node_modules and write the record
  words [folder]     list words that name no role, and doc comments that begin with a question
  help               print this

steps of test: {}",
        test::step_names().join(", ")
    )
}
