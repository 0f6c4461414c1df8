//! Layers apply to handlers of events.

use doorward_macros::gateway;

struct User;

struct Chat;

#[gateway(principal = User)]
impl Chat {
    #[guard(Member)]
    fn one(&self) {}

    #[intercept(Timing)]
    fn two(&self) {}

    #[filter(store_errors)]
    fn three(&self) {}
}

fn main() {}
