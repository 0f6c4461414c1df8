//! The gateway is shared: nobody has it alone.

use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[subscribe("say")]
    async fn say(&mut self) {}
}

fn main() {}
