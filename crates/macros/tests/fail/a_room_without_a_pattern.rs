//! A policy states its rooms.

use doorward_macros::gateway;

struct User;

struct Chat;

#[gateway(principal = User)]
impl Chat {
    #[room]
    async fn z(&self) -> bool {
        true
    }

    #[room("")]
    async fn a(&self) -> bool {
        true
    }

    #[room(TEAM)]
    async fn b(&self) -> bool {
        true
    }
}

fn main() {}
