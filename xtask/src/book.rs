//! Builds the documents as a book, and checks their links.
//!
//! The pages of the book are those of `docs/`, in the order of `docs/SUMMARY.md`. In the repository a page
//! may link to any file, but in the book a link to a file outside of `docs/` would be broken. So mdBook gets
//! a copy of the pages in which such links lead to the site of the repository.

mod links;
mod page;

use std::{
    cmp::Reverse,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::Value;

use self::page::Page;
use crate::{
    installed::Program,
    out, process,
    report::{Failure, Problem, Report},
    workspace::{Source, Workspace},
};

const MDBOOK: Program = Program {
    name: "mdbook",
    version: "0.5.4",
    // The features `serve` and `watch` are off, because they need a web server.
    options: &["--no-default-features", "--features=search"],
};

/// Page of `docs/` that is the first page of the book.
const FRONT_PAGE: &str = "README.md";

/// Branch in links to the site of the repository.
const BRANCH: &str = "main";

/// Builds the book into `target/book`.
pub(crate) fn build(workspace: &Workspace) -> Result<Report, Failure> {
    let problems = check_links(workspace.root(), &workspace.sources()?);
    if !problems.is_empty() {
        return Ok(Report::new(String::new(), problems));
    }
    let metadata = workspace.metadata(&["--no-deps"])?;
    let copy = workspace.target().join("book-source");
    let book = workspace.target().join("book");
    let pages = copy_pages(workspace.root(), &copy, repository(&metadata).as_deref())
        .map_err(|error| Failure::of(format!("cannot copy docs/ to {}", copy.display()), error))?;
    let mut command = Command::new(MDBOOK.install(workspace)?);
    command.arg("build").arg(&copy).arg("--dest-dir").arg(&book);
    let run = process::run(&mut command, LIMIT, out::progress);
    out::progress("");
    if !run.success {
        return Err(Failure::of("mdBook failed", run.output.trim()));
    }
    let problems = dead_links(&book).map_err(|error| Failure::of("cannot read the book", error))?;
    let first = book.join("index.html");
    Ok(Report::new(format!("{pages} pages are in {}", first.display()), problems))
}

/// Checks the links of all documents of the repository. This needs neither mdBook nor a network.
pub(crate) fn check_links(root: &Path, sources: &[Source]) -> Vec<Problem> {
    links::check(sources, &|path| links::exists(root, path))
}

/// Returns the URL of the repository's site, as stated in the manifests of the crates.
fn repository(metadata: &Value) -> Option<String> {
    let packages = metadata.get("packages")?.as_array()?;
    let stated = packages.iter().find_map(|package| package.get("repository")?.as_str())?;
    Some(stated.trim_end_matches('/').to_owned())
}

/// Copies `docs/` and `book.toml`, and returns the number of pages.
fn copy_pages(root: &Path, copy: &Path, repository: Option<&str>) -> io::Result<usize> {
    if copy.exists() {
        fs::remove_dir_all(copy)?;
    }
    fs::create_dir_all(copy)?;
    fs::copy(root.join("book.toml"), copy.join("book.toml"))?;
    let mut pages = 0;
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        fs::create_dir_all(copy.join(&folder))?;
        for entry in fs::read_dir(root.join(&folder))? {
            let path = folder.join(entry?.file_name());
            let from = root.join(&path);
            if from.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(from)?;
                let name = path.to_string_lossy();
                // mdBook reads the pages from the summary, so its links must stay unchanged.
                let is_summary = name == links::SUMMARY;
                let text = if is_summary { text } else { rewrite(&name, &text, repository) };
                fs::write(copy.join(&path), text)?;
                pages += usize::from(!is_summary);
            } else {
                fs::copy(from, copy.join(&path))?;
            }
        }
    }
    Ok(pages)
}

