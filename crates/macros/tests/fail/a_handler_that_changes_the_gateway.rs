//! The gateway is shared, so no handler has exclusive access.

use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[subscribe("say")]
    async fn say(&mut self) {}
}

fn main() {}
