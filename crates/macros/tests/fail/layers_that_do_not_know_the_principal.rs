//! Layers need a principal type.

use doorward_macros::gateway;

struct Chat;

#[gateway]
#[guard(Member)]
#[intercept(Timing)]
#[filter(store_errors)]
impl Chat {
    #[subscribe("say")]
    #[guard(Member)]
    async fn say(&self) {}

    #[room("lobby")]
    async fn may_join(&self) -> bool {
        true
    }
}

fn main() {}
