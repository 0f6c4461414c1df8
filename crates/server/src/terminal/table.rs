//! Formats rows as a table.

/// Returns the rows as text, with aligned columns that are two spaces apart.
pub(crate) fn laid_out(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
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
        let rows = [vec!["USER".into(), "A".into()], vec!["alice".into(), "b".into()]];

        assert_eq!(laid_out(&rows), "USER   A\nalice  b\n");
    }

    #[test]
    fn a_name_cannot_move_the_cursor() {
        assert_eq!(cell("a\u{1b}[2J\n"), "a\\u{1b}[2J\\n");
    }
}
