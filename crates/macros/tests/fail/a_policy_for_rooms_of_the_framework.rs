//! Clients cannot ask to enter rooms of the framework.

use doorward_macros::gateway;

struct User;

struct Chat;

#[gateway(principal = User)]
impl Chat {
    #[room("user:{id}")]
    async fn a(&self, _: u64) -> bool {
        true
    }

    #[room("session:{id}")]
    async fn b(&self, _: u64) -> bool {
        true
    }

    #[room("socket:{id}")]
    async fn c(&self, _: u64) -> bool {
        true
    }
}

fn main() {}
