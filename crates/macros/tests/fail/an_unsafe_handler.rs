//! Nobody checks what an unsafe handler asks for.

use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[subscribe("say")]
    async unsafe fn say(&self) {}
}

fn main() {}
