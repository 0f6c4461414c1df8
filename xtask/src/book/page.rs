//! Reads the links and the anchors of one document.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};

/// Links and anchors of a Markdown text.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) links: Vec<Link>,
    /// Ids of headings, as GitHub and mdBook generate them, and ids in HTML.
    pub(super) anchors: BTreeSet<String>,
}

/// One link or image.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) target: String,
    pub(super) line: usize,
    /// Position of the target in the text. `None` if the target contains an escape.
    pub(super) place: Range<usize>,
}

impl Page {
    /// Reads a text. Links inside of code are ignored.
    pub(super) fn read(text: &str) -> Self {
        let options = Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES;
        let parser = Parser::new_ext(text, options);
        let mut page = Self::default();
        for (_, definition) in parser.reference_definitions().iter() {
            page.add(text, &definition.dest, definition.span.clone());
        }
        let mut heading: Option<(Option<String>, String)> = None;
        let mut seen = BTreeMap::new();
        for (event, range) in parser.into_offset_iter() {
            match event {
                Event::Start(Tag::Heading { id, .. }) => {
                    heading = Some((id.map(|id| id.to_string()), String::new()));
                }
                Event::End(TagEnd::Heading(_)) => {
                    let (id, title) = heading.take().unwrap_or_default();
                    page.anchors.insert(id.unwrap_or_else(|| numbered(&title, &mut seen)));
                }
                Event::Start(Tag::Link { link_type, dest_url, .. }) if is_here(link_type) => {
                    page.add(text, &dest_url, range);
                }
                Event::Start(Tag::Image { link_type, dest_url, .. }) if is_here(link_type) => {
                    page.add(text, &dest_url, range);
                }
                Event::Html(html) | Event::InlineHtml(html) => page.html(text, &html, range.start),
                Event::Text(words) | Event::Code(words) => {
                    if let Some((_, title)) = &mut heading {
                        title.push_str(&words);
                    }
                }
                _ => {}
            }
        }
        page
    }

    /// Adds the link at `range`. Its target is the last part of the range.
    fn add(&mut self, text: &str, target: &str, range: Range<usize>) {
        let inside = text.get(range.clone()).unwrap_or_default();
        // A target with an escape differs from the text. Such a link is checked, but has no position.
        let start = inside.rfind(target).map_or(range.end, |at| range.start + at);
        let end = (start + target.len()).min(text.len()).max(start);
        let line = text.bytes().take(range.start).filter(|byte| *byte == b'\n').count() + 1;
        self.links.push(Link { target: target.to_owned(), line, place: start..end });
    }

    /// Reads the HTML attributes that contain links or ids.
    fn html(&mut self, text: &str, html: &str, start: usize) {
        for (name, value, at) in attributes(html) {
            let place = start + at;
            match name {
                "href" | "src" | "srcset" => self.add(text, value, place..place + value.len()),
                "id" | "name" => {
                    self.anchors.insert(value.to_owned());
                }
                _ => {}
            }
        }
    }
}

/// The target of a reference link is in its definition, which is read separately.
fn is_here(link_type: LinkType) -> bool {
    matches!(link_type, LinkType::Autolink | LinkType::Inline)
}

/// Returns the id of a heading. The second heading with the same text gets the suffix 1.
fn numbered(title: &str, seen: &mut BTreeMap<String, usize>) -> String {
    let slug = slug(title);
    let count = seen.entry(slug.clone()).or_default();
    *count += 1;
    if *count == 1 { slug } else { format!("{slug}-{}", *count - 1) }
}

/// Returns the id of a heading text, such as `what-it-costs-3-` for `What it *costs*: 3 %`.
fn slug(title: &str) -> String {
    let kept = title.trim().chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        _ => c.is_alphanumeric().then_some(c),
    });
    kept.flat_map(char::to_lowercase).collect()
}

/// Returns the names and values of the quoted attributes, with the position of each value.
pub(super) fn attributes(html: &str) -> impl Iterator<Item = (&str, &str, usize)> {
    let starts = html.match_indices("=\"");
    starts.filter_map(|(at, _)| {
        let name = html.get(..at)?.rsplit([' ', '\n', '<']).next()?;
        let rest = html.get(at + 2..)?;
        let value = rest.get(..rest.find('"')?)?;
        Some((name, value, at + 2))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(text: &str) -> Vec<(String, usize)> {
        Page::read(text).links.into_iter().map(|link| (link.target, link.line)).collect()
    }

    #[test]
    fn links_of_every_kind_are_found_with_their_line() {
        let text = "# A\n\n[a](a.md) and ![b](b.png)\n\n<https://c.org> [d][d]\n\n[d]: d.md\n\n<a href=\"e.md\">e</a>\n";

        let mut found = targets(text);
        found.sort();

        let expected = [("a.md", 3), ("b.png", 3), ("d.md", 7), ("e.md", 9), ("https://c.org", 5)];
        assert_eq!(found, expected.map(|(target, line)| (target.to_owned(), line)));
    }

    #[test]
    fn the_place_of_a_link_is_its_target() {
        let text = "See [a.md](a.md \"title\") and [b](<b.md>).\n\n| x |\n|---|\n| [c](c.md) |\n";

        for link in Page::read(text).links {
            assert_eq!(text.get(link.place.clone()), Some(link.target.as_str()));
            assert!(text.get(..link.place.start).unwrap().ends_with(['(', '<']), "{link:?}");
        }
    }

    #[test]
    fn code_is_no_link() {
        assert_eq!(targets("`[a](b.md)`\n\n```md\n[a](b.md)\n```\n"), []);
    }

    #[test]
    fn anchors_are_made_as_github_makes_them() {
        let page = Page::read(
            "# What it `costs`: 3 %\n\n## Two words\n\n## Two words\n\n## 한국어\n\n## x {#own}\n\n<a id=\"html\"></a>\n",
        );

        let expected = ["html", "own", "two-words", "two-words-1", "what-it-costs-3-", "한국어"];
        assert_eq!(page.anchors.iter().collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
    }
}
