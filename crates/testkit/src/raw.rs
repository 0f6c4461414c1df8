//! A WebSocket client that can send invalid bytes.
//!
//! The client opens a WebSocket by hand and sends exactly the bytes that a test passes. Bytes that must arrive
//! together are sent in one write. Answers are returned one message at a time.

#![expect(clippy::panic, reason = "an unexpected answer fails the test")]

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use doorward_protocol::ws::{self, Opcode};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

/// Raw connection that can violate WebSocket and Socket.IO in any way.
///
/// For tests only: every method panics if the server does something unexpected.
///
/// # Examples
/// ```no_run
/// # async fn run(address: std::net::SocketAddr) {
/// use doorward_testkit::RawClient;
///
/// let mut client = RawClient::open(address).await;
/// client.text("40").await;
/// assert_eq!(client.packet().await.as_deref(), Some(r#"44{"message":"Unauthorized"}"#));
/// # }
/// ```
#[derive(Debug)]
pub struct RawClient<S = TcpStream> {
    stream: S,
    unread: Vec<u8>,
}

/// A message from the server, or the end of the connection.
///
/// # Examples
/// ```
/// use doorward_testkit::Seen;
///
/// assert_ne!(Seen::Closed(Some(1000)), Seen::Closed(None));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A binary message.
    Binary(Vec<u8>),
    /// A text message.
    Text(String),
    /// A pong with its payload.
    Pong(Vec<u8>),
    /// The end of the connection. The code is that of the close frame, or `None` if there was no close frame or no
    /// code.
    Closed(Option<u16>),
}

impl RawClient {
    /// Opens a link (a WebSocket) on `/socket.io/`, and reads the open packet.
    ///
    /// # Panics
    /// If the server does not open a link.
    pub async fn open(address: SocketAddr) -> Self {
        Self::open_with(address, b"").await.0
    }

