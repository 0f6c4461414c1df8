//! An event has a name, which is one text.

use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[subscribe]
    async fn say(&self) {}

    #[subscribe("")]
    async fn shout(&self) {}

    #[subscribe(whisper)]
    async fn whisper(&self) {}

    #[subscribe("a", "b")]
    async fn both(&self) {}
}

fn main() {}
