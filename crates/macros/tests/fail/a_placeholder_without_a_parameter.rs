//! Every placeholder needs a parameter.

use doorward_macros::gateway;

struct User;

struct Seat(u8);

struct Chat;

#[gateway(principal = User)]
impl Chat {
    #[room("team:{id}")]
    async fn a(&self) -> bool {
        true
    }

    #[room("hall:{id}/{seat}")]
    async fn b(&self, Seat(_): Seat, id: u64) -> bool {
        id == id
    }
}

fn main() {}
