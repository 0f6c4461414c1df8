//! Attributes are read from above: `#[gateway]` must see all others.

use doorward::prelude::*;

struct Chat;

#[guard(Role::new("member"))]
#[gateway("/chat", principal = Claims)]
impl Chat {}

fn main() {}
