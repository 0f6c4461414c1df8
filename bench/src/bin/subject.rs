//! The measured server: an authenticated echo, as an application would write it.

use std::sync::Arc;

use doorward::{
    BoxError, Limits, Revoke,
    auth::{Claims, Jwt, UserLoader},
    event::{EventContext, Interceptor, Next, Outcome},
    prelude::*,
    server::Listeners,
};
use doorward_bench::{
    Failure, LISTEN,
    credentials::{SECRET, User, Users},
    output,
};

fn gateway() -> Gateway<Arc<User>> {
    let echo = |Payload(text): Payload<String>| async move { text };
    let guarded =
        handle(echo).guard(Looks).guard(Looks).guard(Looks).intercept(Passes).intercept(Passes);
    Gateway::at("/")
        .on("echo", echo)
        .on("guarded", guarded)
        .on("shout", |hub: Hub<Arc<User>>, Payload(text): Payload<String>| async move {
            hub.emit("shouted", text)
        })
        .on("revoke", |hub: Hub<Arc<User>>, Payload(user): Payload<String>| async move {
            let done = hub.principals().revoke(Revoke::User(user.into())).await;
            Ok::<_, BoxError>(done?.closed)
        })
}

/// A guard that reads the user and allows the action.
struct Looks;

impl Guard<Arc<User>> for Looks {
    const AT_ONCE: bool = true;

    async fn check(&self, context: GuardContext<'_, Arc<User>>) -> Verdict {
        Verdict::allow_if(!context.user.as_str().is_empty())
    }
}

/// An interceptor that runs the handler and returns its outcome.
struct Passes;

impl Interceptor<Arc<User>> for Passes {
    async fn intercept(
        &self,
        context: &EventContext<'_, Arc<User>>,
        next: Next<'_, Arc<User>>,
    ) -> Outcome {
        next.run(context).await
    }
}

/// Loads users from a map, as the floor does.
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
        // The load uses few users, and measures thousands of refusals. The default limits would stop it.
        .limits(|limits: &mut Limits| {
            limits.max_address_refusals = 1_000_000_000;
            limits.max_user_attempts = 1_000_000_000;
        })
        .gateway(gateway())
        .build()?;
    let listeners = Listeners::bind(LISTEN).await?;
    for address in listeners.addresses() {
        output::line(address)?;
    }
    doorward.serve_with(listeners, doorward.service(), std::future::pending()).await?;
    Ok(())
}
