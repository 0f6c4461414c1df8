//! What the environment says: `DOORWARD_SECTION__KEY`, and the two names that everybody uses.
//!
//! Each variable is read as if it stood in the configuration file, so there is one list of settings. A
//! variable that names no setting is a mistake. Values are never repeated in a failure: some are secrets.

use std::ffi::OsString;

use serde::Deserialize as _;
use toml::{Table, Value};

use super::settings::Settings;
use crate::failure::Failure;

/// A name and a value.
pub(super) type Variable = (OsString, OsString);

/// Reads all variables that are meant for the server.
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
        // As everywhere: what is set to nothing is not set.
        if value.is_empty() {
            continue;
        }
        let said = setting_of(name, setting, value)?;
        // Sections of one source never say the same twice.
        if known.is_some() {
            common = said.or(common);
        } else {
            own = said.or(own);
        }
    }
    Ok(own.or(common))
}

/// Reads one variable. Text is tried first, so that an issuer may be called `1`.
fn setting_of(name: &str, setting: &str, value: &str) -> Result<Settings, Failure> {
    let text = nested(setting, Value::String(value.to_owned()));
    let error = match Settings::deserialize(text) {
        Ok(settings) => return Ok(settings),
        Err(error) => error,
    };
    let typed = toml::from_str::<Table>(&format!("value = {value}"));
    let typed = typed.ok().and_then(|mut table| table.remove("value"));
    if let Some(Ok(settings)) = typed.map(|value| Settings::deserialize(nested(setting, value))) {
        return Ok(settings);
    }
    Err(Failure::new(format_args!(
        "the environment variable {name} cannot be used: {}",
        without(error.message(), value)
    )))
}

/// What TOML would make of it in the section that the name says.
fn nested(setting: &str, value: Value) -> Value {
    let lower = setting.to_ascii_lowercase();
    lower
        .rsplit("__")
        .fold(value, |inner, key| Value::Table(Table::from_iter([(key.to_owned(), inner)])))
}

/// A message without the value, which some parsers quote.
fn without(message: &str, value: &str) -> String {
    message.lines().next().unwrap_or_default().replace(value, "..")
}

const PREFIX: &str = "DOORWARD_";

/// Says what is logged, and is read before anything else.
const LOG: &str = "DOORWARD_LOG";

/// What Kubernetes sets for a service that is called `doorward`.
const FOREIGN: [&str; 2] = ["DOORWARD_PORT", "DOORWARD_SERVICE_"];

/// What everybody calls them.
const COMMON: [(&str, &str); 2] = [("DATABASE_URL", "database__url"), ("REDIS_URL", "redis__url")];
