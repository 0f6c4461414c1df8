//! Connects bots to the server, and prints what they report.

use std::{fmt, io, time::Duration};

use doorward::BoxError;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::client::{Client, ClientError};

/// Function that receives the name of a bot, and returns an access token for this bot.
type MakeToken = Box<dyn Fn(&str) -> Result<String, BoxError> + Send + Sync>;

/// Function that prints one line of a report.
type Say = Box<dyn Fn(&str) -> io::Result<()> + Send + Sync>;

/// Address of the server, and the functions that the caller has passed to [`Bots`](super::Bots).
pub(super) struct Door {
    pub(super) address: String,
    pub(super) token: MakeToken,
    pub(super) say: Say,
}

/// Reasons for which bots have ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BotError {
    /// All players have lost their connections, and have failed to reconnect.
    #[error("all bots have lost their connections")]
    AllOut,
    /// A bot was not admitted.
    #[error("{name} cannot connect to {address}")]
    Connect {
        /// Name of the bot.
        name: String,
        /// Address of the server, `host:port`.
        address: String,
        /// Error of the network or the server.
        #[source]
        source: BoxError,
    },
    /// A step of the preparation has taken too long.
    #[error("{what} did not come within {patience:?}")]
    Late {
        /// Description of the step.
        what: &'static str,
        /// Time that the bots have waited.
        patience: Duration,
    },
    /// A member of the chat room has not received every message in order.
    #[error("messages were lost")]
    Lost,
    /// A member of the chat room has lost its connection.
    #[error("{name} has lost its connection")]
    Out {
        /// Name of the bot.
        name: String,
    },
    /// The report cannot be printed.
    #[error("cannot print")]
    Print(#[source] io::Error),
    /// No access token could be created.
    #[error("a bot gets no token")]
    Token(#[source] BoxError),
}

impl Door {
    pub(super) async fn enter(
        &self,
        name: &str,
        namespace: &'static str,
    ) -> Result<Client, BotError> {
        let token = (self.token)(name).map_err(BotError::Token)?;
        let connected = Client::connect(&self.address, namespace, &token).await;
        connected.map_err(|error: ClientError| BotError::Connect {
            name: name.to_owned(),
            address: self.address.clone(),
            source: error.into(),
        })
    }

    /// Connects one bot for each name, [`AT_ONCE`] at the same time. Returns the clients in the
    /// order of the names.
    pub(super) async fn enter_all(
        &self,
        names: &[String],
        namespace: &'static str,
    ) -> Result<Vec<Client>, BotError> {
        let names = names.iter().map(String::as_str);
        let enter = |name| self.enter(name, namespace);
        stream::iter(names).map(enter).buffered(AT_ONCE).try_collect().await
    }

    pub(super) fn say(&self, line: &str) -> Result<(), BotError> {
        (self.say)(&format!("{line}\n")).map_err(BotError::Print)
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Maximum number of connections that are established at the same time.
const AT_ONCE: usize = 20;
