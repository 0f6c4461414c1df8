//! The framework calls the handler and cannot choose generic parameters.

use doorward::prelude::Payload;
use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[subscribe("say")]
    async fn say<T>(&self, Payload(_): Payload<T>) {}

    #[subscribe("shout")]
    async fn shout(&self, _: impl Send) {}

    #[subscribe("whisper")]
    async fn whisper<'a>(&'a self) {}
}

fn main() {}
