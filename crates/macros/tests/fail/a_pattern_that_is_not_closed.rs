//! Braces come in pairs.

use doorward_macros::gateway;

struct User;

struct Chat;

#[gateway(principal = User)]
impl Chat {
    #[room("team:{id")]
    async fn a(&self, _: u64) -> bool {
        true
    }

    #[room("team:id}")]
    async fn b(&self, _: u64) -> bool {
        true
    }
}

fn main() {}
