//! Nobody says who a client is, so nobody may be let in as somebody.

use doorward::prelude::*;

struct User;

struct Chat;

#[gateway("/chat")]
impl Chat {
    #[subscribe("say")]
    async fn say(&self, _me: Principal<User>) {}
}

fn main() {
    Doorward::builder().gateway(Chat);
    Doorward::builder().gateway(Gateway::<User>::at("/"));
    Doorward::builder().guard(Role::new("member"));
}
