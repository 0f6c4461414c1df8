//! Clients could not tell it from the library's own.

use doorward_macros::ServerEvent;

#[derive(ServerEvent)]
struct Disconnect;

#[derive(ServerEvent)]
struct SessionEnded;

#[derive(ServerEvent)]
#[event("exception")]
struct Failed;

#[derive(ServerEvent)]
#[event("")]
struct Nameless;

fn main() {}
