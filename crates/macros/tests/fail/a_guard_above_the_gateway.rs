//! Attributes expand from top to bottom: `#[gateway]` must come first.

use doorward::prelude::*;

struct Chat;

#[guard(Role::new("member"))]
#[gateway("/chat", principal = Claims)]
impl Chat {}

fn main() {}
