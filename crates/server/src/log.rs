//! Writes the log to standard error.
//!
//! `DOORWARD_LOG` says what is logged, in the syntax of tracing-subscriber; a filter that cannot be
//! read is a failure, because nobody misses a log before it is needed.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// Starts to log. Called once.
pub(crate) fn start() -> Result<(), Failure> {
    let setting = std::env::var_os(VARIABLE).unwrap_or_default();
    let filter = filter(&setting.to_string_lossy())?;
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal() && !no_color)
        // It would be told on standard error, which is what just failed, with a macro that panics.
        .log_internal_errors(false)
        .try_init()
        .map_err(|error| Failure::because("cannot start the log", &*error))
}

fn filter(setting: &str) -> Result<EnvFilter, Failure> {
    let setting = if setting.trim().is_empty() { DEFAULT } else { setting };
    EnvFilter::builder().parse(setting).map_err(|error| {
        Failure::new(format_args!(
            "{VARIABLE} is no log filter ({error}); write one such as info or doorward=debug,info"
        ))
    })
}

const VARIABLE: &str = "DOORWARD_LOG";
const DEFAULT: &str = "info";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_setting_is_the_default() {
        for setting in ["", " ", "info"] {
            assert_eq!(filter(setting).unwrap().to_string(), "info");
        }
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_refused() {
        for setting in ["doorward=loud", "a=b=c", "[", "info,=,"] {
            let failure = filter(setting).map(|_| ()).unwrap_err().to_string();

            assert!(failure.starts_with("doorward: DOORWARD_LOG is no log filter ("), "{failure}");
        }
    }
}
