//! A request to enter a room has no event.

use doorward::prelude::Payload;
use doorward_macros::gateway;

struct User;

struct Chat;

#[gateway(principal = User)]
impl Chat {
    #[room("team:{id}")]
    async fn a(&self, id: u64, _: Payload<u8>) -> bool {
        id == id
    }

    #[room("lobby")]
    async fn b(&self, _: u64) -> bool {
        true
    }

    #[room("hall:{id}")]
    async fn c(&self, id: &'static str) -> bool {
        id == id
    }
}

fn main() {}
