//! The commands and their options. The documentation comments are the text of `--help`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueEnum, value_parser};

use crate::config::{AppNames, PlaceOptions, listen::ListenAddress, ttl};

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists, disables, enables or removes accounts of the running server
    Accounts(AccountsOptions),
    /// Copies databases and keys to a new directory, with or without a running server
    Backup(BackupOptions),
    /// Connects bots to the running server: players of whack-a-mole or members of a chat room
    Bots(BotsOptions),
    /// Lists the connections of the running server, or of all nodes of its cluster
    Connections(ConnectionsOptions),
    /// Checks the settings, the data directory, Redis, PostgreSQL and the running nodes
    Doctor(PlaceOptions),
    /// Creates, exports and rotates the keys that sign tokens
    Keys(KeysOptions),
    /// Lists the nodes of the cluster of the running server
    Nodes(NodesOptions),
    /// Revokes a user, a session, a token or a socket on the running server, and waits until it has ended
    Revoke(RevokeOptions),
    /// Prints the authenticator, guards, events and rooms of each namespace
    Routes(PlaceOptions),
    /// Runs the server until it receives a signal to stop (the default command)
    Serve(ServeOptions),
    /// Lists the sessions of a user on the running server, or creates one
    Sessions(SessionsOptions),
    /// Prints one access token, and nothing else
    Token(TokenOptions),
}

/// Options of `accounts`.
#[derive(Args, Debug)]
pub(crate) struct AccountsOptions {
    /// Action
    #[arg(value_enum, default_value_t = AccountsAction::List)]
    pub(crate) action: AccountsAction,
    /// User name of the account to change
    #[arg(required_if_eq_any = [("action", "disable"), ("action", "enable"), ("action", "remove")])]
    pub(crate) name: Option<String>,
    /// Prints the list as JSON, one line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
}

/// Actions on accounts.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum AccountsAction {
    /// Blocks sign-in, and ends all sessions and sockets of the account
    Disable,
    /// Unblocks the account
    Enable,
    /// Lists all accounts
    List,
    /// Removes the account with its passkeys, and ends all of its sessions and sockets
    Remove,
}

/// Options of `backup`.
#[derive(Args, Debug)]
pub(crate) struct BackupOptions {
    /// Directory to create
    #[arg(value_name = "DIRECTORY")]
    pub(crate) to: PathBuf,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
}

/// Options of `bots`.
#[derive(Args, Debug)]
pub(crate) struct BotsOptions {
    /// Number of players
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = value_parser!(u32).range(1..=250))]
    pub(crate) players: u32,
    /// Room of the game
    #[arg(long, value_name = "NAME", default_value = "lobby")]
    pub(crate) room: String,
    /// Number of rounds to play [default: no limit]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) rounds: Option<u32>,
    /// Number of members of one chat room, instead of playing
    #[arg(long, value_name = "NUMBER", value_parser = value_parser!(u16).range(2..=2000), conflicts_with_all = ["players", "room", "rounds"])]
    pub(crate) chatters: Option<u16>,
    /// Messages per second, of all members together
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = value_parser!(u32).range(1..), requires = "chatters")]
    pub(crate) rate: u32,
    /// Messages to send, of all members together
    #[arg(long, value_name = "NUMBER", default_value_t = 600, requires = "chatters")]
    pub(crate) messages: u32,
    /// Address of the server [default: as configured, or localhost:3000]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Option<ListenAddress>,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
}

/// Options of `connections`.
#[derive(Args, Debug)]
pub(crate) struct ConnectionsOptions {
    /// Prints JSON: one line, or with --watch one line for each change
    #[arg(long)]
    pub(crate) json: bool,
    /// Prints each change from now on: connections that are opened, refreshed, ended and refused
    #[arg(long)]
    pub(crate) watch: bool,
    /// Watches the user with this user name, or else with this id or subject
    #[arg(long, value_name = "NAME", value_parser = subject, allow_hyphen_values = true, requires = "watch")]
    pub(crate) user: Option<String>,
    /// Watches the user with exactly this id or subject
    #[arg(long, value_parser = subject, allow_hyphen_values = true, requires = "watch", conflicts_with = "user")]
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
}

