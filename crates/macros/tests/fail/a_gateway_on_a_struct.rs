//! The attribute belongs on the impl block with the handlers.

use doorward_macros::gateway;

#[gateway("/chat")]
struct Chat;

#[gateway]
trait Talk {}

#[gateway]
fn say() {}

fn main() {}
