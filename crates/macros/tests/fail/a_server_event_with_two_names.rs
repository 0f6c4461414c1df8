//! An event has one name, which is a text.

use doorward_macros::ServerEvent;

#[derive(ServerEvent)]
#[event("said")]
#[event("told")]
struct Said;

#[derive(ServerEvent)]
#[event]
struct Left;

#[derive(ServerEvent)]
#[event = "came"]
struct Came;

fn main() {}
