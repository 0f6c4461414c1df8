//! A gateway and the authenticator have the same principal type.

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

fn authenticated(jwt: Jwt) {
    Doorward::builder()
        .authenticate(jwt)
        .gateway(Chat)
        .gateway(Lobby)
        .gateway(Gateway::at("/a").on("say", |_me: Principal<User>| async {}))
        .gateway(Gateway::at("/b").on("say", |_connection: Socket<User>| async {}))
        .gateway(Gateway::at("/c").on_connect(|_connection: Socket<User>| async {}));
}

fn main() {}
