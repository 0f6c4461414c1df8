//! The commands and their options; their documentation is the help that the program prints.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueEnum, value_parser};

use crate::config::{AppNames, PlaceOptions, listen::ListenAddress, ttl};

/// What there is to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists the accounts of the running server, disables, enables or removes one
    Accounts(AccountsOptions),
    /// Copies databases and keys to a new directory, while the server runs or not
    Backup(BackupOptions),
    /// Plays whack-a-mole with the running server, or fills a room of its chat
    Bots(BotsOptions),
    /// Lists who is connected to the running server
    Connections(ConnectionsOptions),
    /// Shows and exchanges the keys that tokens are signed with
    Keys(KeysOptions),
    /// Ends a user, a session, a token or a socket on the running server, and says when it is done
    Revoke(RevokeOptions),
    /// Prints what holds in which namespace: authenticator, guards, events, rooms
    Routes(RoutesOptions),
    /// Runs the server until it is told to stop (the default command)
    Serve(ServeOptions),
    /// Lists the sessions of a user on the running server, or makes one
    Sessions(SessionsOptions),
    /// Prints one access token, and nothing else
    Token(TokenOptions),
}

/// Which accounts, and what about them.
#[derive(Args, Debug)]
pub(crate) struct AccountsOptions {
    /// What to do
    #[arg(value_enum, default_value_t = AccountsAction::List)]
    pub(crate) action: AccountsAction,
    /// The user name of the account to change
    #[arg(required_if_eq_any = [("action", "disable"), ("action", "enable"), ("action", "remove")])]
    pub(crate) name: Option<String>,
    /// Prints the list as JSON, one line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
}

/// What can be done with accounts.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum AccountsAction {
    /// Lets nobody sign in to it, and ends all of its sessions and sockets
    Disable,
    /// Lets it be used again
    Enable,
    /// Lists all
    List,
    /// Removes it with its passkeys, and ends all of its sessions and sockets
    Remove,
}

/// Where a backup goes.
#[derive(Args, Debug)]
pub(crate) struct BackupOptions {
    /// A directory that is not there yet
    #[arg(value_name = "DIRECTORY")]
    pub(crate) to: PathBuf,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
}

/// Which bots, and what they do.
#[derive(Args, Debug)]
pub(crate) struct BotsOptions {
    /// How many play
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = value_parser!(u32).range(1..=250))]
    pub(crate) players: u32,
    /// In which room of the game
    #[arg(long, value_name = "NAME", default_value = "lobby")]
    pub(crate) room: String,
    /// Ends after so many rounds
    #[arg(long, value_name = "NUMBER")]
    pub(crate) rounds: Option<u32>,
    /// How many are in one room of the chat, in place of the game
    #[arg(long, value_name = "NUMBER", value_parser = value_parser!(u16).range(2..=2000), conflicts_with_all = ["players", "room", "rounds"])]
    pub(crate) chatters: Option<u16>,
    /// How many messages they send in a second, together
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = value_parser!(u32).range(1..), requires = "chatters")]
    pub(crate) rate: u32,
    /// How many messages they send, together
    #[arg(long, value_name = "NUMBER", default_value_t = 600, requires = "chatters")]
    pub(crate) messages: u32,
    /// Where the server listens [default: as it is configured, or localhost:3000]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Option<ListenAddress>,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
}

/// Which connections to list.
#[derive(Args, Debug)]
pub(crate) struct ConnectionsOptions {
    /// Prints JSON, one line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
}

/// What to do with keys.
#[derive(Args, Debug)]
pub(crate) struct KeysOptions {
    /// What to do
    #[arg(value_enum)]
    pub(crate) action: KeysAction,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
}

/// What can be done with keys.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum KeysAction {
    /// Makes a key, if there is none; profile "production" wants this to be done by hand
    Create,
    /// Prints the public keys as a JSON Web Key Set
    Export,
    /// Makes a new key; tokens of the old one are good until the longest of them has ended
    Rotate,
}

/// What to end: one of these.
#[derive(Args, Debug)]
#[group(id = "what", required = true, multiple = false, args = ["user", "id", "session", "token", "socket"])]
pub(crate) struct RevokeOptions {
    /// Everything that a user has: the account of this name, or else a subject or an id
    #[arg(long, value_name = "NAME", value_parser = subject, allow_hyphen_values = true)]
    pub(crate) user: Option<String>,
    /// Everything that the user with exactly this id or subject has
    #[arg(long, value_parser = subject, allow_hyphen_values = true)]
    pub(crate) id: Option<String>,
    /// The session with this id, its tokens and its sockets
    #[arg(long, value_name = "ID", value_parser = subject, allow_hyphen_values = true)]
    pub(crate) session: Option<String>,
    /// The token with this `jti`, and its sockets
    #[arg(long, value_name = "JTI", value_parser = subject, allow_hyphen_values = true)]
    pub(crate) token: Option<String>,
    /// The socket with this id
    #[arg(long, value_name = "ID", value_parser = subject, allow_hyphen_values = true)]
    pub(crate) socket: Option<String>,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
}

/// Whose sessions, and what about them.
#[derive(Args, Debug)]
#[group(id = "whose", required = true, multiple = false, args = ["user", "id"])]
pub(crate) struct SessionsOptions {
    /// Those of the account of this name, or else of a subject or an id
    #[arg(long, value_name = "NAME", value_parser = subject, allow_hyphen_values = true)]
    pub(crate) user: Option<String>,
    /// Those of the user with exactly this id or subject
    #[arg(long, value_parser = subject, allow_hyphen_values = true)]
    pub(crate) id: Option<String>,
    /// Makes one, and prints the token that opens it and nothing else
    #[arg(long, conflicts_with = "json")]
    pub(crate) create: bool,
    /// Prints JSON, one line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
}

/// How to serve.
#[derive(Args, Debug, Default)]
pub(crate) struct ServeOptions {
    /// Where to listen; port 0 takes a free one [default: localhost:3000]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Option<ListenAddress>,
    /// Applications to mount, separated by commas; empty for none [default: chat,whack-a-mole in profile
    /// "development"]
    #[arg(long, value_name = "NAMES")]
    pub(crate) apps: Option<AppNames>,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
}

/// Whose routes to print.
#[derive(Args, Debug)]
pub(crate) struct RoutesOptions {
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
}

/// Which token to print.
#[derive(Args, Debug)]
pub(crate) struct TokenOptions {
    /// Whom the token speaks for: 1-255 printable characters
    #[arg(long, value_name = "USER", value_parser = subject, allow_hyphen_values = true)]
    pub(crate) sub: String,
    /// How long it is good: a number and s, m or h; at most 1h
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = ttl::parse)]
    pub(crate) ttl: Duration,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
}

/// Refuses what is plainly no subject, before a key is made for it; the issuer knows all the rules.
fn subject(text: &str) -> Result<String, &'static str> {
    let is_subject =
        (1..=255).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if is_subject { Ok(text.to_owned()) } else { Err("write 1-255 printable characters") }
}
