//! A shared canvas for clients that use MessagePack. A stroke is an object with bytes, which needs no attachment in
//! this format.
//!
//! `JWT_SECRET=.. cargo run -p doorward-examples --example msgpack`, then connect with
//! `io(url, { parser, auth: { token } })`, where `parser` is the package `socket.io-msgpack-parser`, or in Python with
//! `socketio.AsyncClient(serializer="msgpack")`.

use doorward::{event::RawArguments, prelude::*};
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct Stroke {
    colour: String,
    points: Binary,
}

struct Canvas;

#[gateway]
impl Canvas {
    /// Passes a stroke on to all other clients, and answers with its number of points.
    #[subscribe("draw")]
    async fn draw(
        &self,
        me: Socket<Claims>,
        Payload(stroke): Payload<Stroke>,
    ) -> Result<usize, EmitError> {
        me.broadcast().emit("drawn", &stroke)?;
        Ok(stroke.points.0.len() / 2)
    }

    #[subscribe("echo")]
    async fn echo(&self, arguments: RawArguments) -> RawArguments {
        arguments
    }
}

#[tokio::main]
async fn main() -> doorward::Result {
    tracing_subscriber::fmt().init();
    let secret = std::env::var("JWT_SECRET").unwrap_or_default();
    let listen = std::env::var("LISTEN").unwrap_or("localhost:3000".into());

    Doorward::builder()
        .msgpack()
        .authenticate(Jwt::hs256(secret)?)
        .gateway(Canvas)
        .build()?
        .serve(&listen)
        .await?;
    Ok(())
}
