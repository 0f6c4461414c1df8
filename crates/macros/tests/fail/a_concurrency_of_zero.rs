//! With a concurrency of zero no event would be handled.

use doorward_macros::gateway;

struct Chat;

#[gateway(concurrency = 0)]
impl Chat {}

struct Other;

#[gateway(concurrency = "four")]
impl Other {}

fn main() {}
