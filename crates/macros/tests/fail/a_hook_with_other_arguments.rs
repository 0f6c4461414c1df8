//! A hook takes the arguments of its moment.

use doorward::prelude::{Socket, DisconnectReason};
use doorward_macros::gateway;

struct User;

struct Chat;

#[gateway]
impl Chat {
    #[on_init]
    async fn init(&self, _: Socket<User>) {}

    #[on_connect]
    async fn hello(&self, _: Socket<User>, _: DisconnectReason) {}

    #[on_disconnect]
    async fn bye(&self, _: DisconnectReason) {}
}

fn main() {}
