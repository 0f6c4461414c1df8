//! A layer implements the trait of its kind.

use doorward::prelude::*;

struct Nothing;

struct Chat;

#[gateway("/chat", principal = Claims)]
#[guard(Nothing)]
#[intercept(Nothing)]
#[filter(Nothing)]
impl Chat {
    #[subscribe("say")]
    #[guard(Nothing)]
    #[intercept(Nothing)]
    #[filter(Nothing)]
    async fn say(&self) {}
}

fn main() {}
