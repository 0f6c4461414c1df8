//! A placeholder has the name of a parameter.

use doorward_macros::gateway;

struct User;

struct Chat;

#[gateway(principal = User)]
impl Chat {
    #[room("team:{}")]
    async fn a(&self, _: u64) -> bool {
        true
    }

    #[room("team:{my id}")]
    async fn b(&self, _: u64) -> bool {
        true
    }
}

fn main() {}
