//! A handler is called on the gateway.

use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[subscribe("say")]
    async fn say() {}
}

fn main() {}
