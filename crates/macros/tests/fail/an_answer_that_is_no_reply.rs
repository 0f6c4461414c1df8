//! An answer has to be serializable.

use doorward::prelude::*;

struct User;

struct Message;

struct Chat;

#[gateway("/chat", principal = User)]
impl Chat {
    #[subscribe("say")]
    async fn say(&self) -> Message {
        Message
    }

    #[subscribe("write")]
    async fn write(&self) -> Result<u8, Message> {
        Ok(1)
    }
}

async fn say() -> Message {
    Message
}

fn main() {
    let _by_hand = Gateway::<User>::at("/").on("say", say);
}
