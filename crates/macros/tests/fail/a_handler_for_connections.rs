//! Connections are not events.

use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[subscribe("connect")]
    async fn hello(&self) {}

    #[subscribe("disconnect")]
    async fn bye(&self) {}

    #[subscribe("disconnecting")]
    async fn soon(&self) {}
}

fn main() {}
