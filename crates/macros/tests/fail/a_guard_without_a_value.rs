//! The attribute takes one expression.

use doorward_macros::gateway;

struct User;

struct Chat;

#[gateway(principal = User)]
#[guard]
#[intercept()]
impl Chat {
    #[subscribe("say")]
    #[guard(Member, Writer)]
    async fn say(&self) {}

    #[subscribe("shout")]
    #[filter = "all"]
    async fn shout(&self) {}
}

fn main() {}
