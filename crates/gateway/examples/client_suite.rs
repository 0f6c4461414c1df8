//! Serves what the official test suite of the JavaScript client needs.
//!
//! `cargo run --release -p doorward --example client_suite -- --listen 127.0.0.1:3210`, then run the suite of
//! socket.io-client without its own server. Every client is admitted, so this is no server for anything else.

use std::{collections::HashMap, time::Duration};

use axum::{
    Router,
    extract::Request,
    middleware::{self, Next},
    response::Response,
};
use doorward::{
    auth::{AuthenticateError, Authenticator, Handshake},
    event::{Bytes, RawArguments},
    prelude::*,
    server::{Listeners, ShutdownSignal},
};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What the suite asks about a client: the parameters of its URL, and its `auth`.
#[derive(Clone, Debug, Serialize)]
struct Client {
    query: HashMap<String, String>,
    auth: Value,
}

/// Admits every client, except where the suite expects an error.
struct Anyone;

impl Authenticator for Anyone {
    type Principal = Client;

    async fn authenticate(&self, handshake: Handshake) -> Result<Grant<Client>, AuthenticateError> {
        let query = parameters(handshake.request.query());
        let refused = match &*handshake.namespace {
            "/" if query.contains_key("fail") => Some("Auth failed (main namespace)"),
            "/no" => Some("Auth failed (custom namespace)"),
            _ => None,
        };
        if let Some(message) = refused {
            return Err(Refusal::new("refused", message).into());
        }
        let auth = handshake.auth.decode().unwrap_or_default();
        Ok(Grant::new(Client { query, auth }, "anyone"))
    }
}

/// A text with bytes in between.
#[derive(Deserialize)]
struct Mixed {
    hello: String,
    message: Binary,
    goodbye: String,
}

impl Mixed {
    fn is_expected(&self) -> bool {
        self.hello == "lol" && !self.message.0.is_empty() && self.goodbye == "gotcha"
    }
}

/// Acknowledges the last of several events. The events of a socket are handled in the order in which they were sent, so
/// the ones before have passed their types.
fn binaries(gateway: Gateway<Client>) -> Gateway<Client> {
    gateway
        .on("buffa", |socket: Socket<Client>, _: Payload<Binary>| async move {
            socket.emit("buffack", ())
        })
        .on("jsonbuff", |socket: Socket<Client>, Payload(mixed): Payload<Mixed>| async move {
            if mixed.is_expected() { socket.emit("jsonbuff-ack", ()) } else { Ok(()) }
        })
        .on("abuff1", |_: Payload<Binary>| async {})
        .on("abuff2", |socket: Socket<Client>| async move { socket.emit("abuff2-ack", ()) })
        .on(
            "blob",
            |socket: Socket<Client>, _: Payload<Binary>| async move { socket.emit("back", ()) },
        )
        .on("jsonblob", |socket: Socket<Client>, Payload(mixed): Payload<Mixed>| async move {
            if mixed.is_expected() { socket.emit("jsonblob-ack", ()) } else { Ok(()) }
        })
        .on("blob1", |_: Payload<Binary>| async {})
        .on("blob2", |_: Payload<String>| async {})
        .on("blob3", |socket: Socket<Client>, _: Payload<Binary>| async move {
            socket.emit("blob3-ack", ())
        })
}

fn main_namespace() -> Gateway<Client> {
    // In the JavaScript server, an event does not wait for the handlers of earlier ones.
    binaries(Gateway::at("/").concurrency(8))
        .on("hi", |socket: Socket<Client>| async move { socket.emit("hi", ()) })
        .on("echo", |arguments: RawArguments| async move { arguments })
        .on("ack", |socket: Socket<Client>| async move {
            match socket.emit_with_ack::<(u8, Value)>("ack", ()).await {
                Ok((5, answer)) if answer["test"] == true => socket.emit("got it", ()),
                _ => Ok(()),
            }
        })
        .on("getAckDate", |_: Payload<Value>| async { now() })
        .on("getDate", |socket: Socket<Client>| async move { socket.emit("takeDate", now()) })
        .on("getDateObj", |socket: Socket<Client>| async move {
            socket.emit("takeDateObj", json!({ "date": now() }))
        })
        .on("getUtf8", |socket: Socket<Client>| async move {
            for text in ["てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"]
            {
                socket.emit("takeUtf8", text)?;
            }
            Ok::<_, Exception>(())
        })
        .on("false", |socket: Socket<Client>| async move { socket.emit("false", false) })
        .on("doge", |socket: Socket<Client>| async move { socket.emit("doge", bytes()) })
        .on("getbin", |socket: Socket<Client>| async move { socket.emit("takebin", bytes()) })
        .on("getHandshake", |socket: Socket<Client>| async move { (*socket.principal()).clone() })
        .on("getId", |socket: Socket<Client>| async move { socket.id().to_string() })
        // Doorward answers an event without a handler at once, and the suite expects no answer.
        .on("unknown", std::future::pending::<()>)
}

/// Returns the parameters of a query, such as `a=b&c=d`.
fn parameters(query: &str) -> HashMap<String, String> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

fn bytes() -> Binary {
    Binary(Bytes::from_static(b"asdfasdf"))
}

/// Delays each handshake, as the server of the suite does, because the suite tests that a client gives up at once.
async fn later(request: Request, next: Next) -> Response {
    if !request.uri().query().unwrap_or_default().contains("sid=") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    next.run(request).await
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--listen").skip(1);
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:3210".to_owned());
    let mut builder = Doorward::builder()
        .authenticate(Anyone)
        .limits(|limits| {
            limits.ping_interval = Duration::from_secs(2);
            // All clients are one user, and the suite may run repeatedly.
            limits.max_user_attempts = 1_000_000;
        })
        .gateway(main_namespace())
        .gateway(
            Gateway::at("/foo")
                .on("getId", |socket: Socket<Client>| async move { socket.id().to_string() }),
        )
        .gateway(Gateway::at("/abc").on_connect(|socket: Socket<Client>| async move {
            socket.emit("handshake", &*socket.principal())?;
            Ok::<_, Refusal>(())
        }));
    for namespace in ["/timeout_socket", "/valid", "/asd", "/no"] {
        builder = builder.gateway(Gateway::<Client>::at(namespace));
    }
    let doorward = builder.build()?;
    let listeners = Listeners::bind(&listen).await?;
    let stop = ShutdownSignal::install()?;
    let app = Router::new()
        .route_service("/socket.io/", doorward.service())
        .layer(middleware::from_fn(later));
    doorward.serve_with(listeners, app, stop.received()).await?;
    Ok(())
}
