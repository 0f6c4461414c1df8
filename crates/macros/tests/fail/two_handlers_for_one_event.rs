//! With two handlers the answer would be ambiguous.

use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[subscribe("say")]
    async fn say(&self) {}

    #[subscribe("shout")]
    #[subscribe("say")]
    async fn say_again(&self) {}
}

fn main() {}
