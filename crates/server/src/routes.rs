//! Prints what holds where.
//!
//! It puts together the server that `doorward serve` would run, with a key that is never written down:
//! nothing in the table depends on it.

use doorward::auth::SigningKey;

use crate::{cli::RoutesOptions, config::Config, demo, failure::Failure, output};

/// Runs `doorward routes`.
pub(crate) fn run(options: &RoutesOptions) -> Result<(), Failure> {
    let config = Config::load(&options.place, None)?;
    let key = SigningKey::generate()
        .map_err(|error| Failure::because("cannot put the server together", &error))?;
    let doorward = demo::build(&key, &config)?;
    output::say(&doorward.policy().to_string())
        .map_err(|error| Failure::because("cannot print the table", &error))
}
