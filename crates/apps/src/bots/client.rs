//! A minimal Socket.IO client over a WebSocket.

use futures_util::{SinkExt, StreamExt};
use serde::Serialize;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error as SocketError, Message},
};

/// Client that is connected to one namespace.
pub(super) struct Client {
    stream: WebSocketStream<TcpStream>,
    namespace: &'static str,
    /// Id of the last ack that was requested.
    asked: u64,
}

/// Packet from the server. The arguments are a JSON array.
pub(super) enum Received {
    /// Ack, with its id and its arguments.
    Ack(u64, String),
    /// Event, with its name and its arguments.
    Event(String, String),
}

/// Reasons for which a connection has failed or ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    #[error("the connection has ended")]
    Closed,
    #[error("the connection has ended")]
    Ended(#[from] Box<SocketError>),
    #[error("the server refuses a bot: {0}")]
    Refused(String),
    #[error("the server cannot be reached")]
    Unreachable(#[source] std::io::Error),
}

impl Client {
    /// Connects, authenticates with a token, and waits until the server admits or refuses the
    /// client.
    pub(super) async fn connect(
        address: &str,
        namespace: &'static str,
        token: &str,
    ) -> Result<Self, ClientError> {
        let stream = TcpStream::connect(address).await.map_err(ClientError::Unreachable)?;
        stream.set_nodelay(true).map_err(ClientError::Unreachable)?;
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let (stream, _) = client_async(url, stream).await.map_err(Box::new)?;
        let mut client = Self { stream, namespace, asked: 0 };
        client.write(format!("40{namespace},{{\"token\":\"{token}\"}}")).await?;
        loop {
            let packet = client.packet().await?;
            if packet.starts_with("40") {
                return Ok(client);
            }
            if packet.starts_with("44") {
                return Err(ClientError::Refused(packet));
            }
        }
    }

    /// Sends an event that requests an ack, and returns the id of the ack.
    pub(super) async fn ask(
        &mut self,
        event: &str,
        payload: impl Serialize + Send,
    ) -> Result<u64, ClientError> {
        self.asked += 1;
        let arguments = serde_json::to_string(&(event, payload)).unwrap_or_default();
        self.write(format!("42{},{}{arguments}", self.namespace, self.asked)).await?;
        Ok(self.asked)
    }

    /// Waits for the next event or ack.
    ///
    /// # Cancel safety
    /// No received packet is lost.
    pub(super) async fn next(&mut self) -> Result<Received, ClientError> {
        loop {
            let packet = self.packet().await?;
            let Some((kind, rest)) = packet.split_at_checked(2) else { continue };
            let rest = rest.strip_prefix(self.namespace).and_then(|rest| rest.strip_prefix(','));
            let Some(rest) = rest else { continue };
            match kind {
                "41" => return Err(ClientError::Closed),
                "42" => {
                    if let Some((name, arguments)) = split_event(rest) {
                        return Ok(Received::Event(name, arguments));
                    }
                }
                "43" => {
                    let (number, arguments) = rest.split_at(rest.find('[').unwrap_or(rest.len()));
                    if let Ok(number) = number.parse() {
                        return Ok(Received::Ack(number, arguments.to_owned()));
                    }
                }
                _ => {}
            }
        }
    }

    /// Waits for the next packet, and answers heartbeats.
    async fn packet(&mut self) -> Result<String, ClientError> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) if text.as_str() == "2" => {
                    self.write("3".to_owned()).await?;
                }
                Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Box::new(error).into()),
                None => return Err(ClientError::Closed),
            }
        }
    }

    async fn write(&mut self, text: String) -> Result<(), ClientError> {
        Ok(self.stream.send(Message::text(text)).await.map_err(Box::new)?)
    }
}

/// Splits the payload of an event into its name and an array of its arguments. Returns `None` if
/// the payload is not an array that begins with a string.
fn split_event(array: &str) -> Option<(String, String)> {
    let mut parts: Vec<&serde_json::value::RawValue> = serde_json::from_str(array).ok()?;
    let name = serde_json::from_str(parts.first()?.get()).ok()?;
    parts.remove(0);
    Some((name, serde_json::to_string(&parts).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_its_name_and_its_arguments() {
        let split = |text| split_event(text);

        assert_eq!(split(r#"["a",1,{"b":[2]}]"#), Some(("a".into(), r#"[1,{"b":[2]}]"#.into())));
        assert_eq!(split(r#"["a"]"#), Some(("a".into(), "[]".into())));
        assert_eq!(split("[]"), None);
        assert_eq!(split("[1]"), None);
    }
}
