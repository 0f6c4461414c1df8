//! An event belongs on a method.

use doorward_macros::gateway;

struct Chat;

#[gateway]
#[subscribe("say")]
impl Chat {}

fn main() {}
