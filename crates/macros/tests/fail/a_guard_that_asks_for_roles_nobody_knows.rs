//! A guard for roles needs a principal with roles.

use doorward::prelude::*;

struct User;

struct Chat;

#[gateway("/chat", principal = User)]
#[guard(Role::new("member"))]
impl Chat {
    #[subscribe("say")]
    #[guard(Scope::new("chat:write"))]
    async fn say(&self) {}
}

struct Status;

#[gateway("/status", principal = Anonymous)]
#[guard(Role::new("member"))]
impl Status {}

fn main() {
    let _chat = Gateway::<User>::at("/chat").guard(Role::new("member"));
    let _say =
        Gateway::<User>::at("/chat").on("say", handle(|| async {}).guard(Scope::new("chat:write")));
}
