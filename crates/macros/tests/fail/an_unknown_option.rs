//! The error lists the options.

use doorward_macros::gateway;

struct Chat;

#[gateway(nsp = "/chat")]
impl Chat {}

struct Other;

#[gateway(4)]
impl Other {}

struct Third;

#[gateway(principal)]
impl Third {}

fn main() {}
