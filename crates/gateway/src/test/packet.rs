//! Parses packets that a server has sent.

/// A Socket.IO packet from the server. Its format is
/// `<type>[<attachments>-][/<namespace>,][<ack id>][<JSON>]`.
pub(super) struct Packet<'a> {
    pub(super) kind: u8,
    pub(super) attachments: usize,
    pub(super) namespace: &'a str,
    pub(super) id: Option<u64>,
    pub(super) data: &'a str,
}

impl<'a> Packet<'a> {
    /// Parses the text after the `4` of Engine.IO. Returns `None` if it is not a packet.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let kind = *text.as_bytes().first()?;
        let rest = text.get(1..)?;
        let (attachments, rest) = match kind {
            b'5' | b'6' => {
                let (count, rest) = rest.split_once('-')?;
                (count.parse().ok()?, rest)
            }
            _ => (0, rest),
        };
        let (namespace, rest) = if rest.starts_with('/') {
            rest.split_once(',').unwrap_or((rest, ""))
        } else {
            ("/", rest)
        };
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (id, data) = rest.split_at(digits);
        Some(Self { kind, attachments, namespace, id: id.parse().ok(), data })
    }
}
