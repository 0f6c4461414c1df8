//! A parameter has one value.

use doorward_macros::gateway;

struct User;

struct Chat;

#[gateway(principal = User)]
impl Chat {
    #[room("team:{id}:{id}")]
    async fn a(&self, _: u64) -> bool {
        true
    }
}

fn main() {}
