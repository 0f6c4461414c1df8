//! A forgotten policy must not be hidden by another.

use doorward_macros::gateway;

struct User;

struct Chat;

#[gateway(principal = User)]
impl Chat {
    #[room("{anything}")]
    async fn a(&self, _: &str) -> bool {
        true
    }
}

fn main() {}
