//! A parameter cannot come and go, because the calls are written once.

use doorward::prelude::Payload;
use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[subscribe("say")]
    async fn say(&self, #[cfg(unix)] _: Payload<u8>) {}
}

fn main() {}
