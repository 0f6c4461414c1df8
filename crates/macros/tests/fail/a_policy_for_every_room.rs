//! A policy for every room would hide a forgotten policy.

use doorward_macros::gateway;

struct User;

struct Chat;

#[gateway(principal = User)]
impl Chat {
    #[room("{anything}")]
    async fn a(&self, _: &str) -> bool {
        true
    }

    #[room("{kind}:{id}")]
    async fn b(&self, kind: &str, id: u64) -> bool {
        kind == "team" && id > 0
    }
}

fn main() {}
