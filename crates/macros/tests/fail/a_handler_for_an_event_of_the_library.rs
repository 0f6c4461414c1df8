//! Clients cannot send reserved events.

use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[subscribe("connect_error")]
    async fn a(&self) {}

    #[subscribe("disconnecting")]
    async fn b(&self) {}

    #[subscribe("newListener")]
    async fn c(&self) {}

    #[subscribe("removeListener")]
    async fn d(&self) {}
}

fn main() {}
