//! One of the two hooks would never run.

use doorward_macros::gateway;

struct Chat;

#[gateway]
impl Chat {
    #[on_connect]
    async fn hello(&self) {}

    #[on_connect]
    async fn welcome(&self) {}

    #[cfg(unix)]
    #[on_init]
    async fn init(&self) {}

    #[on_init]
    async fn prepare(&self) {}

    #[on_disconnect]
    #[on_disconnect]
    async fn bye(&self) {}
}

fn main() {}
