//! Prints one access token.
//!
//! The token is signed with the key of the data directory. `doorward serve` trusts this key, so no server needs to
//! run. A missing key is created in profile `development`. The token is written only to standard output.

use std::sync::Arc;

use doorward::{
    auth::{IssueError, Issuer},
    server::{Clock, Entropy, OsEntropy, SystemClock},
};

use crate::{
    cli::TokenOptions,
    config::{Config, TokenConfig},
    data::key_file::KeyFile,
    terminal::{Failure, OrFail as _, output},
};

/// Runs `doorward token`.
pub(crate) fn run(options: &TokenOptions) -> Result<(), Failure> {
    let config = Config::load(&options.place, None)?;
    let space = options.sub.split_once(':').map(|(space, _)| space);
    if let Some(issuer) = config.issuers.iter().find(|issuer| space == Some(issuer.name.as_str())) {
        return Err(Failure::new(format_args!(
            "--sub names a user of the issuer {:?}, and no server would accept the token: such users sign in at the \
             issuer",
            issuer.name.as_str()
        )));
    }
    let file = KeyFile::of(&config.data_dir);
    let is_new = file.read()?.is_none();
    let keys = Arc::new(file.read_or_create(config.profile)?);
    let TokenConfig { issuer, audience } = &config.token;
    let issuer = Issuer::with_ring(keys, issuer.as_str(), audience.as_str());
    let token = issuer
        .issue(&options.sub, options.ttl, SystemClock.wall(), &random_id())
        .map_err(explain)?;
    output::say(&format!("{token}\n")).or_fail("cannot print the token")?;
    if is_new {
        output::complain(&format!(
            "Hint: there was no key in {}, so a new one was made. Only a server with this data directory accepts \
             the token.",
            config.data_dir.display()
        ));
    }
    Ok(())
}

fn explain(error: IssueError) -> Failure {
    match error {
        IssueError::Subject => Failure::new("--sub must be 1-255 printable characters"),
        error => Failure::because("cannot make a token", &error),
    }
}

/// Returns a token id of 128 random bits.
pub(crate) fn random_id() -> String {
    let mut bytes = [0; 16];
    OsEntropy.fill(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}
