//! The end of the first placeholder would be ambiguous.

use doorward_macros::gateway;

struct User;

struct Chat;

#[gateway(principal = User)]
impl Chat {
    #[room("team:{a}{b}")]
    async fn a(&self, _: u64) -> bool {
        true
    }
}

fn main() {}
