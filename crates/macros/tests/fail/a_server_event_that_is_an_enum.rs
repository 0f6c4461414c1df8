//! Each event is one struct.

use doorward_macros::ServerEvent;

#[derive(ServerEvent)]
enum Event {
    Said,
    Left,
}

#[derive(ServerEvent)]
union Bits {
    byte: u8,
}

fn main() {}
