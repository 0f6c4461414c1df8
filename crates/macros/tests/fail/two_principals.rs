//! A gateway has one principal type.

use doorward::prelude::{Socket, Principal};
use doorward_macros::gateway;

struct User;

struct Guest;

struct Chat;

#[gateway]
impl Chat {
    #[subscribe("say")]
    async fn say(&self, _: Principal<User>) {}

    #[on_connect]
    async fn hello(&self, _: Socket<Guest>) {}
}

fn main() {}
