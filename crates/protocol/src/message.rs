//! Messages of a transport, before they are parsed.

/// One message of a transport.
///
/// # Examples
/// ```
/// use doorward_protocol::Message;
///
/// assert_eq!(Message::Text("3").len(), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A text message: one Engine.IO packet.
    Text(&'a str),
    /// A binary message: an attachment.
    Binary(&'a [u8]),
}

impl Message<'_> {
    /// Returns the length in bytes.
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
