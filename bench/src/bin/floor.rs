//! A minimal authenticated Socket.IO server on tokio-tungstenite: the lower bound of the cost.
//!
//! The server has one task per connection, no framework, no limits, no rooms, one namespace and one event. For a
//! client that follows the protocol, it does the same work as the subject. It verifies the token of the CONNECT,
//! looks up the user, stores the time of the connection, decodes and answers `echo`, and keeps the heartbeat. It
//! processes all packets that have arrived, and then writes all answers at once.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use doorward::server::{Clock, SystemClock};
use doorward_bench::{
    Failure, LISTEN,
    credentials::{SECRET, TokenClaims, User, Users},
    output,
};
use futures_util::{FutureExt, SinkExt, StreamExt};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, sleep_until},
};
use tokio_tungstenite::{
    WebSocketStream, accept_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

struct Server {
    users: Users,
    key: DecodingKey,
    validation: Validation,
    next_id: AtomicU64,
}

/// State that a server has to keep for a client.
struct Connected {
    #[expect(dead_code, reason = "handlers of a real application would read it")]
    user: Arc<User>,
    #[expect(dead_code, reason = "as above")]
    connected_at: SystemTime,
}

#[derive(Deserialize)]
struct Auth<'a> {
    token: &'a str,
}

/// Action of the connection after a message.
enum Next {
    Continue,
    Close,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let server = Arc::new(Server {
        users: Users::default(),
        key: DecodingKey::from_secret(SECRET.as_bytes()),
        validation: Validation::new(Algorithm::HS256),
        next_id: AtomicU64::new(0),
    });
    let listener = TcpListener::bind(LISTEN).await?;
    output::line(listener.local_addr()?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            // The benchmark does not distinguish how a connection ends.
            drop(serve(&server, stream).await);
        });
    }
}

async fn serve(server: &Server, stream: TcpStream) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
    let mut socket = accept_async_with_config(stream, Some(config)).await?;
    socket.send(OPEN.into()).await?;
    let mut connected = None;
    let mut heartbeat = pin!(sleep_until(Instant::now() + PING_INTERVAL));
    let mut awaits_pong = false;
    loop {
        let message = tokio::select! {
            biased;
            message = socket.next() => message,
            () = &mut heartbeat => {
                if awaits_pong {
                    return Ok(());
                }
                awaits_pong = true;
                heartbeat.as_mut().reset(Instant::now() + PING_TIMEOUT);
                socket.send("2".into()).await?;
                continue;
            }
        };
        let Some(mut message) = message.transpose()? else { return Ok(()) };
        loop {
            if let Message::Text(text) = &message {
                if text.as_str() == "3" {
                    awaits_pong = false;
                    heartbeat.as_mut().reset(Instant::now() + PING_INTERVAL);
                } else if let Next::Close =
                    answer(server, &mut connected, &mut socket, text).await?
                {
                    socket.close(None).await?;
                    return Ok(());
                }
            }
            // Further messages that have arrived are processed before the flush, so that answers share one write.
            match socket.next().now_or_never() {
                Some(Some(next)) => message = next?,
                Some(None) => return Ok(()),
                None => break,
            }
        }
        socket.flush().await?;
    }
}

/// Answers one packet, without flushing. Returns [`Next::Close`] if the client is refused, or if the packet is
/// neither a CONNECT nor an event of a connected client.
async fn answer(
    server: &Server,
    connected: &mut Option<Connected>,
    socket: &mut WebSocketStream<TcpStream>,
    text: &str,
) -> Result<Next, Failure> {
    if let Some(event) = text.strip_prefix("42")
        && connected.is_some()
    {
        let json = event.trim_start_matches(|char: char| char.is_ascii_digit());
        let id = event.strip_suffix(json).unwrap_or_default();
        let (name, argument): (&str, String) = serde_json::from_str(json)?;
        if name == "echo" && !id.is_empty() {
            let mut ack = Vec::with_capacity(argument.len() + id.len() + 8);
            ack.extend_from_slice(b"43");
            ack.extend_from_slice(id.as_bytes());
            ack.push(b'[');
            serde_json::to_writer(&mut ack, &argument)?;
            ack.push(b']');
            socket.feed(Message::Text(String::from_utf8(ack)?.into())).await?;
        }
        return Ok(Next::Continue);
    }
    let Some(auth) = text.strip_prefix("40") else { return Ok(Next::Close) };
    let found = authenticate(server, auth);
    let (reply, next) = if found.is_some() {
        let id = server.next_id.fetch_add(1, Ordering::Relaxed);
        (format!(r#"40{{"sid":"{id:020x}"}}"#), Next::Continue)
    } else {
        (r#"44{"message":"Unauthorized"}"#.to_owned(), Next::Close)
    };
    *connected = found;
    socket.feed(reply.into()).await?;
    Ok(next)
}

fn authenticate(server: &Server, auth: &str) -> Option<Connected> {
    let auth: Auth<'_> = serde_json::from_str(auth).ok()?;
    let token =
        jsonwebtoken::decode::<TokenClaims>(auth.token, &server.key, &server.validation).ok()?;
    let user = server.users.find(&token.claims.sub)?;
    Some(Connected { user, connected_at: SystemClock.wall() })
}

const OPEN: &str =
    r#"0{"sid":"floor","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":65536}"#;

const PING_INTERVAL: Duration = Duration::from_secs(25);

const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Read buffer of each connection. tungstenite's default of 128 KiB would be allocated and zeroed for each.
const READ_BUFFER: usize = 4 * 1024;
