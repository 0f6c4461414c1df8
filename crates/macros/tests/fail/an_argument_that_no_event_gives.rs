//! An argument is extracted from an event.

use doorward::prelude::*;

struct User;

struct Message;

struct Chat;

#[gateway("/chat")]
impl Chat {
    #[subscribe("say")]
    async fn say(&self, _me: Principal<User>, _text: String) {}

    #[subscribe("write")]
    async fn write(&self, Payload(_message): Payload<Message>) {}
}

async fn say(_me: Principal<User>, _text: String) {}

fn main() {
    let _by_hand = Gateway::<User>::at("/").on("say", say);
}
