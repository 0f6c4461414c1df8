//! The server that is measured: an echo behind a token, as an application would write it.

use std::sync::Arc;

use doorward::{
    BoxError, Listeners,
    auth::{Claims, Jwt, UserLoader},
    prelude::*,
};
use doorward_bench::{
    Failure, LISTEN,
    credentials::{SECRET, User, Users},
    output,
};

/// Finds users in a map, as the floor does.
struct Map(Users);

impl UserLoader for Map {
    type User = Arc<User>;

    async fn load(&self, claims: &Claims) -> Result<Option<Arc<User>>, BoxError> {
        Ok(self.0.find(claims.subject()))
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let doorward = Doorward::builder()
        .authenticate(Jwt::hs256(SECRET)?.load(Map(Users::default())))
        .gateway(Gateway::at("/").on("echo", |Payload(text): Payload<String>| async move { text }))
        .build()?;
    let listeners = Listeners::bind(LISTEN).await?;
    for address in listeners.addresses() {
        output::line(address)?;
    }
    doorward.serve_with(listeners, doorward.service(), std::future::pending()).await?;
    Ok(())
}
