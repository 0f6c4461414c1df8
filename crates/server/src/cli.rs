//! Reads the command line.
//!
//! clap does the reading; its messages of several lines become one, because what fails before
//! serving is one line for people and for supervisors alike. What an option means beyond its own
//! syntax is decided in `config`.
//! Start reading at [`parse`].

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};

use crate::{
    config::{AppNames, all_settings},
    failure::Failure,
    listen::ListenAddress,
    ttl,
};

/// A Socket.IO server in which nobody is connected before they are authenticated.
#[derive(Debug, Parser)]
#[command(name = "doorward", version, after_help = after_help())]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
}

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

/// Where the server keeps and finds things; the same for every command.
#[derive(Args, Debug, Default)]
pub(crate) struct PlaceOptions {
    /// Where the signing key is kept; made when it is missing [default: ./doorward-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Settings in TOML; options count more
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Reads the command line; `None` when it only asked for help or the version, which was shown.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Option<Command>, Failure> {
    match CommandLine::try_parse_from(arguments) {
        Ok(line) => {
            Ok(Some(line.command.unwrap_or_else(|| Command::Serve(ServeOptions::default()))))
        }
        Err(error) if error.use_stderr() => Err(shorten(&error)),
        Err(help) => {
            // Help that nobody reads to its end is no failure.
            drop(help.print());
            Ok(None)
        }
    }
}

/// Refuses what is plainly no subject, before a key is made for it; the issuer knows all the rules.
fn subject(text: &str) -> Result<String, &'static str> {
    let is_subject =
        (1..=255).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if is_subject { Ok(text.to_owned()) } else { Err("write 1-255 printable characters") }
}

/// Makes one line out of what clap says: the error and its tips, without the usage.
fn shorten(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let mut line = String::new();
    for part in text.lines().map(str::trim).filter(|part| !part.is_empty()) {
        if part.starts_with("Usage:") || part.starts_with("For more information") {
            break;
        }
        if let Some(tip) = part.strip_prefix("tip: ") {
            line.push_str("; ");
            line.push_str(tip);
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(part.strip_prefix("error: ").unwrap_or(part));
        }
    }
    Failure::new(format_args!("{line} (doorward --help shows the options)"))
}

/// Names every setting, table by table.
fn after_help() -> String {
    let mut lines = vec![String::new()];
    let mut table = "";
    let settings = all_settings();
    for setting in &settings {
        let (inside, key) = setting.name.rsplit_once('.').unwrap_or(("", &setting.name));
        let last = lines.last_mut().expect("there is always a line");
        if inside != table {
            table = inside;
            lines.push(format!("  {}", setting.name));
        } else if last.len() + key.len() > HELP_WIDTH {
            last.push(',');
            lines.push(format!("    .{key}"));
        } else {
            let dot = if inside.is_empty() { "" } else { "." };
            let comma = if last.is_empty() { "  " } else { ", " };
            last.extend([comma, dot, key]);
        }
    }
    let settings = lines.join("\n");
    format!("{HELP_BEFORE}\n{settings}\n{HELP_BEHIND}")
}

/// In columns.
const HELP_WIDTH: usize = 100;

const HELP_BEFORE: &str = "\
Without a command it serves, with defaults.

Settings of --config FILE, in TOML:";

const HELP_BEHIND: &str = "\
In the environment token.issuer is DOORWARD_TOKEN__ISSUER, and so on; REDIS_URL and DATABASE_URL are
known too. Options beat the environment, and that beats the file. DOORWARD_LOG says what is logged, such
as info (the default) or doorward=debug,info.";

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Option<Command>, String> {
        let arguments = ["doorward"].iter().chain(arguments).map(OsString::from);
        parse(arguments).map_err(|failure| failure.to_string())
    }

    #[test]
    fn the_command_line_is_one_that_clap_finds_sound() {
        use clap::CommandFactory as _;

        CommandLine::command().debug_assert();
    }

    #[test]
    fn no_command_is_to_serve() {
        assert!(matches!(parsed(&[]), Ok(Some(Command::Serve(_)))));
    }

    #[test]
    fn a_token_lives_five_minutes_unless_told_otherwise() {
        let Ok(Some(Command::Token(options))) = parsed(&["token", "--sub", "alice"]) else {
            panic!("not a token command");
        };

        assert_eq!((&*options.sub, options.ttl), ("alice", Duration::from_secs(300)));
    }

    /// Ids are drawn from an alphabet that has a hyphen.
    #[test]
    fn an_id_may_begin_with_a_hyphen() {
        for what in ["--user", "--session", "--token", "--socket"] {
            assert!(
                matches!(parsed(&["revoke", what, "-a-"]), Ok(Some(Command::Revoke(_)))),
                "{what}"
            );
        }
        let sessions = parsed(&["sessions", "--user", "--a"]);
        assert!(matches!(sessions, Ok(Some(Command::Sessions(_)))));
        assert!(matches!(parsed(&["token", "--sub", "-a"]), Ok(Some(Command::Token(_)))));
    }

    #[test]
    fn mistakes_are_explained_in_one_line() {
        let cases: [(&[&str], &str); 6] = [
            (&["serve", "--lisen", "x"], "unexpected argument '--lisen' found; a similar"),
            (&["srve"], "unrecognized subcommand 'srve'; a similar"),
            (
                &["serve", "--apps", "chat,whack-a-mol"],
                "invalid value 'chat,whack-a-mol' for '--apps <NAMES>': write \"chat\" or \"whack-a-mole\"; did \
                 you mean \"whack-a-mole\"?",
            ),
            (&["token"], "the following required arguments were not provided: --sub <USER>"),
            (&["token", "--sub", "a", "--ttl", "5"], "invalid value '5' for '--ttl <TIME>': write"),
            (&["serve", "--listen", "80"], "invalid value '80' for '--listen <HOST:PORT>': write"),
        ];
        for (arguments, expected) in cases {
            let failure = parsed(arguments).unwrap_err();

            assert!(failure.starts_with(&format!("doorward: {expected}")), "{failure}");
            assert!(!failure.contains('\n') && !failure.contains("Usage"), "{failure}");
        }
    }
}
