//! `Handler` is implemented for up to six arguments.

use doorward::prelude::{EventName, Payload, Principal};
use doorward_macros::gateway;

struct User;

struct Chat;

#[gateway]
impl Chat {
    #[subscribe("say")]
    async fn say(
        &self,
        _: Principal<User>,
        _: Payload<u8>,
        _: EventName,
        _: EventName,
        _: EventName,
        _: EventName,
        _: EventName,
    ) {
    }
}

fn main() {}
