//! Every bound of a server, in one place.

use std::time::Duration;

use doorward_protocol::LinkConfig;

/// What a server takes and how long it waits. Sizes are bytes.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use doorward::Limits;
///
/// let limits = Limits { handler_timeout: Duration::from_secs(5), ..Limits::default() };
/// assert_eq!(limits.max_message, 64 * 1024);
/// ```
#[derive(Clone, Debug)]
pub struct Limits {
    /// Time from the opening of a link, or from a pong, to the next ping: 25 s.
    pub ping_interval: Duration,
    /// Time that a pong may take: 20 s.
    pub ping_timeout: Duration,
    /// Time a link has until its CONNECT arrives: 5 s.
    pub connect_timeout: Duration,
    /// Time the admission of one CONNECT may take: 5 s. Then nothing was decided, the transport ends
    /// and the client tries again.
    pub admission_timeout: Duration,
    /// Time the headers of an HTTP request may take: 10 s.
    pub header_timeout: Duration,
    /// Time from the headers of an HTTP request to its whole body and the beginning of its answer: 30 s.
    /// Then the connection ends, and the application's work on the request is dropped.
    pub request_timeout: Duration,
    /// Time a handler may take: 30 s. Then the client reads `timeout` and the handler is dropped.
    pub handler_timeout: Duration,
    /// Time a guard, or the policy of a room, may take to answer: 3 s. Then the answer is no;
    /// about a connection nothing was decided, and the client tries again.
    pub guard_timeout: Duration,
    /// Time a client may take to answer what it is asked: 20 s.
    pub ack_timeout: Duration,
    /// Time the attachments of a binary message may take to arrive behind it: 10 s.
    pub attachments_timeout: Duration,
    /// Time for which nothing can be written to a client, because it does not read what the operating
    /// system already holds for it: 10 s. Then its link, or its HTTP connection, ends.
    pub write_stall: Duration,
    /// Time an anonymous socket may live: 6 min.
    pub anonymous_lifetime: Duration,
    /// Time by which a client is told ahead that its credential or session ends: 60 s, and at most a quarter
    /// of the time that was left when it was shown.
    pub expiry_notice: Duration,
    /// Time between two looks whether those who are here may still be: 10 s.
    pub sweep_interval: Duration,
    /// Time for which sockets go on while the store does not answer that knows who may be here: 30 s.
    pub store_grace: Duration,
    /// Time for which links may say goodbye when the server stops: 2 s.
    pub shutdown_grace: Duration,
    /// A message of a known client: 64 KiB.
    pub max_message: usize,
    /// A message of anybody else, a CONNECT with its token: 16 KiB.
    pub max_connect: usize,
    /// All bytes of a client before it is known: 64 KiB.
    pub max_unauthenticated: usize,
    /// Refused CONNECTs on one link: 3.
    pub max_refusals: usize,
    /// Guesses of one address in a minute, such as forged tokens: 100, and a fifth of it for pages of other
    /// hosts. Then only credentials that are genuine by themselves, such as signed tokens, are looked at
    /// ([`Authenticator::recognise`](crate::Authenticator::recognise)). An IPv6 address counts by its first 64
    /// bits; one that is not known is not counted.
    pub max_address_refusals: u32,
    /// Attempts of one user in a minute, whether they are let in or not: 240.
    pub max_user_attempts: u32,
    /// Links of one address on which no client is known: 100, and half as many that pages of other hosts have
    /// opened. An IPv6 address counts by its first 64 bits; known clients do not count, because offices share an address.
    pub max_unauthenticated_links: usize,
    /// Namespaces on one link: 20.
    pub max_namespaces: usize,
    /// Events of an anonymous socket: 20.
    pub max_anonymous_events: u32,
    /// Binary attachments of one message: 10. They count as part of it.
    pub max_attachments: usize,
    /// Arrays and objects inside each other: 32.
    pub max_depth: usize,
    /// The name of an event: 128.
    pub max_event_name: usize,
    /// Rooms that one socket is in: 128.
    pub max_rooms: usize,
    /// Streams that run for one socket: 16.
    pub max_streams: usize,
    /// Questions to one client that wait for its answer: 64.
    pub open_acks: usize,
    /// Events of a socket that wait for the one before them: 64. Then the link is not read; if the
    /// server waits for an answer of the client it is read on, and ends above twice as many.
    pub inbox: usize,
    /// Bytes of all events of a link that wait, whichever socket they are for: 1 MiB. Then likewise.
    pub inbox_bytes: usize,
    /// Handlers that may come to their end after their sockets have ended: 1,024, and 8 of one link.
    /// Those beyond are dropped when their socket ends.
    pub afterwards: usize,
    /// Connections of the server, links included: 1,000,000. Those beyond wait until one has ended. Set it
    /// below the number of descriptors that the process may have, so that some are left for everything else.
    pub max_connections: usize,
    /// Connections of one address that are no links yet: 256. Those beyond are closed at once. Behind a
    /// trusted proxy requests of one client: those beyond are answered with 429.
    pub max_http_connections: usize,
    /// Connections of one trusted proxy that are no links yet: 10,000. Those beyond are closed at once.
    pub max_proxy_connections: usize,
    /// Bytes a second at which the body of a request must arrive while it is waited for: 500, once it was
    /// waited for 10 s. Then as at `request_timeout`.
    pub min_body_rate: usize,
    /// What waits to be sent on a link: 1 MiB. Then the link ends; from a quarter on it is not read.
    pub outbox: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let link = LinkConfig::default();
        Self {
            ping_interval: link.ping_interval,
            ping_timeout: link.ping_timeout,
            connect_timeout: link.connect_timeout,
            admission_timeout: Duration::from_secs(5),
            header_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            handler_timeout: Duration::from_secs(30),
            guard_timeout: Duration::from_secs(3),
            ack_timeout: Duration::from_secs(20),
            attachments_timeout: link.attachments_timeout,
            write_stall: Duration::from_secs(10),
            anonymous_lifetime: Duration::from_secs(6 * 60),
            expiry_notice: Duration::from_secs(60),
            sweep_interval: Duration::from_secs(10),
            store_grace: Duration::from_secs(30),
            shutdown_grace: Duration::from_secs(2),
            max_message: link.max_message,
            max_connect: link.max_connect,
            max_unauthenticated: link.max_unauthenticated,
            max_refusals: link.max_refusals,
            max_address_refusals: 100,
            max_user_attempts: 240,
            max_unauthenticated_links: 100,
            max_namespaces: link.max_namespaces,
            max_anonymous_events: link.max_anonymous_events,
            max_attachments: link.max_attachments,
            max_depth: link.max_depth,
            max_event_name: link.max_event_name,
            max_rooms: 128,
            max_streams: 16,
            open_acks: 64,
            inbox: 64,
            inbox_bytes: 1024 * 1024,
            afterwards: 1024,
            max_connections: 1_000_000,
            max_http_connections: 256,
            max_proxy_connections: 10_000,
            min_body_rate: 500,
            outbox: 1024 * 1024,
        }
    }
}

impl Limits {
    /// The part that the protocol itself keeps.
    pub(crate) fn link(&self) -> LinkConfig {
        LinkConfig {
            ping_interval: self.ping_interval,
            ping_timeout: self.ping_timeout,
            connect_timeout: self.connect_timeout,
            max_message: self.max_message,
            max_connect: self.max_connect,
            max_unauthenticated: self.max_unauthenticated,
            max_refusals: self.max_refusals,
            max_namespaces: self.max_namespaces,
            max_anonymous_events: self.max_anonymous_events,
            max_attachments: self.max_attachments,
            attachments_timeout: self.attachments_timeout,
            max_depth: self.max_depth,
            max_event_name: self.max_event_name,
            ..LinkConfig::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_has_its_row_in_the_documentation() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/limits.md");
        let docs = std::fs::read_to_string(path).unwrap();
        let defaults = format!("{:#?}", Limits::default());

        for line in defaults.lines().filter(|line| line.starts_with(' ')) {
            let (name, value) = line.trim().trim_end_matches(',').split_once(": ").unwrap();
            let row = format!("| `{name}` | {value} |");
            assert!(docs.contains(&row), "docs/limits.md has no row that begins with {row}");
        }
    }
}