/// Returns the text with links out of `docs/` changed to links to the site of the repository. If there is no
/// site, they lead to the front page, which is better than a missing file.
fn rewrite(path: &str, text: &str, repository: Option<&str>) -> String {
    let mut links = Page::read(text).links;
    // Links are replaced from the end on, so that the positions of earlier links stay correct.
    links.sort_by_key(|link| Reverse(link.place.start));
    let front = format!("{}index.html", "../".repeat(path.matches('/').count() - 1));
    let mut text = text.to_owned();
    for link in links.iter().filter(|link| !link.place.is_empty()) {
        let (file, anchor) = link.target.split_once('#').unwrap_or((&link.target, ""));
        if links::is_elsewhere(&link.target) || file.is_empty() {
            continue;
        }
        let Some(target) = links::resolve(path, file) else { continue };
        let mut new = match (target.strip_prefix("docs/"), repository) {
            // The front page is `index.html` in the book, but mdBook does not correct links to it.
            (Some(FRONT_PAGE), _) | (None, None) => front.clone(),
            // A folder has no page in the book.
            (Some(page), _) if page.contains('.') => continue,
            (Some(_), None) => front.clone(),
            (_, Some(repository)) => format!("{repository}/blob/{BRANCH}/{target}"),
        };
        if !anchor.is_empty() && new != front {
            new.extend(["#", anchor]);
        }
        text.replace_range(link.place.clone(), &new);
    }
    text
}

/// Finds links in the built pages to files that are missing in the book.
fn dead_links(book: &Path) -> io::Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let mut folders = vec![book.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "html") {
                let html = fs::read_to_string(&path)?;
                let dead = targets(content(&html)).filter(|target| !folder.join(target).exists());
                problems.extend(dead.map(|target| {
                    Problem::new(
                        path.display().to_string(),
                        format!("the link to {target} leads nowhere in the book"),
                        "link to a page or a file, not to a folder",
                    )
                }));
            }
        }
    }
    Ok(problems)
}

/// Returns the text of a built page, without the parts that are the same on all pages.
fn content(html: &str) -> &str {
    let inside = html.split_once("<main>").map_or("", |(_, rest)| rest);
    inside.split("</main>").next().unwrap_or_default()
}

/// Returns the files to which a built page links. A link to an anchor of the same page names no file.
fn targets(html: &str) -> impl Iterator<Item = &str> {
    let links = page::attributes(html).filter(|(name, ..)| matches!(*name, "href" | "src"));
    let files = links.map(|(_, value, _)| value.split('#').next().unwrap_or_default());
    files.filter(|file| !file.is_empty() && !links::is_elsewhere(file))
}

/// Time limit of one build of the book, which usually takes a second.
const LIMIT: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const REPOSITORY: Option<&str> = Some("https://example.org/doorward");

    #[test]
    fn links_out_of_the_book_lead_to_the_site_of_the_repository() {
        let text =
            "[a](../crates/x/src/a.rs) [b](b.md) [c](../SECURITY.md#model) [a](../crates/)\n";

        assert_eq!(
            rewrite("docs/page.md", text, REPOSITORY),
            "[a](https://example.org/doorward/blob/main/crates/x/src/a.rs) [b](b.md) \
             [c](https://example.org/doorward/blob/main/SECURITY.md#model) \
             [a](https://example.org/doorward/blob/main/crates)\n"
        );
    }

    #[test]
    fn without_a_site_they_lead_to_the_front_page() {
        assert_eq!(rewrite("docs/a.md", "[x](../LICENSE)", None), "[x](index.html)");
        assert_eq!(rewrite("docs/d/a.md", "[x](../../LICENSE#b)", None), "[x](../index.html)");
    }

    #[test]
    fn a_link_to_the_front_page_or_to_a_folder_leads_to_a_page() {
        assert_eq!(rewrite("docs/d/a.md", "[x](../README.md)", REPOSITORY), "[x](../index.html)");
        assert_eq!(
            rewrite("docs/a.md", "[x](d/)", REPOSITORY),
            "[x](https://example.org/doorward/blob/main/docs/d)"
        );
    }

    #[test]
    fn links_of_a_built_page_are_read_from_its_text_alone() {
        let html = "<nav href=\"toc.html\"><main><a href=\"a.html#b\"><img src=\"c.png\">\
                    <a href=\"#d\"><a href=\"https://example.org\"></main><a href=\"e.html\">";

        assert_eq!(targets(content(html)).collect::<Vec<_>>(), ["a.html", "c.png"]);
    }

    #[test]
    fn other_sites_headings_and_code_stay_as_they_are() {
        let text = "# A\n\n[a](#a) [b](https://example.org/../x) `[c](../c.rs)`\n";

        assert_eq!(rewrite("docs/a.md", text, REPOSITORY), text);
    }

    #[test]
    fn the_site_is_the_one_that_a_crate_states() {
        let metadata = json!({ "packages": [
            { "repository": null },
            { "repository": "https://example.org/doorward/" },
        ] });

        assert_eq!(repository(&metadata).as_deref(), REPOSITORY);
        assert_eq!(repository(&json!({ "packages": [] })), None);
    }
}
