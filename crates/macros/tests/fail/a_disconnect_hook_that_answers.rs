//! Nobody is there to hear it.

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
