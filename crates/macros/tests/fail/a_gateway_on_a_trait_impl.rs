//! The methods of a trait belong to the trait.

use doorward_macros::gateway;

struct Chat;

trait Talk {
    fn say(&self) {}
}

#[gateway]
impl Talk for Chat {
    #[subscribe("say")]
    fn say(&self) {}
}

fn main() {}
