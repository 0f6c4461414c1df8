//! A bound for the argument cannot have a condition.

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
