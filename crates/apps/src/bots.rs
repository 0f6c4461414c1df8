//! Bots: clients of both applications over real connections, for demonstrations and load tests.
//!
//! Players play rounds of whack-a-mole. Members of one room of the chat send a number of messages. Both loads
//! report how long events took to arrive at all bots. Start reading at [`Bots::play`].

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
/// The server must have mounted the application that the bots use.
#[derive(Debug)]
pub struct Bots(Arc<Door>);

impl Bots {
    /// Prepares bots for the server at `address`, such as `localhost:3000`.
    ///
    /// `token` receives the name of a bot, and returns an access token for this bot. `token` is called again when a
    /// bot reconnects, so that a token may expire. `say` prints one line of the report. The line ends with a line
    /// feed.
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
    /// Returns a [`BotError`] with the reason for which the bots have ended. A bot that loses its connection tries
    /// to reconnect, so a lost connection is an error only if all bots have failed to reconnect.
    pub async fn play(&self, load: &GameLoad) -> Result<(), BotError> {
        game::play(load, &self.0).await
    }

    /// Fills one room of the chat, sends all messages, and reports how long they took to arrive.
    ///
    /// # Errors
    /// Returns a [`BotError`] with the reason for which the bots have ended. It is [`BotError::Lost`] if a member
    /// has not received every message in order.
    pub async fn chat(&self, load: &ChatLoad) -> Result<(), BotError> {
        talk::chat(load, &self.0).await
    }
}
