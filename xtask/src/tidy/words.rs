//! Checks the words of texts: no word that does not name the role, and doc comments that begin with a verb
//! or a noun.
//!
//! The banned words are put together from two halves, so that the check does not find this file.

use std::fmt::Write as _;

use crate::{
    report::{Failure, Problem, Report},
    workspace::Source,
};

/// Banned words. A text names the role instead: client, socket, caller, operator, user, node.
const BANNED: &[&str] = &[
    concat!("any", "body"),
    concat!("every", "body"),
    concat!("no", "body"),
    concat!("some", "body"),
    concat!("what", "ever"),
    concat!("who", "ever"),
    concat!("whom", "ever"),
];

const TEXTS: &[&str] = &["js", "md", "mjs", "py", "rs", "toml", "ts", "yaml", "yml"];

/// Files that are not checked: the page that states this rule, and texts of other authors.
const ASIDE: &[&str] = &["CONTRIBUTING.md", "LICENSE"];

/// Folders of crates that are not checked: vendored files, and texts of pages.
const ASIDE_IN_CRATES: &[&str] = &["client", "pages"];

/// Words with which few first lines of doc comments may begin, see [`MAX_PERCENT`].
const QUESTIONS: &[&str] = &["What", "Where", "Whether", "Which", "Who"];

/// Maximum share of the first lines in a crate that begin with one of [`QUESTIONS`], in percent.
const MAX_PERCENT: usize = 6;

/// Folders and files that tidy skips until they are rewritten.
const NOT_YET: &[&str] = &[];

/// Maximum number of lines of a crate that one problem lists.
const SHOWN: usize = 10;

/// Checks every file that is not skipped.
pub(super) fn check(sources: &[Source]) -> Vec<Problem> {
    let is_due = |source: &&Source| !NOT_YET.iter().any(|path| source.path.starts_with(path));
    let due: Vec<&Source> = sources.iter().filter(is_due).collect();
    let mut problems = banned(&due);
    for (part, lines) in first_lines(&due) {
        problems.extend(part_problem(part, &lines));
    }
    problems
}

/// Counts the banned words in all files, or in the files of one folder, and lists each.
pub(super) fn survey(sources: &[Source], below: Option<&str>) -> Result<Report, Failure> {
    let chosen = |source: &&Source| below.is_none_or(|below| source.path.starts_with(below));
    let chosen: Vec<&Source> = sources.iter().filter(chosen).collect();
    if chosen.is_empty() {
        return Err(Failure::new("no file is there: name a path from the root of the repository"));
    }
    let mut problems = banned(&chosen);
    let mut summary = format!("{} files name the role", chosen.len());
    for (part, lines) in first_lines(&chosen) {
        let questions = lines.iter().filter(|line| line.is_question()).count();
        write!(summary, "\n{part}: {}", share(questions, lines.len())).ok();
        problems.extend(part_problem(part, &lines));
    }
    Ok(Report::new(summary, problems))
}

fn banned(sources: &[&Source]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in sources.iter().filter(|source| is_checked(&source.path)) {
        for (number, line) in source.text.lines().enumerate() {
            problems.extend(BANNED.iter().filter(|word| has(line, word)).map(|word| {
                Problem::new(
                    format!("{}:{}", source.path, number + 1),
                    format!("`{word}` leaves open which role is meant"),
                    "name it: client, socket, caller, operator, user, peer, node, application",
                )
            }));
        }
    }
    problems
}

fn is_checked(path: &str) -> bool {
    let is_text = path.rsplit_once('.').is_some_and(|(_, extension)| TEXTS.contains(&extension));
    let parts: Vec<&str> = path.split('/').collect();
    let is_page =
        matches!(parts.as_slice(), ["crates", _, folder, ..] if ASIDE_IN_CRATES.contains(folder));
    is_text && !is_page && !ASIDE.iter().any(|aside| path.starts_with(aside))
}

/// Returns `true` if the line contains the word, in prose or in a name, in one of three forms. `NoBody` is
/// two words.
fn has(line: &str, word: &str) -> bool {
    let (first, rest) = word.split_at(1);
    let forms = [word.to_owned(), first.to_uppercase() + rest, word.to_uppercase()];
    forms.iter().any(|form| line.contains(form))
}

/// First line of a doc comment.
#[derive(Debug)]
struct FirstLine<'a> {
    path: &'a str,
    number: usize,
    text: &'a str,
}

impl FirstLine<'_> {
    fn is_question(&self) -> bool {
        let word = self.text.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
        QUESTIONS.contains(&word)
    }
}

/// Returns the first lines of the doc comments under `src`, by crate. The sources are sorted by path.
fn first_lines<'a>(sources: &[&'a Source]) -> Vec<(&'a str, Vec<FirstLine<'a>>)> {
    let mut parts: Vec<(&str, Vec<FirstLine<'_>>)> = Vec::new();
    for source in sources.iter().filter(|source| source.path.ends_with(".rs")) {
        let Some((part, _)) = source.path.split_once("/src/") else { continue };
        let lines = in_file(source);
        match parts.last_mut().filter(|(last, _)| *last == part) {
            Some((_, all)) => all.extend(lines),
            None => parts.push((part, lines)),
        }
    }
    parts
}

fn in_file(source: &Source) -> Vec<FirstLine<'_>> {
    let mut lines = Vec::new();
    let mut was_doc = false;
    for (number, line) in source.text.lines().enumerate() {
        let line = line.trim_start();
        let text = line.strip_prefix("//! ").or_else(|| line.strip_prefix("/// "));
        if let Some(text) = text.filter(|_| !was_doc) {
            lines.push(FirstLine { path: &source.path, number: number + 1, text });
        }
        was_doc = line.starts_with("//!") || (line.starts_with("///") && !line.starts_with("////"));
    }
    lines
}

