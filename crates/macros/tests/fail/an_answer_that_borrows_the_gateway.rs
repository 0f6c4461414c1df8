//! An answer is sent after the handler has released the gateway.

use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[subscribe("title")]
    async fn title(&self) -> &str {
        "static would do"
    }

    #[subscribe("titles")]
    async fn titles(&self) -> Option<(u8, &str)> {
        None
    }
}

fn main() {}
