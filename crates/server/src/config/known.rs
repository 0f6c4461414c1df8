//! Lists all settings, and suggests a name for an unknown one.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::{
    form::{Form, Known},
    tables::Settings,
};
use crate::terminal::nearest::{did_you_mean, nearest};

/// Meaning of a name.
pub(super) enum Meaning {
    /// Not a setting; the text completes the error message.
    Nothing(String),
    Setting(Form),
    /// A table, with the name of one setting in it.
    Table(String),
}

/// Returns all settings.
pub(crate) fn all() -> Vec<Known> {
    let mut all = Vec::new();
    Settings::list(&mut all, "");
    all
}

/// Looks up `name`; `write` formats the name of a suggested setting.
pub(super) fn meaning(name: &str, write: impl Fn(&str) -> String) -> Meaning {
    let all = all();
    if let Some(known) = all.iter().find(|known| known.name == name) {
        return Meaning::Setting(known.form);
    }
    let table =
        |known: &Known| known.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    if let Some(inside) = all.iter().find(|known| table(known)) {
        return Meaning::Table(inside.name.clone());
    }
    // Names of tables are suggested too: in `[sesion]` the table itself is misspelled.
    let tables = all.iter().filter_map(|known| known.name.split_once('.').map(|(table, _)| table));
    let names = all.iter().map(|known| known.name.as_str()).chain(tables);
    Meaning::Nothing(match nearest(name, names) {
        Some(found) => did_you_mean(Some(write(found))),
        None => "; doorward --help names all settings".to_owned(),
    })
}

/// Finds the first name in a file that is not a setting, and returns its position and the error.
pub(super) fn check_names(table: &DeTable<'_>, inside: &str) -> Result<(), (Range<usize>, String)> {
    for (key, value) in table {
        let name = format!("{inside}{}", key.get_ref());
        match (meaning(&name, |found| format!("{found:?}")), value.get_ref()) {
            (Meaning::Setting(_), _) => {}
            (Meaning::Table(_), DeValue::Table(table)) => check_names(table, &format!("{name}."))?,
            // The message omits the value: it may contain a password.
            (Meaning::Table(setting), _) => {
                let text =
                    format!("{name:?} is a table of settings; write them in it, such as {setting}");
                return Err((value.span(), text));
            }
            (Meaning::Nothing(what), _) => {
                return Err((key.span(), format!("there is no setting {name:?}{what}")));
            }
        }
    }
    Ok(())
}
