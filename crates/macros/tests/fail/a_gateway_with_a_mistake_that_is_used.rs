//! One mistake causes one error, even if other code uses the gateway.

use doorward::prelude::*;

struct User;

struct Chat;

#[gateway]
impl Chat {
    #[subscribe("say")]
    fn say(&self, _me: Principal<User>) {}
}

fn main() {
    Doorward::builder()
        .authenticate(authenticate_fn(|_| async { Ok(Grant::new(User, "ali")) }))
        .gateway(Chat);
}
