//! Parses the command line.
//!
//! The library clap does the parsing. An error message of clap has several lines. This module joins them, because a
//! failure before serving is always one line. `config` decides what an option means beyond its syntax. Start
//! reading at [`parse`].

mod options;

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser};

pub(crate) use self::options::*;
use crate::{config::all_settings, terminal::Failure};

/// A Socket.IO server that authenticates every client before it is connected.
#[derive(Debug, Parser)]
#[command(name = "doorward", version, after_help = after_help())]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
}

/// Parses the command line. Without a command, the result is [`Command::Serve`] with default options. If an
/// argument requests the help or the version, prints it and returns `None`. Fails if an argument is invalid.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Option<Command>, Failure> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some(failure) = missing_value(&arguments) {
        return Err(failure);
    }
    match CommandLine::try_parse_from(arguments) {
        Ok(line) => {
            Ok(Some(line.command.unwrap_or_else(|| Command::Serve(ServeOptions::default()))))
        }
        Err(error) if error.use_stderr() => Err(shorten(&error)),
        Err(help) => {
            // A reader that closes the pipe early is not an error.
            drop(help.print());
            Ok(None)
        }
    }
}

/// Finds an option whose value is missing because another option follows. Generated ids may begin with a hyphen. For
/// their options, clap takes any argument as the value, and the command would act on a user named `--data-dir=DIR`.
fn missing_value(arguments: &[OsString]) -> Option<Failure> {
    let command = CommandLine::command();
    let options = command.get_subcommands().flat_map(clap::Command::get_opts);
    let names: Vec<&str> = options
        .filter(|option| option.is_allow_hyphen_values_set())
        .filter_map(clap::Arg::get_long)
        .collect();
    arguments.windows(2).find_map(|pair| {
        let (option, next) = (pair[0].to_str()?.strip_prefix("--")?, pair[1].to_string_lossy());
        let is_missing = names.contains(&option) && next.starts_with("--");
        is_missing.then(|| {
            Failure::new(format_args!(
                "the value of --{option} is missing before {next}; write --{option}=VALUE if the value begins with -- \
                 (doorward --help shows the options)"
            ))
        })
    })
}

/// Joins the error message of clap and its tips to one line, without the usage.
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

/// Formats the end of the help text, which names all settings, table by table.
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

/// Width of the help text in columns.
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
    use std::time::Duration;

    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Option<Command>, String> {
        let arguments = ["doorward"].iter().chain(arguments).map(OsString::from);
        parse(arguments).map_err(|failure| failure.to_string())
    }

    #[test]
    fn the_command_line_is_one_that_clap_finds_sound() {
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

    /// Generated ids may contain hyphens.
    #[test]
    fn an_id_may_begin_with_a_hyphen() {
        for what in ["--user", "--session", "--token", "--socket"] {
            assert!(
                matches!(parsed(&["revoke", what, "-a-"]), Ok(Some(Command::Revoke(_)))),
                "{what}"
            );
        }
        let sessions = parsed(&["sessions", "--user=--a"]);
        assert!(matches!(sessions, Ok(Some(Command::Sessions(_)))));
        assert!(matches!(parsed(&["token", "--sub", "-a"]), Ok(Some(Command::Token(_)))));
    }

    /// Otherwise a user named `--data-dir=x` would be revoked, with success.
    #[test]
    fn an_option_is_not_the_value_of_the_option_before_it() {
        let cases: [(&[&str], &str); 6] = [
            (&["revoke", "--user", "--data-dir=x"], "user"),
            (&["revoke", "--user", "--data-dir", "x"], "user"),
            (&["revoke", "--data-dir", "x", "--session", "--socket", "y"], "session"),
            (&["sessions", "--id", "--json"], "id"),
            (&["token", "--sub", "--ttl", "5m"], "sub"),
            (&["revoke", "--user", "--"], "user"),
        ];
        for (arguments, option) in cases {
            let failure = parsed(arguments).unwrap_err();

            let expected = format!("doorward: the value of --{option} is missing before --");
            assert!(failure.starts_with(&expected), "{failure}");
        }
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
