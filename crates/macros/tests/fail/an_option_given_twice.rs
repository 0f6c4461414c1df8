//! One of the two values would be ignored.

use doorward_macros::gateway;

struct Chat;

#[gateway("/chat", namespace = "/talk")]
impl Chat {}

fn main() {}
