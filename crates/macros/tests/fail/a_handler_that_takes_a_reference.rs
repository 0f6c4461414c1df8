//! Arguments of a handler are owned.

use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[subscribe("say")]
    async fn say(&self, _: &str) {}
}

fn main() {}
