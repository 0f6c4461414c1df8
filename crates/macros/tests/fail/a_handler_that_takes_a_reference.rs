//! The arguments of a handler are made for it.

use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[subscribe("say")]
    async fn say(&self, _: &str) {}
}

fn main() {}
