//! Only Rust calls a handler.

use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[subscribe("say")]
    async extern "C" fn say(&self) {}
}

fn main() {}
