//! The ready Doorward server, `doorward serve`, and the commands of its operators.
//!
//! Options are read in `cli`, joined with file and environment in `config`; each command is a module of
//! its name. What operators ask of a running server goes through `admin`. What clients see is put together in `http` (routes, host, pages, bundle) and
//! `demo` (the gateway). Whatever goes wrong before serving is one [`failure::Failure`]: one line and
//! an exit code, 2 unless what was asked for is not there.
//! Start reading at [`serve::run`].

use std::process::ExitCode;

use cli::Command;
use failure::Failure;

mod accounts;
mod admin;
mod allowed_origin;
mod announce;
mod backup;
mod base_path;
mod bots;
mod bundle;
mod cli;
mod config;
mod connections;
mod cors;
mod custody;
mod data_dir;
mod database;
mod demo;
mod dependencies;
mod descriptors;
mod directory;
mod etag;
mod failure;
mod host;
mod http;
mod key_file;
mod keys;
mod known;
mod listen;
mod log;
mod metrics;
mod nearest;
mod output;
mod pages;
mod public_url;
mod revoke;
mod routes;
mod security;
mod serve;
mod sessions;
mod shell;
mod signals;
mod span;
mod stores;
mod table;
mod token;
mod ttl;
mod url;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure.to_string());
            ExitCode::from(failure.code())
        }
    }
}

fn run() -> Result<(), Failure> {
    match cli::parse(std::env::args_os())? {
        Some(Command::Accounts(options)) => accounts::run(&options),
        Some(Command::Backup(options)) => backup::run(&options),
        Some(Command::Bots(options)) => bots::run(&options),
        Some(Command::Connections(options)) => connections::run(&options),
        Some(Command::Keys(options)) => keys::run(&options),
        Some(Command::Revoke(options)) => revoke::run(&options),
        Some(Command::Routes(options)) => routes::run(&options),
        Some(Command::Serve(options)) => serve::run(&options),
        Some(Command::Sessions(options)) => sessions::run(&options),
        Some(Command::Token(options)) => token::run(&options),
        None => Ok(()),
    }
}
