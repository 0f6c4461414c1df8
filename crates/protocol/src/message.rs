//! Messages that a transport received, before they are parsed.

/// One message that a transport received.
///
/// # Examples
/// ```
/// use doorward_protocol::Message;
///
/// assert_eq!(Message::Text("3").len(), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A text message, which is one Engine.IO packet.
    Text(&'a str),
    /// A binary message, which is one attachment of a packet.
    Binary(&'a [u8]),
}

impl Message<'_> {
    /// Returns the length of the message, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Returns `true` if the message is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
