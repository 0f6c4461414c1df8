//! Guards of the gateway already check connections.

use doorward_macros::gateway;

struct User;

struct Member;

struct Chat;

#[gateway(principal = User)]
impl Chat {
    #[on_connect]
    #[guard(Member)]
    async fn hello(&self) {}

    #[room("lobby")]
    #[guard(Member)]
    async fn may_join(&self) -> bool {
        true
    }
}

fn main() {}
