//! Without `#[gateway]` these attributes have no effect.

use doorward_macros::{
    filter, guard, intercept, on_connect, on_disconnect, on_init, room, subscribe,
};

struct Chat;

#[guard(Member)]
#[intercept(Timing)]
#[filter(store_errors)]
impl Chat {
    #[subscribe("say")]
    async fn say(&self) {}

    #[on_init]
    async fn init(&self) {}

    #[on_connect]
    async fn hello(&self) {}

    #[on_disconnect]
    async fn bye(&self) {}

    #[room("lobby")]
    async fn may_join(&self) -> bool {
        true
    }
}

fn main() {}