    /// Opens a link, sends `early` in the same write as the request, and returns the contents of the open
    /// packet.
    ///
    /// # Panics
    /// If the server does not open a link.
    pub async fn open_with(address: SocketAddr, early: &[u8]) -> (Self, Value) {
        let (mut client, head) = Self::request(address, &upgrade_request(address, early)).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "the answer was {head}");
        let open = client.json("0").await;
        (client, open)
    }

    /// Opens a link from the local address `from` with additional header lines, and reads the open packet.
    ///
    /// # Panics
    /// If the server does not open a link.
    pub async fn open_from(from: IpAddr, address: SocketAddr, headers: &str) -> Self {
        Self::connect_from(from, address).await.upgrade(address, headers).await
    }

    /// Opens a link like [`open_from`](Self::open_from). The operating system buffers only some kilobytes that the
    /// client has not read, so the server notices early that a client does not read.
    ///
    /// # Panics
    /// If the server does not open a link.
    pub async fn open_narrow_from(from: IpAddr, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("there is a socket");
        socket.set_recv_buffer_size(NARROW).expect("a socket has a buffer");
        Self::connect_with(socket, from, address).await.upgrade(address, "").await
    }

    /// Opens a TCP connection from the local address `from`, and sends nothing.
    ///
    /// # Panics
    /// If `from` is not an address of this machine, or no server listens.
    pub async fn connect_from(from: IpAddr, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("there is a socket");
        Self::connect_with(socket, from, address).await
    }

    async fn connect_with(socket: TcpSocket, from: IpAddr, address: SocketAddr) -> Self {
        socket.bind((from, 0).into()).expect("the address is of this machine");
        let stream = socket.connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a TCP stream has TCP_NODELAY");
        Self { stream, unread: Vec::new() }
    }

    /// Sends any bytes as a request and returns the head of the response.
    ///
    /// # Panics
    /// If there is no response.
    pub async fn request(address: SocketAddr, request: &[u8]) -> (Self, String) {
        let mut client = Self::connect(address).await;
        client.bytes(request).await;
        let head = client.head().await;
        (client, head)
    }

    /// Opens a TCP connection and sends nothing.
    ///
    /// # Panics
    /// If no server listens.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a TCP stream has TCP_NODELAY");
        Self { stream, unread: Vec::new() }
    }

    /// Reads the bytes that the server has already sent, until none arrive for 200 ms. This thread is blocked
    /// meanwhile, so a server on the same runtime does nothing. Returns the number of bytes.
    ///
    /// # Panics
    /// If the operating system refuses to duplicate the socket.
    pub fn drain(&mut self) -> usize {
        use io::Read as _;

        let socket = std::os::fd::AsFd::as_fd(&self.stream).try_clone_to_owned();
        let mut stream = std::net::TcpStream::from(socket.expect("the socket can be duplicated"));
        let blocking = |stream: &std::net::TcpStream, blocks: bool| {
            // Both sockets share the mode.
            stream.set_nonblocking(!blocks).expect("a socket has both modes");
        };
        let before = self.unread.len();
        blocking(&stream, true);
        stream.set_read_timeout(Some(Duration::from_millis(200))).expect("the time is not zero");
        // The timeout is an error, and the bytes before it are kept.
        stream.read_to_end(&mut self.unread).ok();
        blocking(&stream, false);
        self.unread.len() - before
    }

    /// Returns a frame as a client sends it. Its mask is not zero, so that a server that does not unmask fails.
    ///
    /// # Examples
    /// ```
    /// use doorward_protocol::ws::Opcode;
    ///
    /// let frame = doorward_testkit::RawClient::frame(Opcode::Ping, b"");
    /// assert_eq!(frame[..2], [0x89, 0x80]);
    /// ```
    #[must_use]
    pub fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
        frame(opcode, payload)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> RawClient<S> {
    /// Uses a connection of any kind, and sends nothing.
    pub fn over(stream: S) -> Self {
        Self { stream, unread: Vec::new() }
    }

    /// Opens a link on the connection with additional header lines, and reads the open packet. The request names the
    /// port of `address` as that of the host.
    ///
    /// # Panics
    /// If the server does not open a link.
    pub async fn upgrade(self, address: SocketAddr, headers: &str) -> Self {
        let mut client = self;
        let request = upgrade_request(address, b"");
        let lines = request.strip_suffix(b"\r\n").unwrap_or(&request);
        client.bytes(&[lines, headers.as_bytes(), b"\r\n"].concat()).await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "the answer was {head}");
        client.json("0").await;
        client
    }

    /// Reads the head of an HTTP response.
    ///
    /// # Panics
    /// If the connection ends before the head is complete.
    pub async fn head(&mut self) -> String {
        loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                let head: Vec<u8> = self.unread.drain(..end + 4).collect();
                return String::from_utf8(head).expect("a head is ASCII");
            }
            assert!(self.fill().await, "the connection ended before an answer");
        }
    }

    /// Waits for bytes. Returns `false` if the connection ends first.
    pub async fn is_answered(&mut self) -> bool {
        self.fill().await
    }

    /// Reads all bytes until the connection ends.
    pub async fn body(&mut self) -> Vec<u8> {
        while self.fill().await {}
        std::mem::take(&mut self.unread)
    }

    /// Reads the next `length` bytes.
    ///
    /// # Panics
    /// If the connection ends first.
    pub async fn exactly(&mut self, length: usize) -> Vec<u8> {
        while self.unread.len() < length {
            assert!(self.fill().await, "the connection ended before its last byte");
        }
        self.unread.drain(..length).collect()
    }

    /// Sends a text message.
    pub async fn text(&mut self, text: &str) {
        self.bytes(&frame(Opcode::Text, text.as_bytes())).await;
    }

    /// Sends several text messages in one write.
    pub async fn texts<T: AsRef<str>>(&mut self, texts: impl IntoIterator<Item = T>) {
        let frame = |text: T| frame(Opcode::Text, text.as_ref().as_bytes());
        let bytes: Vec<u8> = texts.into_iter().flat_map(frame).collect();
        self.bytes(&bytes).await;
    }

    /// Sends any bytes. Ignores the error if the server has closed the connection.
    pub async fn bytes(&mut self, bytes: &[u8]) {
        drop(self.stream.write_all(bytes).await);
    }

    /// Reads and discards `size` bytes. Returns `false` if the connection ends first.
    pub async fn body_of(&mut self, size: usize) -> bool {
        let mut left = size;
        loop {
            left = left.saturating_sub(self.unread.len());
            self.unread.clear();
            if left == 0 || !self.fill().await {
                return left == 0;
            }
        }
    }

    /// Sends the same bytes repeatedly until the server closes the connection. Lets other tasks run in between.
    pub async fn flood_slowly(&mut self, bytes: &[u8]) {
        while self.stream.write_all(bytes).await.is_ok() {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Sends the same bytes repeatedly until the server closes the connection.
    pub async fn flood(&mut self, bytes: &[u8]) {
        while self.is_sent(bytes).await {}
    }

    /// Sends bytes as they are. Returns `false` if the server has closed the connection.
    pub async fn is_sent(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Reads the next text message. Returns `None` if the connection ends first.
    pub async fn packet(&mut self) -> Option<String> {
        loop {
            match self.next().await {
                Seen::Text(text) => return Some(text),
                Seen::Binary(_) | Seen::Pong(_) => {}
                Seen::Closed(_) => return None,
            }
        }
    }

    /// Reads the next text message, which must begin with `prefix`, and returns the JSON after it.
    ///
    /// # Panics
    /// If the message does not begin with `prefix`, or the connection ends first.
    pub async fn json(&mut self, prefix: &str) -> Value {
        let packet = self.packet().await.unwrap_or_else(|| panic!("no {prefix:?}: closed"));
        let json = packet.strip_prefix(prefix);
        let json = json.unwrap_or_else(|| panic!("expected {prefix:?}, got {packet:?}"));
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{packet:?}: {error}"))
    }

    /// Reads all messages until TCP has ended. The last one is [`Seen::Closed`].
    pub async fn rest(&mut self) -> Vec<Seen> {
        let mut seen = Vec::new();
        loop {
            let next = self.next().await;
            let closed = matches!(next, Seen::Closed(_));
            seen.push(next);
            if closed {
                break;
            }
        }
        while self.fill().await {}
        seen
    }

    /// Waits for the next text message, pong or end of the connection.
    ///
    /// # Panics
    /// If the server sends a frame that it must not send.
    pub async fn next(&mut self) -> Seen {
        loop {
            if let Some((opcode, payload)) = self.take_frame() {
                return match opcode {
                    0x1 => Seen::Text(String::from_utf8(payload).expect("a text is UTF-8")),
                    0x2 => Seen::Binary(payload),
                    0x8 => Seen::Closed(
                        payload.first_chunk().map(|&code: &[u8; 2]| u16::from_be_bytes(code)),
                    ),
                    0xA => Seen::Pong(payload),
                    other => panic!("a server sent a frame of type {other:#x}"),
                };
            }
            if !self.fill().await {
                return Seen::Closed(None);
            }
        }
    }

    /// Removes the next frame from the bytes that were read. Returns `None` if the frame is not complete. Panics if
    /// it is fragmented or masked.
    fn take_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (&[first, second], rest) = self.unread.split_first_chunk()?;
        assert_eq!(first & 0xF0, 0x80, "a server frame is whole and uses no extension");
        assert!(second < 0x80, "a server does not mask");
        // Payload length in 7, 16 or 64 bits (RFC 6455, section 5.2).
        let (length, header) = match second {
            126 => (usize::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
            127 => (usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).ok()?, 10),
            short => (usize::from(short), 2),
        };
        if self.unread.len() < header + length {
            return None;
        }
        let payload = self.unread.drain(..header + length).skip(header).collect();
        Some((first & 0x0F, payload))
    }

    /// Reads some bytes. Returns `false` at the end or on an error.
    async fn fill(&mut self) -> bool {
        let read: io::Result<usize> = self.stream.read_buf(&mut self.unread).await;
        matches!(read, Ok(count) if count > 0)
    }
}

/// Returns a frame as a client sends it. See [`RawClient::frame`].
fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    // `append` writes an unmasked server frame. It becomes a client frame by setting the mask bit, inserting the
    // mask after the length, and masking the payload (RFC 6455, section 5.3).
    ws::append(&mut out, opcode, |out| out.extend_from_slice(payload));
    out[1] |= 0x80;
    let header = out.len() - payload.len();
    out.splice(header..header, MASK);
    for (byte, mask) in out[header + 4..].iter_mut().zip(MASK.into_iter().cycle()) {
        *byte ^= mask;
    }
    out
}

fn upgrade_request(address: SocketAddr, early: &[u8]) -> Vec<u8> {
    let head = format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost:{}\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        address.port()
    );
    [head.as_bytes(), early].concat()
}

const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// Size of the receive buffer of a client that the server soon notices not to read, in bytes.
const NARROW: u32 = 8 * 1024;
