//! Clients would confuse the event with one of their library.

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