/// Options of `keys`.
#[derive(Args, Debug)]
pub(crate) struct KeysOptions {
    /// Action
    #[arg(value_enum)]
    pub(crate) action: KeysAction,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
}

/// Actions on keys.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum KeysAction {
    /// Creates a key if there is none; required once for profile "production"
    Create,
    /// Prints the public keys as a JSON Web Key Set
    Export,
    /// Creates a new key; the old one is trusted until its last token expires
    Rotate,
}

/// Options of `nodes`.
#[derive(Args, Debug)]
pub(crate) struct NodesOptions {
    /// Prints JSON, one line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
}

/// Options of `revoke`: exactly one target.
#[derive(Args, Debug)]
#[group(id = "what", required = true, multiple = false, args = ["user", "id", "session", "token", "socket"])]
pub(crate) struct RevokeOptions {
    /// Everything of the user with this user name, or else with this id or subject
    #[arg(long, value_name = "NAME", value_parser = subject, allow_hyphen_values = true)]
    pub(crate) user: Option<String>,
    /// Everything of the user with exactly this id or subject, such as corp:SUB for a user of the issuer corp
    #[arg(long, value_parser = subject, allow_hyphen_values = true)]
    pub(crate) id: Option<String>,
    /// Session with this id, its tokens and its sockets
    #[arg(long, value_name = "ID", value_parser = subject, allow_hyphen_values = true)]
    pub(crate) session: Option<String>,
    /// Token with this `jti`, and its sockets; corp:JTI for a token of the issuer corp
    #[arg(long, value_name = "JTI", value_parser = subject, allow_hyphen_values = true)]
    pub(crate) token: Option<String>,
    /// Socket with this id
    #[arg(long, value_name = "ID", value_parser = subject, allow_hyphen_values = true)]
    pub(crate) socket: Option<String>,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
}

/// Options of `sessions`.
#[derive(Args, Debug)]
#[group(id = "whose", required = true, multiple = false, args = ["user", "id"])]
pub(crate) struct SessionsOptions {
    /// Sessions of the user with this user name, or else with this id or subject
    #[arg(long, value_name = "NAME", value_parser = subject, allow_hyphen_values = true)]
    pub(crate) user: Option<String>,
    /// Sessions of the user with exactly this id or subject
    #[arg(long, value_parser = subject, allow_hyphen_values = true)]
    pub(crate) id: Option<String>,
    /// Creates a session, and prints only its token
    #[arg(long, conflicts_with = "json")]
    pub(crate) create: bool,
    /// Prints JSON, one line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
}

/// Options of `serve`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ServeOptions {
    /// Address to listen on, or unix:PATH; port 0 picks a free one [default: localhost:3000]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Option<ListenAddress>,
    /// Applications to mount, separated by commas; empty for none [default: chat,whack-a-mole in profile
    /// "development"]
    #[arg(long, value_name = "NAMES")]
    pub(crate) apps: Option<AppNames>,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
}

/// Options of `token`.
#[derive(Args, Debug)]
pub(crate) struct TokenOptions {
    /// Subject of the token: 1-255 printable characters
    #[arg(long, value_name = "USER", value_parser = subject, allow_hyphen_values = true)]
    pub(crate) sub: String,
    /// Lifetime of the token: a number and s, m or h; at most 1h
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = ttl::parse)]
    pub(crate) ttl: Duration,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
}

/// Parses a subject or an id. Rejects an invalid text before the command does anything. The issuer of tokens checks
/// further rules.
fn subject(text: &str) -> Result<String, &'static str> {
    let is_subject =
        (1..=255).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if is_subject { Ok(text.to_owned()) } else { Err("write 1-255 printable characters") }
}
