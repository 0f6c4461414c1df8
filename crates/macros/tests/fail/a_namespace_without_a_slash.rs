//! A namespace begins with a slash.

use doorward_macros::gateway;

struct Chat;

#[gateway("chat")]
impl Chat {}

struct Other;

#[gateway(namespace = "other")]
impl Other {}

fn main() {}
