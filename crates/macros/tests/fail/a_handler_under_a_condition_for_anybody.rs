//! What its argument needs cannot be asked for under a condition.

use doorward::prelude::Payload;
use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[cfg(unix)]
    #[subscribe("say")]
    async fn say(&self, _: Payload<u8>) {}
}

fn main() {}
