//! Reads the configuration file. Errors name the line and the column.

use std::{fs, ops::Range, path::Path};

use toml::de::DeTable;

use super::{known, tables::Settings};
use crate::terminal::{Failure, OrFail as _};

/// Reads a configuration file. Relative paths start at the folder of the configuration file.
pub(super) fn read(path: &Path) -> Result<Settings, Failure> {
    let name = path.display();
    let text = fs::read_to_string(path);
    let text = text.or_fail(format_args!("cannot read the configuration file {name}"))?;
    let at = |span: Option<Range<usize>>, what: &str| {
        let (line, column) = position(&text, span.map_or(0, |span| span.start));
        Failure::new(format_args!("{name}:{line}:{column}: {what}"))
    };
    let wrong = |error: toml::de::Error| at(error.span(), error.message());
    let table = DeTable::parse(&text).map_err(wrong)?;
    known::check_names(table.get_ref(), "").map_err(|(span, what)| at(Some(span), &what))?;
    let mut settings: Settings = toml::from_str(&text).map_err(wrong)?;
    // These paths are relative to the file, so that a command behaves the same in every working
    // directory.
    let folder = path.parent();
    let Settings { data_dir, audit, tls, .. } = &mut settings;
    for path in [data_dir, &mut audit.file, &mut tls.certificate, &mut tls.key] {
        if let (Some(path), Some(folder)) = (path, folder) {
            *path = folder.join(&*path);
        }
    }
    Ok(settings)
}

/// Returns the line and the column of a byte offset, both counted from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
    (before.matches('\n').count() + 1, column + 1)
}