fn part_problem(part: &str, lines: &[FirstLine<'_>]) -> Option<Problem> {
    let questions: Vec<_> = lines.iter().filter(|line| line.is_question()).collect();
    // One such line is accepted in a crate with few comments.
    if questions.len() < 2 || questions.len() * 100 <= lines.len() * MAX_PERCENT {
        return None;
    }
    let mut what = format!("{}, {MAX_PERCENT} % at most", share(questions.len(), lines.len()));
    for line in questions.iter().take(SHOWN) {
        write!(what, "\n    {}:{}: {}", line.path, line.number, line.text).ok();
    }
    if let Some(more) = questions.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        write!(what, "\n    and {more} more: `cargo xtask words {part}/`").ok();
    }
    Some(Problem::new(
        part,
        what,
        "begin with a verb or a noun: `Returns ..`, `Interval between ..`, `true` if ..",
    ))
}

fn share(questions: usize, all: usize) -> String {
    let tenths = (questions * 1000).checked_div(all).unwrap_or_default();
    format!(
        "{questions} of {all} doc comments ({}.{} %) begin with {}",
        tenths / 10,
        tenths % 10,
        QUESTIONS.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    fn found(path: &str, text: &str) -> Vec<String> {
        let source = file(path, text);
        banned(&[&source]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_banned_word_is_found_with_its_line() {
        for word in BANNED {
            let found = found("docs/page.md", &format!("# Page\n\nIt is {word}'s turn.\n"));

            assert_eq!(found.len(), 1, "{word}");
            assert!(found[0].starts_with("docs/page.md:3"), "{found:?}");
        }
    }

    #[test]
    fn a_banned_word_is_found_inside_of_names_and_at_the_beginning_of_a_sentence() {
        let word = BANNED[1];
        let capital = word.replacen('e', "E", 1);

        for line in
            [format!("fn {word}_is_in() {{}}"), format!("struct {capital};"), word.to_uppercase()]
        {
            assert_eq!(found("crates/core/src/id.rs", &line).len(), 1, "{line}");
        }
    }

    #[test]
    fn two_words_that_meet_in_a_type_are_not_one() {
        let text = concat!("struct No", "Body;");

        assert!(found("crates/core/src/id.rs", text).is_empty());
    }

    #[test]
    fn vendored_files_page_texts_and_other_formats_are_passed_over() {
        let word = BANNED[0];

        for path in [
            "crates/server/client/socket.io.js",
            "crates/server/pages/chat/en.js",
            "CONTRIBUTING.md",
            "LICENSE-MIT",
            "e2e/package.json",
        ] {
            assert!(found(path, word).is_empty(), "{path}");
        }
    }

    #[test]
    fn a_crate_with_many_questions_is_found_with_the_share_and_the_lines() {
        let text = "//! Header.\n\n/// Whether it is.\n/// Who is not counted twice.\nfn a() {}\n\n    /// What it is.\n";
        let (one, two) =
            (file("crates/x/src/a.rs", text), file("crates/y/src/a.rs", "//! Good.\n"));

        let parts = first_lines(&[&one, &two]);
        let problems: Vec<_> =
            parts.iter().filter_map(|(part, lines)| part_problem(part, lines)).collect();

        assert_eq!(problems.len(), 1);
        let problem = problems[0].to_string();
        assert!(problem.starts_with("crates/x: 2 of 3 doc comments (66.6 %)"), "{problem}");
        assert!(problem.contains("crates/x/src/a.rs:3: Whether it is."), "{problem}");
    }

    #[test]
    fn a_few_questions_are_accepted() {
        let only = file("crates/x/src/a.rs", "/// What it is.\n");
        assert!(part_problem("crates/x", &in_file(&only)).is_none());

        let good = "/// Returns it.\nfn a() {}\n".repeat(47);
        let three = "/// What it is.\nfn b() {}\n".repeat(3);

        let at_most = file("crates/x/src/a.rs", &format!("{good}{three}"));
        assert!(part_problem("crates/x", &in_file(&at_most)).is_none());

        let more = file("crates/x/src/a.rs", &format!("{}/// What.\n", at_most.text));
        assert!(part_problem("crates/x", &in_file(&more)).is_some());
    }

    #[test]
    fn a_word_that_only_begins_like_a_question_is_none() {
        let source =
            file("crates/x/src/a.rs", "/// Whole message.\n\n/// Whichever.\n\n/// Who's in.\n");

        let questions: Vec<bool> = in_file(&source).iter().map(FirstLine::is_question).collect();

        assert_eq!(questions, [false, false, true]);
    }
}
