//! Reads settings from environment variables: `DOORWARD_SECTION__KEY`, `DATABASE_URL` and `REDIS_URL`.
//!
//! A variable is parsed like the same entry of the configuration file, so there is only one list of settings. A
//! variable with the prefix `DOORWARD_` that names no setting is an error. Errors never repeat a value, because it
//! may be a secret under a misspelled name. `precedence` decides which source overrides which.

use std::ffi::OsString;

use serde::Deserialize as _;
use toml::{Table, Value};

use super::{
    form::Form,
    known::{self, Meaning},
    tables::Settings,
};
use crate::terminal::Failure;

/// Name and value of an environment variable.
pub(super) type Variable = (OsString, OsString);

/// Reads the settings in the variables that belong to the server. `DOORWARD_DATABASE__URL` overrides
/// `DATABASE_URL`, and `DOORWARD_REDIS__URL` overrides `REDIS_URL`.
pub(super) fn read(variables: impl Iterator<Item = Variable>) -> Result<Settings, Failure> {
    let mut own = Settings::default();
    let mut common = Settings::default();
    for (name, value) in variables {
        let Some(name) = name.to_str() else { continue };
        let known = COMMON.iter().find(|(common, _)| *common == name).map(|(_, setting)| *setting);
        let is_foreign = name == LOG || FOREIGN.iter().any(|prefix| name.starts_with(prefix));
        let setting = name.strip_prefix(PREFIX).filter(|_| !is_foreign);
        let Some(setting) = setting.or(known) else { continue };
        let value = value.to_str().ok_or_else(|| {
            Failure::new(format_args!("the environment variable {name} is not UTF-8"))
        })?;
        // An empty variable counts as unset, as in most programs.
        if value.is_empty() {
            continue;
        }
        let said = setting_of(name, setting, value)?;
        // Two variables of one source never set the same setting.
        if known.is_some() {
            common = said.or(common);
        } else {
            own = said.or(own);
        }
    }
    Ok(own.or(common))
}

/// Parses one variable. `setting` is its name in the form `SECTION__KEY`, without the prefix.
fn setting_of(name: &str, setting: &str, text: &str) -> Result<Settings, Failure> {
    let wrong = |what: &str| Failure::new(format_args!("the environment variable {name}: {what}"));
    let setting = setting.to_ascii_lowercase().replace("__", ".");
    let form = match known::meaning(&setting, variable) {
        Meaning::Setting(form) => form,
        Meaning::Table(inside) => {
            let inside = variable(&inside);
            let text = format!("names a table of settings; set one of them, such as {inside}");
            return Err(wrong(&text));
        }
        Meaning::Nothing(what) => {
            return Err(wrong(&format!("there is no setting of this name{what}")));
        }
    };
    let value = read_as(form, text).map_err(wrong)?;
    let nested = setting
        .rsplit('.')
        .fold(value, |inner, key| Value::Table(Table::from_iter([(key.to_owned(), inner)])));
    Settings::deserialize(nested)
        .map_err(|error| wrong(error.message().lines().next().unwrap_or_default()))
}

/// Parses a value as TOML. The value of a [`Form::Text`] setting is taken literally, without quotes, so that an
/// issuer may be named `1`.
fn read_as(form: Form, text: &str) -> Result<Value, &'static str> {
    let (is_good, expected): (fn(&Value) -> bool, _) = match form {
        Form::Entries => (Value::is_array, ENTRIES),
        Form::List => (Value::is_array, "write a list, such as [\"one\", \"two\"]"),
        Form::Number => (Value::is_integer, "write a whole number"),
        Form::Switch => (Value::is_bool, "write true or false"),
        Form::Text => return Ok(Value::String(text.to_owned())),
    };
    text.parse().ok().filter(is_good).ok_or(expected)
}

const ENTRIES: &str = "write a TOML list, such as [{ name = \"corp\", url = \"https://id.example.org\", audience = \"chat\" }]";

/// Returns the name of the variable for a setting.
fn variable(setting: &str) -> String {
    format!("{PREFIX}{}", setting.to_ascii_uppercase().replace('.', "__"))
}

const PREFIX: &str = "DOORWARD_";

/// Name of the variable with the log filter, which is read before the settings.
const LOG: &str = "DOORWARD_LOG";

/// Prefixes of the variables that Kubernetes sets for a service named `doorward`. They are no settings.
const FOREIGN: [&str; 2] = ["DOORWARD_PORT", "DOORWARD_SERVICE_"];

/// Variables with conventional names, and the settings that they set.
const COMMON: [(&str, &str); 2] = [("DATABASE_URL", "database__url"), ("REDIS_URL", "redis__url")];
