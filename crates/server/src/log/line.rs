//! Limits the length of a log line.

use std::{borrow::Cow, io};

use tracing_appender::non_blocking::NonBlocking;
use tracing_subscriber::fmt::MakeWriter;

/// Writer that writes each line with one call, cut to [`MAX`] bytes.
#[derive(Clone)]
pub(super) struct Lines(pub(super) NonBlocking);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(&shortened(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Cuts a line that is longer than [`MAX`], and appends the number of missing bytes.
fn shortened(line: &[u8]) -> Cow<'_, [u8]> {
    if line.len() <= MAX {
        return line.into();
    }
    let text = String::from_utf8_lossy(line);
    let kept = text.get(..text.floor_char_boundary(MAX)).unwrap_or_default();
    format!("{kept}.. ({} more bytes)\n", text.len() - kept.len()).into_bytes().into()
}

/// Maximum length of a line in bytes. The note at the end of a cut line is not counted. A full
/// audit record, or an error with all its causes, has a few hundred bytes.
pub(super) const MAX: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_and_says_so() {
        assert_eq!(*shortened(b"short\n"), *b"short\n");

        let long = shortened("가".repeat(10_000).as_bytes()).into_owned();

        let text = String::from_utf8(long).unwrap();
        assert!(text.ends_with(".. (21810 more bytes)\n"), "{}", text.len());
        assert!(text.len() < MAX + 100);
    }
}
