//! Without an authenticator a client has no identity, so only public gateways can be mounted.

use doorward::{Builder, prelude::*, server::NoAuthenticator};

struct User;

struct Chat;

#[gateway("/chat")]
impl Chat {
    #[subscribe("say")]
    async fn say(&self, _me: Principal<User>) {}
}

fn mount(builder: Builder<NoAuthenticator>) {
    builder.gateway(Chat);
}

fn main() {
    Doorward::builder().gateway(Gateway::<User>::at("/"));
    Doorward::builder().guard(Role::new("member"));
}
