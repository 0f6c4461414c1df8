//! One of them would not count.

use doorward_macros::gateway;

struct Chat;

#[gateway("/chat", namespace = "/talk")]
impl Chat {}

fn main() {}
