//! Handlers are async.

use doorward_macros::gateway;

struct User;

struct Chat;

#[gateway(principal = User)]
impl Chat {
    #[subscribe("say")]
    fn say(&self) {}

    #[on_connect]
    fn hello(&self) {}

    #[room("lobby")]
    fn may_join(&self) -> bool {
        true
    }
}

fn main() {}
