//! Limits and timeouts of a link.

use std::time::Duration;

use crate::PacketFormat;

/// Limits and timeouts of a link. Sizes are in bytes.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use doorward_protocol::LinkConfig;
///
/// let config = LinkConfig { ping_interval: Duration::from_millis(300), ..LinkConfig::default() };
/// assert_eq!(config.max_message, 64 * 1024);
/// ```
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Format of Socket.IO packets. Default: text.
    pub format: PacketFormat,
    /// Interval from the opening of the link, or from a pong, to the next ping. Default: 25 s.
    pub ping_interval: Duration,
    /// Time within which the client must answer a ping. Default: 20 s.
    pub ping_timeout: Duration,
    /// Time within which the client must send a CONNECT after the link was opened or its last
    /// socket ended. Default: 5 s.
    pub connect_timeout: Duration,
    /// Time within which all attachments of a binary packet must arrive after its head. Default: 10
    /// s.
    pub attachments_timeout: Duration,
    /// Maximum size of a message from an authenticated client, and of a binary packet with all its
    /// attachments. Default: 64 KiB.
    pub max_message: usize,
    /// Maximum size of a message from an unauthenticated client, such as a CONNECT with a token.
    /// Default: 16 KiB.
    pub max_connect: usize,
    /// Maximum number of bytes that a client may send without being authenticated. Default: 64 KiB.
    pub max_unauthenticated: usize,
    /// Maximum number of admissions on one link that may be refused. Further CONNECTs are refused
    /// without an admission. Default: 3.
    pub max_refusals: usize,
    /// Maximum number of namespaces on one link. Default: 20.
    pub max_namespaces: usize,
    /// Maximum number of events that a client may send to a namespace to which it was admitted
    /// without authentication. Default: 20.
    pub max_anonymous_events: u32,
    /// Maximum number of attachments of one binary packet. Default: 10.
    pub max_attachments: usize,
    /// Maximum nesting depth of arrays and objects in the JSON of a packet. Default: 32.
    pub max_depth: usize,
    /// Maximum length of the name of an event, in bytes. Default: 128.
    pub max_event_name: usize,
    /// Maximum length of the name of a namespace, in bytes. Default: 255.
    pub max_namespace: usize,
}

impl Default for LinkConfig {
    fn default() -> Self {
        Self {
            format: PacketFormat::Text,
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(5),
            attachments_timeout: Duration::from_secs(10),
            max_message: 64 * 1024,
            max_connect: 16 * 1024,
            max_unauthenticated: 64 * 1024,
            max_refusals: 3,
            max_namespaces: 20,
            max_anonymous_events: 20,
            max_attachments: 10,
            max_depth: 32,
            max_event_name: 128,
            max_namespace: 255,
        }
    }
}
