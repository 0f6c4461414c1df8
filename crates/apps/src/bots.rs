//! Bots: clients of both applications, over real connections, for demonstration and for load.
//!
//! Players play rounds of whack-a-mole. Members of one room of the chat send a number of messages. Both report how
//! long it took until all bots had read an event. Start reading at [`Bots::play`].

mod chatter;
mod client;
mod door;
mod game;
mod latency;
mod player;
mod random;
mod talk;

use std::{io, sync::Arc};

use doorward::BoxError;

use self::door::Door;
pub use self::{door::BotError, game::GameLoad, talk::ChatLoad};

/// Bots that connect to one server.
///
/// The server must have mounted the application that they use.
#[derive(Debug)]
pub struct Bots(Arc<Door>);

impl Bots {
    /// Prepares bots for the server at `address`, such as `localhost:3000`.
    ///
    /// `token` makes an access token for a user name. It is called again when a bot reconnects, so that a token may
    /// expire. `say` prints a line of the report, which ends with a line feed.
    pub fn new(
        address: String,
        token: impl Fn(&str) -> Result<String, BoxError> + Send + Sync + 'static,
        say: impl Fn(&str) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Door { address, token: Box::new(token), say: Box::new(say) }))
    }

    /// Plays whack-a-mole, and reports after each round.
    ///
    /// # Errors
    /// [`BotError`] says why the bots have ended. Bots that lose their connection try to reconnect, so it is not
    /// returned while one of them plays.
    pub async fn play(&self, load: &GameLoad) -> Result<(), BotError> {
        game::play(load, &self.0).await
    }

    /// Fills one room of the chat, sends all messages, and reports.
    ///
    /// # Errors
    /// [`BotError`] says why the bots have ended, among others [`BotError::Lost`] when a member has not read every
    /// message in order.
    pub async fn chat(&self, load: &ChatLoad) -> Result<(), BotError> {
        talk::chat(load, &self.0).await
    }
}
