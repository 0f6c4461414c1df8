//! The ready-made Doorward server, `doorward serve`, and the commands for its operators.
//!
//! `cli` parses the options, and `config` merges them with the configuration file and the environment. `run` is the
//! server, and `commands` contains the other commands. Operators reach a running server through `admin`, and
//! browsers through `http`. `data` opens the files on the disk. A failure before serving is a
//! [`terminal::Failure`], which has one line and an exit code. The exit code is 2, or 1 if the requested thing does
//! not exist.
//!
//! The modules are layers. From top to bottom: `commands`; `run`; `admin`, `cli`, `data`, `http` and `log`;
//! `config`; `terminal`. A folder imports only from lower layers. Start reading at [`run::serve::run`].

use std::process::ExitCode;

use cli::Command;
use terminal::{Failure, output};

mod admin;
mod cli;
mod commands;
mod config;
mod data;
mod door;
mod http;
mod log;
mod run;
mod terminal;

fn main() -> ExitCode {
    match command() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure.to_string());
            ExitCode::from(failure.code)
        }
    }
}

fn command() -> Result<(), Failure> {
    match cli::parse(std::env::args_os())? {
        Some(Command::Accounts(options)) => commands::accounts::run(&options),
        Some(Command::Backup(options)) => commands::backup::run(&options),
        Some(Command::Bots(options)) => commands::bots::run(&options),
        Some(Command::Connections(options)) => commands::connections::run(&options),
        Some(Command::Doctor(place)) => commands::doctor::run(&place),
        Some(Command::Keys(options)) => commands::keys::run(&options),
        Some(Command::Nodes(options)) => commands::nodes::run(&options),
        Some(Command::Revoke(options)) => commands::revoke::run(&options),
        Some(Command::Routes(place)) => commands::routes::run(&place),
        Some(Command::Serve(options)) => run::serve::run(&options),
        Some(Command::Sessions(options)) => commands::sessions::run(&options),
        Some(Command::Token(options)) => commands::token::run(&options),
        None => Ok(()),
    }
}
