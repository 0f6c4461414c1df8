//! A hand-written WebSocket client.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use doorward_bench::Failure;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

pub(crate) struct Client {
    stream: TcpStream,
    /// Received bytes. The bytes before `read` have been processed.
    unread: Vec<u8>,
    read: usize,
}

/// A frame from the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    Text(&'a [u8]),
    Other,
}

impl Client {
    /// Opens a link (a WebSocket) and reads the open packet. `number` selects the local address,
    /// because a single address would run out of ports.
    pub(crate) async fn open(address: SocketAddr, number: usize) -> Result<Self, Failure> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(source(number), 0))?;
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        let mut client = Self { stream, unread: Vec::new(), read: 0 };
        let request = format!(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {address}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        client.write(request.as_bytes()).await?;
        client.take_head().await?;
        match client.packet().await? {
            Some(packet) if packet.first() == Some(&b'0') => Ok(client),
            other => Err(format!("no open packet: {other:?}").into()),
        }
    }

    /// Sends a CONNECT for `/` with this token. The answer is the next packet.
    pub(crate) async fn connect(&mut self, token: &str) -> io::Result<()> {
        let mut out = Vec::new();
        append(&mut out, format!(r#"40{{"token":"{token}"}}"#).as_bytes());
        self.write(&out).await
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Waits for the next packet, and answers pings meanwhile. Returns `None` if the connection ends.
    pub(crate) async fn packet(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            while let Some(frame) = self.take() {
                match frame {
                    Frame::Text(b"2") => {
                        let mut pong = Vec::new();
                        append(&mut pong, b"3");
                        self.write(&pong).await?;
                    }
                    Frame::Text(packet) => return Ok(Some(packet.to_vec())),
                    Frame::Other => {}
                }
            }
            if self.fill().await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Waits for bytes, and returns how many were read. Returns 0 if the connection has ended.
    pub(crate) async fn fill(&mut self) -> io::Result<usize> {
        if self.read == self.unread.len() {
            self.unread.clear();
            self.read = 0;
        } else if self.read > 0 {
            self.unread.drain(..self.read);
            self.read = 0;
        }
        self.stream.read_buf(&mut self.unread).await
    }

    /// Takes the next frame from the received bytes. Returns `None` if no frame is complete.
    pub(crate) fn take(&mut self) -> Option<Frame<'_>> {
        let unread = self.unread.get(self.read..)?;
        let (&[first, second], rest) = unread.split_first_chunk()?;
        let (length, header) = match second {
            126 => (usize::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
            127 => (usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).ok()?, 10),
            short => (usize::from(short), 2),
        };
        let payload = unread.get(header..header + length)?;
        self.read += header + length;
        Some(if first == 0x81 { Frame::Text(payload) } else { Frame::Other })
    }

    async fn take_head(&mut self) -> Result<(), Failure> {
        loop {
            let unread = &self.unread[self.read..];
            if let Some(end) = unread.windows(4).position(|window| window == b"\r\n\r\n") {
                if !unread.starts_with(b"HTTP/1.1 101 ") {
                    let head = String::from_utf8_lossy(unread).into_owned();
                    return Err(format!("no upgrade: {head}").into());
                }
                self.read += end + 4;
                return Ok(());
            }
            if self.fill().await? == 0 {
                return Err("the server closed before it sent a response".into());
            }
        }
    }
}

/// Appends a masked text message to `out`.
pub(crate) fn append(out: &mut Vec<u8>, payload: &[u8]) {
    out.push(0x81);
    match payload.len() {
        short @ 0..126 => out.push(0x80 | u8::try_from(short).expect("it is below 126")),
        long => {
            let long = u16::try_from(long).expect("no message of this benchmark is that long");
            out.push(0x80 | 126);
            out.extend_from_slice(&long.to_be_bytes());
        }
    }
    out.extend_from_slice(&MASK);
    let start = out.len();
    out.extend_from_slice(payload);
    // In chunks of four bytes. Byte by byte, masking would be the most expensive part of the client.
    for chunk in out[start..].chunks_mut(MASK.len()) {
        for (byte, mask) in chunk.iter_mut().zip(MASK) {
            *byte ^= mask;
        }
    }
}

/// Returns the local address of a client, which is one of a thousand loopback addresses.
fn source(number: usize) -> IpAddr {
    let octet = |number: usize| u8::try_from(number).expect("a remainder is small enough");
    Ipv4Addr::new(127, 0, 1 + octet(number / 250 % 4), 1 + octet(number % 250)).into()
}

const MASK: [u8; 4] = [0x5A, 0xC3, 0x96, 0x0F];
