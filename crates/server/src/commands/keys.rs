//! Creates, exports and rotates the signing keys.

use doorward::server::{Clock, SystemClock};

use crate::{
    cli::{KeysAction, KeysOptions},
    config::Config,
    data::key_file::KeyFile,
    terminal::{Failure, OrFail as _, output},
};

/// Runs `doorward keys`.
pub(crate) fn run(options: &KeysOptions) -> Result<(), Failure> {
    let config = Config::load(&options.place, None)?;
    let file = KeyFile::of(&config.data_dir);
    let keys = match options.action {
        KeysAction::Create => file.create()?,
        KeysAction::Export => file.read()?.ok_or_else(|| {
            let place = config.data_dir.display();
            Failure::new(format_args!("there is no key in {place}; make one: doorward keys create"))
        })?,
        KeysAction::Rotate => file.rotate()?,
    };
    output::say(&format!("{}\n", keys.jwks(SystemClock.wall()))).or_fail("cannot print the keys")
}
