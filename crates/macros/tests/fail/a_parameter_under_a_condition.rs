//! A parameter cannot have a condition, because the call is generated once.

use doorward::prelude::Payload;
use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[subscribe("say")]
    async fn say(&self, #[cfg(unix)] _: Payload<u8>) {}
}

fn main() {}
