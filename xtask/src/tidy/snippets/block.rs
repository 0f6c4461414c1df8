//! Finds the fenced blocks of a document.

/// Beginning of a comment that names the test of the block.
pub(super) const RUN_BY: &str = "run by ";

/// Beginning of a comment with the reason why no test runs the block.
pub(super) const NOT_RUN: &str = "not run:";

/// A fenced block with the comment above it.
#[derive(Debug)]
pub(super) struct Block<'a> {
    /// Number of the first line of the block.
    pub(super) line: usize,
    /// Text after the fence, such as `rust,no_run`.
    pub(super) info: &'a str,
    /// Text of the comment on the line above the block.
    pub(super) comment: Option<&'a str>,
    pub(super) lines: Vec<&'a str>,
}

impl<'a> Block<'a> {
    pub(super) fn language(&self) -> &'a str {
        self.info.split([',', ' ']).next().unwrap_or_default()
    }

    pub(super) fn is_doctest(&self) -> bool {
        self.language() == "rust" && !self.info.contains("ignore")
    }
}

pub(super) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut before = "";
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let inside = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
            let lines = inside.collect();
            blocks.push(Block { line: number + 1, info, comment: comment(before), lines });
        }
        before = line;
    }
    blocks
}

pub(super) fn comment(line: &str) -> Option<&str> {
    Some(line.strip_prefix("<!--")?.strip_suffix("-->")?.trim())
}
