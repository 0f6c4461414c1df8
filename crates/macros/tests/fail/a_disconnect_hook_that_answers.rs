//! After a disconnect there is no client to receive an answer.

use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[on_disconnect]
    async fn bye(&self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
