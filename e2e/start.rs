//! Starts a server with the mistake that its argument names. Like a first program, it keeps no log and returns errors
//! from `main`.

use doorward::{Limits, prelude::*};

#[tokio::main]
async fn main() -> doorward::Result {
    let mistake = std::env::args().nth(1).unwrap_or_default();
    let variable = |name, or: &str| std::env::var(name).unwrap_or(or.to_owned());
    let echo = || Gateway::at("/").on("echo", |Payload(text): Payload<String>| async move { text });
    let gateways = match &*mistake {
        "gateway" => vec![],
        "handlers" => vec![echo(), echo()],
        "init" => vec![echo().on_init(|_| async { Err("the schedule is missing".into()) })],
        "namespace" => vec![Gateway::at("chat")],
        "reserved" => vec![Gateway::at("/").on("connect", || async {})],
        _ => vec![echo()],
    };
    let limits = |limits: &mut Limits| match &*mistake {
        "contradiction" => limits.max_connect = 200_000,
        "limit" => limits.max_rooms = 0,
        _ => {}
    };
    let path = if mistake == "path" { "x" } else { "/socket.io/" };
    let proxies = if mistake == "proxies" { &["proxy.internal"][..] } else { &[] };

    let builder = Doorward::builder()
        .limits(limits)
        .path(path)
        .trusted_proxies(proxies)
        .authenticate(Jwt::hs256(variable("JWT_SECRET", ""))?);
    gateways
        .into_iter()
        .fold(builder, |builder, gateway: Gateway<Claims>| builder.gateway(gateway))
        .build()?
        .serve(&variable("LISTEN", "localhost:0"))
        .await?;
    Ok(())
}
