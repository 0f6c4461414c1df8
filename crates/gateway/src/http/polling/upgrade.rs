//! Moves a client that polls to a WebSocket.
//!
//! The client opens a WebSocket with the id of its link, sends `2probe`, waits for `3probe`, and
//! sends `5` after its last GET and POST were answered (Engine.IO v4, "Upgrade"). Until then the link
//! uses the requests. Then the link takes the WebSocket. Start reading at [`begin`].

use std::{
    future::{Future as _, poll_fn},
    io,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use doorward_core::Headers;
use doorward_protocol::{
    Message,
    ws::{self, Incoming, Opcode, Read},
};
use http::{Response, request::Parts};
use hyper::upgrade::OnUpgrade;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    http::{
        handshake::{self, Offer, Rejection},
        opening::into_stream,
        response_body::ResponseBody,
        server::Server,
    },
    presence::client::client,
    transport::{
        polled::desk::{Desk, Probe, UpgradedSocket},
        stream::AnyStream,
    },
};

/// Begins to probe a WebSocket, and returns the response that opens it.
///
/// A probe counts towards the limit of its address, unless the client is authenticated, because it may
/// outlive its link. It is never refused, because a link has at most one.
pub(super) fn begin(
    desk: &Arc<Desk>,
    server: &Server,
    parts: &mut Parts,
    offer: Offer,
) -> Result<Response<ResponseBody>, Rejection> {
    let upgrade = parts.extensions.remove::<OnUpgrade>().ok_or(Rejection::Upgrade)?;
    let services = Arc::clone(&server.services);
    let Ok(probe) = desk.probe() else {
        // As in the JavaScript server, the WebSocket is opened and closed at once. Stock clients
        // then treat it as a failed upgrade.
        tokio::spawn(async move {
            drop(into_stream(upgrade).await);
        });
        return Ok(handshake::switch(offer));
    };
    let address = client(&services, parts).map(|peer| peer.ip());
    let (headers, _credentials) = Headers::split(&parts.headers);
    let place = (!desk.is_known()).then(|| services.link_places(&headers).take(address));
    let desk = Arc::clone(desk);
    tokio::spawn(async move {
        let exchanged = exchange_probe(&probe, upgrade);
        match services.within(PROBE_TIMEOUT, exchanged).await.flatten() {
            Some(socket) => return probe.upgrade(socket),
            None => drop((probe, place)),
        }
        // The client goes on polling, or is gone. A page that is reloaded in the middle of its upgrade
        // may have no request that could break.
        services.clock.sleep_until(services.clock.now() + DOUBT_AFTER).await;
        desk.doubt();
    });
    Ok(handshake::switch(offer))
}

/// Exchanges the packets of the probe with the client. Returns `None` if the client sends anything
/// else.
///
/// If the link ends, the connection ends too, but only until the client was sent `3probe`. A client
/// that has read `3probe` polls no more, and socket.io-client would wait for its ping timeout if the
/// WebSocket closed before it has sent `5`.
async fn exchange_probe(probe: &Probe, upgrade: OnUpgrade) -> Option<UpgradedSocket> {
    let mut asked = pin!(async {
        let (mut stream, mut bytes) = into_stream(upgrade).await?;
        expect_packet(&mut stream, &mut bytes, "2probe").await.ok()?;
        Some((stream, bytes))
    });
    let asked = poll_fn(|cx| match asked.as_mut().poll(cx) {
        Poll::Ready(asked) => Poll::Ready(asked),
        Poll::Pending => probe.poll_end(cx).map(|()| None),
    });
    let (mut stream, mut bytes) = asked.await?;
    let mut pong = Vec::new();
    ws::append(&mut pong, Opcode::Text, |out| out.extend_from_slice(b"3probe"));
    stream.write_all(&pong).await.ok()?;
    stream.flush().await.ok()?;
    expect_packet(&mut stream, &mut bytes, "5").await.ok()?;
    Some(UpgradedSocket { stream, early: bytes })
}

/// Reads the next frame, and checks that it is the packet `expected`. The bytes behind it stay in
/// `bytes`.
async fn expect_packet(
    stream: &mut AnyStream,
    bytes: &mut Vec<u8>,
    expected: &str,
) -> io::Result<()> {
    loop {
        let mut reader = ws::Reader::default();
        // Reading unmasks a frame in place, so an incomplete one is read from a copy.
        let mut copy = bytes.clone();
        match reader.read(&mut copy, MAX_PACKET) {
            Ok(Read::Frame { used, item: Some(Incoming::Message(Message::Text(text))) })
                if text == expected =>
            {
                bytes.drain(..used);
                return Ok(());
            }
            Ok(Read::Incomplete) if bytes.len() < MAX_PROBE => {}
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
        if stream.read_buf(bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Maximum size of a packet of the probe, in bytes.
const MAX_PACKET: usize = 6;

/// Maximum number of bytes that are kept until a packet of the probe is complete.
const MAX_PROBE: usize = 64 * 1024;

/// Maximum time from the request until the client has completed the upgrade.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// Time after a failed probe within which a client sends its next GET.
const DOUBT_AFTER: Duration = Duration::from_millis(500);
