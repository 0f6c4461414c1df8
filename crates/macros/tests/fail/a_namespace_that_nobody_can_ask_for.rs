//! Clients end the name of a namespace at a comma.

use doorward_macros::gateway;

struct Chat;

#[gateway("/chat,room")]
impl Chat {}

struct Other;

const NAME: &str = "/other";

#[gateway(namespace = NAME)]
impl Other {}

fn main() {}
