//! The change of the presence has no client that could receive an answer.

use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[on_presence]
    async fn presence(&self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
