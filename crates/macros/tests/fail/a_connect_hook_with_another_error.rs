//! A connect hook refuses a client with a `Refusal`.

use doorward::prelude::*;

struct Chat;

#[gateway("/chat", principal = Claims)]
impl Chat {
    #[on_connect]
    async fn hello(&self) -> Result<(), String> {
        Err("no".to_owned())
    }
}

fn main() {
    let _by_hand =
        Gateway::<Claims>::at("/").on_connect(|_| async { Err::<(), _>("no".to_owned()) });
}
