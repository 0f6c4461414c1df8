//! Handlers are in an impl block, and so is what makes them a gateway.

use doorward_macros::gateway;

#[gateway("/chat")]
struct Chat;

#[gateway]
trait Talk {}

#[gateway]
fn say() {}

fn main() {}
