//! Anonymous clients have no user.

use doorward::prelude::*;

struct User;

struct Chat;

#[gateway("/chat")]
impl Chat {
    #[subscribe("say")]
    async fn say(&self, _me: Principal<User>) {}
}

struct Lobby;

#[gateway("/lobby")]
impl Lobby {
    #[on_connect]
    async fn hello(&self, _connection: Socket<User>) {}
}

fn main() {
    let by_hand = Gateway::at("/by-hand").on("say", |_me: Principal<User>| async {});
    Doorward::builder().public(Chat).public(Lobby).public(by_hand);
    Doorward::builder().public(Gateway::at("/inline").on("say", |_me: Principal<User>| async {}));
}
