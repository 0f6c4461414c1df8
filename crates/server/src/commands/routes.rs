//! Prints the authenticator, guards, events and rooms of each namespace.
//!
//! The command builds the server that `doorward serve` would run, but with a temporary key and temporary stores.
//! The printed table depends on neither.

use std::sync::Arc;

use doorward::auth::{KeyRing, SigningKey};

use super::runtime;
use crate::{
    config::{Config, PlaceOptions},
    data::stores::Stores,
    run::{assembly, issuers::TrustedIssuers, resources::Resources},
    terminal::{Failure, OrFail as _, output},
};

/// Runs `doorward routes`.
pub(crate) fn run(place: &PlaceOptions) -> Result<(), Failure> {
    let config = Config::load(place, None)?;
    let key = SigningKey::generate().or_fail("cannot put the server together")?;
    let keys = Arc::new(KeyRing::new(key));
    let public_url = config.public_url.clone().unwrap_or_else(|| config.local_url(3000));
    let folder = tempfile::tempdir().or_fail("cannot put the server together")?;
    let table = runtime::block_on(async {
        let stores = Stores::forgetful(&config, folder.path()).await?;
        let sessions = Arc::new(assembly::sessions(&config, &stores));
        let resources = Resources {
            keys: &keys,
            sessions: &sessions,
            stores: &stores,
            public_url: &public_url,
        };
        let identity = assembly::identity(&config, resources).await?;
        let issuers = TrustedIssuers::new(&config, &keys, &sessions)?;
        Ok(assembly::build(&config, resources, &issuers, &identity)?.policy().to_string())
    })??;
    output::say(&table).or_fail("cannot print the table")
}
