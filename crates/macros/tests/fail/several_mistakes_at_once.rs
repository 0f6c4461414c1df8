//! Three mistakes cause three errors.

use doorward_macros::gateway;

struct Chat;

#[gateway("chat")]
impl Chat {
    #[subscribe("connect")]
    async fn say(&self) {}

    #[on_connect]
    fn hello(&self) {}
}

fn main() {}
