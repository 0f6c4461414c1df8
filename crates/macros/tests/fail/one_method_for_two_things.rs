//! A method has one role.

use doorward_macros::gateway;

struct User;

struct Chat;

#[gateway(principal = User)]
impl Chat {
    #[subscribe("say")]
    #[on_connect]
    async fn say(&self) {}

    #[room("lobby")]
    #[room("hall")]
    async fn may_join(&self) -> bool {
        true
    }
}

fn main() {}
