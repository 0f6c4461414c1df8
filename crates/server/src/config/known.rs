//! Lists all settings, and suggests a name for an unknown one.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    form::{Form, Known},
    issuers::IssuerConfig,
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
    if name.split_once('.').is_some_and(|(list, _)| list == ISSUERS) {
        return Meaning::Nothing(format!("; {} is set as a whole", write(ISSUERS)));
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
            (Meaning::Setting(Form::Entries), DeValue::Array(entries)) => {
                for entry in entries {
                    check_entry(entry.get_ref())?;
                }
            }
            (Meaning::Setting(Form::Entries), _) => {
                let text = format!("{name} is a list: write [[{name}]], with two brackets");
                return Err((value.span(), text));
            }
            (Meaning::Setting(_), _) => {}
            (Meaning::Table(_), DeValue::Table(table)) => check_names(table, &format!("{name}."))?,
            // The message omits the value: it may contain a password.
            (Meaning::Table(setting), _) => {
                let text =
                    format!("{name:?} is a table of settings; write them in it, such as {setting}");
                return Err((value.span(), text));
            }
            (Meaning::Nothing(_), DeValue::Array(entries)) if entries.iter().any(is_table) => {
                let found =
                    did_you_mean(nearest(&name, [ISSUERS]).map(|found| format!("[[{found}]]")));
                return Err((key.span(), format!("there is no list [[{name}]]{found}")));
            }
            (Meaning::Nothing(what), _) => {
                return Err((key.span(), format!("there is no setting {name:?}{what}")));
            }
        }
    }
    Ok(())
}

fn is_table(value: &Spanned<DeValue<'_>>) -> bool {
    matches!(value.get_ref(), DeValue::Table(_))
}

/// Checks that every name in an entry of `[[issuers]]` is that of one of its settings.
fn check_entry(entry: &DeValue<'_>) -> Result<(), (Range<usize>, String)> {
    let DeValue::Table(table) = entry else { return Ok(()) };
    for (key, _) in table {
        let name: &str = key.get_ref();
        if IssuerConfig::FIELDS.contains(&name) {
            continue;
        }
        let text = match meaning(name, str::to_owned) {
            Meaning::Nothing(_) => {
                let found = nearest(name, IssuerConfig::FIELDS).map(|found| format!("{found:?}"));
                format!("[[{ISSUERS}]] has no setting {name:?}{}", did_you_mean(found))
            }
            _ => format!(
                "{name:?} is a setting of the server: write it above the first [[{ISSUERS}]]"
            ),
        };
        return Err((key.span(), text));
    }
    Ok(())
}

/// Name of the only list of tables.
const ISSUERS: &str = "issuers";
