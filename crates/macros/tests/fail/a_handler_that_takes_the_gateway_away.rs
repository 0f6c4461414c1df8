//! The gateway is shared, so a handler cannot own it, even in a box.

use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[subscribe("say")]
    async fn say(self) {}

    #[subscribe("shout")]
    async fn shout(self: Box<Self>) {}

    #[subscribe("whisper")]
    async fn whisper(self: &std::sync::Arc<Self>) {}
}

fn main() {}
