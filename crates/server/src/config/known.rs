//! Lists all settings, and suggests a name for an unknown one.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::{
    form::{Form, Known},
    tables::Settings,
};
use crate::terminal::nearest::{did_you_mean, nearest};

/// Meaning of a name in the configuration.
pub(super) enum Meaning {
    /// The name is unknown. The text completes the error message.
    Nothing(String),
    Setting(Form),
    /// The name is that of a table. The text is the name of one setting in the table.
    Table(String),
}

/// Returns all settings.
pub(crate) fn all() -> Vec<Known> {
    let mut all = Vec::new();
    Settings::list(&mut all, "");
    all
}

/// Looks up `name`. `write` formats the name of a suggested setting.
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

/// Checks that every name in a table is that of a setting. `inside` is the prefix of the names,
/// such as `session.`. The error is the position of the first mistake and its description.
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
