//! Formats rows as a table.

/// Returns a head and rows as text, with aligned columns that are two spaces apart.
pub(crate) fn laid_out<const N: usize>(
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    let rows: Vec<_> = [head.map(str::to_owned)].into_iter().chain(rows).collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', 2 + width - cell.chars().count()));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Escapes control characters in text of unknown origin, so that a cell cannot move the cursor of a terminal.
pub(crate) fn cell(text: &str) -> String {
    text.chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_under_each_other() {
        let rows = [["alice", "b"].map(str::to_owned)];

        assert_eq!(laid_out(["USER", "A"], rows.into_iter()), "USER   A\nalice  b\n");
    }

    #[test]
    fn a_name_cannot_move_the_cursor() {
        assert_eq!(cell("a\u{1b}[2J\n"), "a\\u{1b}[2J\\n");
    }
}
