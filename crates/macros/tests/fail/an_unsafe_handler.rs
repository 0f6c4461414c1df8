//! The framework cannot meet the conditions of an unsafe handler.

use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[subscribe("say")]
    async unsafe fn say(&self) {}
}

fn main() {}
