//! Connects bots that play whack-a-mole, or that talk in one room of the chat.
//!
//! Bots authenticate with tokens that are signed with the key of the data directory, so the command runs on the
//! machine of the server.

use std::{sync::Arc, time::Duration};

use doorward::{
    auth::Issuer,
    server::{Clock, SystemClock},
};
use doorward_apps::{Application, Bots, CHAT, ChatLoad, GameLoad, WHACK_A_MOLE};
use doorward_core::Causes;

use super::token;
use crate::{
    cli::BotsOptions,
    config::{Config, TokenConfig},
    data::key_file::KeyFile,
    log,
    terminal::{Failure, OrFail as _, output},
};

/// Runs `doorward bots`.
pub(crate) fn run(options: &BotsOptions) -> Result<(), Failure> {
    let config = Config::load(&options.place, options.listen.as_ref())?;
    if let Some(setting) = config.listener.obstacle() {
        return Err(Failure::new(format_args!(
            "bots need plain HTTP over TCP, but {setting}: change that while the bots run"
        )));
    }
    let _log = log::start()?;
    let application = if options.chatters.is_some() { CHAT } else { WHACK_A_MOLE };
    check_mounted(&config, application)?;
    let keys = KeyFile::of(&config.data_dir).read()?.ok_or_else(|| {
        let place = config.data_dir.display();
        Failure::new(format_args!("there is no key in {place}: start the server there first"))
    })?;
    let TokenConfig { issuer, audience } = &config.token;
    let issuer = Issuer::with_ring(Arc::new(keys), issuer.as_str(), audience.as_str());
    let token = move |name: &str| {
        Ok(issuer.issue(name, LIFETIME, SystemClock.wall(), &token::random_id())?)
    };
    let bots = Bots::new(config.listener.address.to_string(), token, output::say);
    let runtime = tokio::runtime::Runtime::new().or_fail("cannot start")?;
    let done = runtime.block_on(async {
        tokio::select! {
            done = work(options, &bots) => done,
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    });
    done.map_err(|error| Failure::new(Causes(&error)))
}

async fn work(options: &BotsOptions, bots: &Bots) -> Result<(), doorward_apps::BotError> {
    match options.chatters {
        Some(members) => {
            let load = ChatLoad { members, rate: options.rate, messages: options.messages };
            bots.chat(&load).await
        }
        None => {
            let (players, rounds) = (options.players, options.rounds);
            bots.play(&GameLoad { players, room: options.room.clone(), rounds }).await
        }
    }
}

/// Fails if `config` does not mount `application`, because no server would admit the bots.
fn check_mounted(config: &Config, application: &dyn Application) -> Result<(), Failure> {
    let name = application.name();
    if config.applications().iter().any(|mounted| mounted.name() == name) {
        return Ok(());
    }
    Err(Failure::new(format_args!(
        "the setting apps does not name {name:?}, so bots have nothing to connect to"
    )))
}

/// Lifetime of the tokens of bots, the longest that a server accepts. A bot whose token has expired reconnects
/// with a new token.
const LIFETIME: Duration = Duration::from_secs(60 * 60);
