//! The ready Doorward server: `doorward serve`, `doorward token` and `doorward routes`.
//!
//! Options are read in `cli`, joined with the configuration file in `config`; `serve`, `token` and
//! `routes` are the commands. What clients see is put together in `http` (routes, host, pages, bundle) and
//! `demo` (the gateway). Whatever goes wrong before serving is one [`failure::Failure`]: one line and
//! exit code 2.
//! Start reading at [`serve::run`].

use std::process::ExitCode;

use cli::Command;
use failure::Failure;

mod announce;
mod bundle;
mod cli;
mod config;
mod custody;
mod demo;
mod descriptors;
mod failure;
mod host;
mod http;
mod key_file;
mod listen;
mod log;
mod output;
mod pages;
mod public_url;
mod routes;
mod security;
mod serve;
mod shell;
mod span;
mod token;
mod ttl;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure.to_string());
            ExitCode::from(FAILED)
        }
    }
}

fn run() -> Result<(), Failure> {
    match cli::parse(std::env::args_os())? {
        Some(Command::Routes(options)) => routes::run(&options),
        Some(Command::Serve(options)) => serve::run(&options),
        Some(Command::Token(options)) => token::run(&options),
        None => Ok(()),
    }
}

/// The code of everything that goes wrong before anybody is served.
const FAILED: u8 = 2;
