//! Quotes paths for a shell.

use std::path::Path;

/// Quotes a path so that a shell takes it as one word.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_any_path_as_one_word() {
        assert_eq!(quoted(Path::new("./doorward-data")), "./doorward-data");
        assert_eq!(quoted(Path::new("/a b")), "'/a b'");
        assert_eq!(quoted(Path::new("it's $(me)")), r"'it'\''s $(me)'");
        assert_eq!(quoted(Path::new("")), "''");
    }
}
