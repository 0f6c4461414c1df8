//! A node with a bridge to Socket.IO servers for Node.js.
//!
//! Every client is admitted as the user that it names. `REDIS_URL` is that of the cluster, `BRIDGE_URL` that of the
//! bridge, and `NODE` the name of the node.

use doorward::{event::RawArguments, prelude::*};
use doorward_redis::RedisOptions;

fn gateway(namespace: &'static str) -> Gateway<()> {
    Gateway::at(namespace)
        .room("room:{name}", |_| async { true })
        .on(
            "join",
            |me: Socket<()>, Payload(room): Payload<String>| async move { me.join(&room).await },
        )
        .on("to-room", |me: Socket<()>, arguments: RawArguments| async move {
            me.to("room:1").emit("told", arguments).map(|_| ())
        })
        .on("to-all", |hub: Hub<()>, arguments: RawArguments| async move {
            hub.emit("told", arguments).map(|_| ())
        })
        .on("to-user", |hub: Hub<()>, Payload(user): Payload<String>| async move {
            hub.to_user(user).emit("told", "only you").map(|_| ())
        })
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt().init();
    let variable = |name: &str| std::env::var(name).map_err(|error| format!("{name}: {error}"));
    let authenticator = authenticate_fn(|handshake| async move {
        let user = handshake.auth.get_str("user").ok_or_else(Refusal::bad_handshake)?;
        Ok(Grant::new((), user))
    });
    let store = RedisOptions::default().connect(&variable("REDIS_URL")?).await?;
    let bridge = RedisOptions::default().socket_io(&variable("BRIDGE_URL")?)?;

    Doorward::builder()
        .authenticate(authenticator)
        .cluster(store.cluster(&variable("NODE")?))
        .bridge(bridge)
        .gateway(gateway("/"))
        .gateway(gateway("/other"))
        .build()?
        .serve(&variable("LISTEN")?)
        .await?;
    Ok(())
}
