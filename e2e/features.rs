//! Serves one event for each feature that stock clients are tested with.
//!
//! Every client is admitted, with its `auth` payload as the principal. The namespaces `/` and `/custom` are those of the
//! protocol's own test suite: `auth` at the connection, `message`, `message-with-ack`.

use std::time::Duration;

use doorward::{
    Limits,
    event::RawArguments,
    guard::{Action, guard_fn},
    prelude::*,
};
use futures_util::stream;
use serde_json::Value;

/// The `auth` payload of the client.
struct Shown(Value);

fn protocol(namespace: &'static str) -> Gateway<Shown> {
    Gateway::at(namespace)
        .on_connect(|me: Socket<Shown>| async move {
            me.emit("auth", &me.principal().0)?;
            Ok(())
        })
        .on("message", |me: Socket<Shown>, arguments: RawArguments| async move {
            me.emit("message-back", arguments)
        })
        .on("message-with-ack", |arguments: RawArguments| async move { arguments })
}

fn features() -> Gateway<Shown> {
    let no_attacks = guard_fn(|context: &GuardContext<'_, Shown>| match context.action {
        Action::Event("attack") => Verdict::DenyAndClose(Refusal::forbidden()),
        _ => Verdict::Allow,
    });
    Gateway::at("/features")
        .guard(no_attacks)
        .room("room:{name}", |request: RoomRequest<Shown>| async move {
            request.param("name") != "closed"
        })
        .on("join", |me: Socket<Shown>, Payload(room): Payload<String>| async move {
            me.join(&room).await
        })
        .on(
            "say",
            |me: Socket<Shown>, Payload((room, text)): Payload<(String, Value)>| async move {
                Ok::<_, EmitError>(me.to(room).emit("said", text)?.local)
            },
        )
        .on("ask-me", |me: Socket<Shown>, Payload(question): Payload<Value>| async move {
            me.emit_with_ack::<Value>("question", question).await
        })
        .on("ask-all", |hub: Hub<Shown>| async move {
            let answers = hub.all().timeout(Duration::from_secs(30));
            let answers = answers.emit_with_ack::<Value>("vote", ()).await?;
            Ok::<_, EmitError>(vec![answers.given.len(), answers.missing.len()])
        })
        .on("reverse", |Payload(Binary(bytes)): Payload<Binary>| async move {
            Binary(bytes.iter().rev().copied().collect::<Vec<_>>().into())
        })
        .on("count", |Payload(to): Payload<u32>| async move { stream::iter(1..=to) })
        .on("news", || async { Emit::new("headline", "nothing happened") })
        .on("swap", |me: Socket<Shown>, Payload((a, b)): Payload<(Value, Value)>| async move {
            me.emit("swapped", (&b, &a))?;
            me.emit("list", vec![&b, &a])?;
            Ok::<_, EmitError>((b, a))
        })
        .on(
            "limited",
            handle(|| async { "ok" }).guard(RateLimit::per_socket(1, Duration::from_secs(60))),
        )
        .on("attack", || async {})
}

#[tokio::main]
async fn main() -> doorward::Result {
    tracing_subscriber::fmt().init();
    let listen = std::env::var("LISTEN").unwrap_or("localhost:3000".into());
    let authenticator = authenticate_fn(|handshake| async move {
        let shown = handshake.auth.decode().map_err(|_impossible| Refusal::bad_handshake())?;
        Ok(Grant::new(Shown(shown), "guest"))
    });
    // Values that the protocol's own test suite expects.
    let limits = |limits: &mut Limits| {
        if std::env::var_os("SUITE").is_some() {
            limits.ping_interval = Duration::from_millis(300);
            limits.ping_timeout = Duration::from_millis(200);
            limits.max_message = 1_000_000;
        }
    };

    Doorward::builder()
        .authenticate(authenticator)
        .gateway(protocol("/"))
        .gateway(protocol("/custom"))
        .gateway(features())
        .gateway(Gateway::at("/org/{org}").on("org", |hub: Hub<Shown>| async move {
            hub.emit("seen", hub.param("org")).map(|_| ())
        }))
        .limits(limits)
        .build()?
        .serve(&listen)
        .await?;
    Ok(())
}
