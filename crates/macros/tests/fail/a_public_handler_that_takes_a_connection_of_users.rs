//! Sockets of a public namespace have no user.

use doorward::prelude::*;

struct User;

struct Chat;

#[gateway("/chat", principal = Anonymous)]
impl Chat {
    #[subscribe("say")]
    async fn say(&self, _connection: Socket<User>) {}
}

async fn say(_connection: Socket<User>) {}

fn main() {
    Doorward::builder().public(Chat).public(Gateway::at("/by-hand").on("say", say));
}
