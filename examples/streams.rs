//! Answers with streams: each item is sent as an event, in order and no faster than the client reads.
//!
//! `cargo run -p doorward-examples --example streams`, then emit `countdown 5` and listen to `countdown`, or emit
//! `ticks` and listen to `tick`. A stream ends with its socket, and does not delay other events.

use std::time::Duration;

use doorward::prelude::*;
use futures_util::stream;

struct Streams;

#[gateway(namespace = "/")]
impl Streams {
    /// Counts down. The ack `null` follows the last item.
    #[subscribe("countdown")]
    async fn countdown(
        &self,
        Payload(from): Payload<u32>,
    ) -> Result<impl Stream<Item = u32> + use<>, Exception> {
        if from > 1_000_000 {
            return Err(Exception::new("too_far", "That would take too long"));
        }
        Ok(stream::iter((0..=from).rev()))
    }

    /// Ticks until the socket ends.
    #[subscribe("ticks")]
    async fn ticks(&self) -> impl Stream<Item = Emit<u64>> + use<> {
        stream::unfold(0, |tick| async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Some((Emit::new("tick", tick), tick + 1))
        })
    }
}

#[tokio::main]
async fn main() -> doorward::Result {
    tracing_subscriber::fmt().init();
    let listen = std::env::var("LISTEN").unwrap_or("localhost:3000".into());

    // Clients of a public gateway are `Anonymous` and have tight limits.
    Doorward::builder().public(Streams).build()?.serve(&listen).await?;
    Ok(())
}
