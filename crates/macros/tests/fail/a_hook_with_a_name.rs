//! A hook runs for every client, so it takes no name.

use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[on_connect("hello")]
    async fn hello(&self) {}
}

fn main() {}
