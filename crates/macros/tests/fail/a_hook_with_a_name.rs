//! A hook sees everybody, so there is nothing to name.

use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[on_connect("hello")]
    async fn hello(&self) {}
}

fn main() {}
