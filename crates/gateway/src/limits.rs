//! All limits of a server, in one table. Each line declares a field of [`Limits`] with its default,
//! its minimum and its maximum.
//!
//! The other files of this module count against these limits: `connect_attempts` counts attempts to
//! connect, `addresses` counts the links and connections of each address, and `capacity` counts all
//! connections. Start reading at the table below.

pub(crate) mod addresses;
pub(crate) mod budget;
pub(crate) mod capacity;
pub(crate) mod connect_attempts;
pub(crate) mod value;

use std::time::Duration;

use doorward_protocol::LinkConfig;

use crate::limits::value::{LimitError, LimitValue};

/// Declares [`Limits`], and the description of each field in [`Limits::ALL`].
macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $type:ident = $default:expr, $least:expr => $most:expr;)+) => {
        /// Limits of a server. Each limit is a size in bytes, a count or a duration.
        ///
        /// A *link* is the Engine.IO connection of one client. It carries a *socket* for each
        /// namespace that the client is in. A *CONNECT* is the packet with which a client asks to
        /// enter a namespace.
        ///
        /// [`Limits::ALL`] lists every field with its bounds.
        /// [`Builder::build`](crate::Builder::build) rejects values outside of these bounds.
        ///
        /// # Examples
        /// ```
        /// use std::time::Duration;
        /// use doorward::Limits;
        ///
        /// let mut limits = Limits::default();
        /// limits.handler_timeout = Duration::from_secs(5);
        /// assert_eq!(limits.max_message, 64 * 1024);
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Limits {
            $($(#[$doc])* pub $name: $type,)+
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl Limits {
            /// Descriptions of all limits, for programs that read limits from a file of their own.
            ///
            /// # Examples
            /// ```
            /// use doorward::{Limits, server::LimitValue};
            ///
            /// let mut limits = Limits::default();
            /// let mut all = Limits::ALL.iter();
            /// let limit = all.find(|limit| limit.name() == "max_rooms").expect("it is a limit");
            /// limit.set(&mut limits, LimitValue::Count(500))?;
            ///
            /// assert_eq!(limits.max_rooms, 500);
            /// assert!(limit.set(&mut limits, LimitValue::Count(0)).is_err());
            /// # Ok::<_, doorward::server::LimitError>(())
            /// ```
            pub const ALL: &[Limit] = &[$(Limit {
                name: stringify!($name),
                default: limits!(@value $type $default),
                least: limits!(@value $type $least),
                most: limits!(@value $type $most),
                get: |limits| limits!(@value $type limits.$name),
                set: |limits, value| limits!(@set $type limits.$name, value),
            },)+];
        }
    };
    (@value Duration $value:expr) => { LimitValue::Time($value) };
    (@value usize $value:expr) => { LimitValue::Count($value) };
    (@value u32 $value:expr) => { LimitValue::Count($value as usize) };
    (@set Duration $field:expr, $value:expr) => { $value.time().map(|time| $field = time) };
    (@set usize $field:expr, $value:expr) => { $value.count().map(|count| $field = count) };
    (@set u32 $field:expr, $value:expr) => {
        $value.count().and_then(|count| count.try_into().ok()).map(|count| $field = count)
    };
}

limits! {
    /// Interval from the opening of a link, or from a pong, to the next ping: 25 s.
    ping_interval: Duration = Duration::from_secs(25), TENTH => HOUR;
    /// Time limit for the pong after a ping: 20 s. On timeout the link is closed.
    ping_timeout: Duration = Duration::from_secs(20), TENTH => HOUR;
    /// Time limit for the CONNECT on a link without a socket: 5 s. On timeout the link is closed.
    connect_timeout: Duration = Duration::from_secs(5), TENTH => HOUR;
    /// Time limit for the admission of one CONNECT: 5 s. On timeout the link is closed without an
    /// answer, so that the client reconnects.
    admission_timeout: Duration = Duration::from_secs(5), TENTH => HOUR;
    /// Time limit for the headers of an HTTP request: 10 s. Also the time limit for the TLS
    /// handshake and the header of the PROXY protocol before them. On timeout the connection is
    /// closed.
    header_timeout: Duration = Duration::from_secs(10), TENTH => HOUR;
    /// Time limit for an HTTP request, from its headers until its whole body has arrived and its
    /// answer has begun: 30 s. On timeout the client receives an error, the connection is closed,
    /// and the application's work on the request is dropped.
    request_timeout: Duration = Duration::from_secs(30), TENTH => DAY;
    /// Time limit for a handler, or for a disconnect hook: 30 s. On timeout the handler or hook is
    /// dropped, and the client of the handler receives `timeout`. A stream that a handler has
    /// returned has no time limit.
    handler_timeout: Duration = Duration::from_secs(30), TENTH => DAY;
    /// Time limit for a guard, or for the policy of a room: 3 s. On timeout the action is denied.
    /// If the action is a CONNECT, the link is closed without an answer instead, so that the client
    /// reconnects.
    guard_timeout: Duration = Duration::from_secs(3), TENTH => HOUR;
    /// Time limit for the ack of a client: 20 s. On timeout the caller receives
    /// [`AckError::Timeout`](crate::event::AckError::Timeout).
    ack_timeout: Duration = Duration::from_secs(20), TENTH => DAY;
    /// Time limit for the attachments of a binary message, measured from the message: 10 s. On
    /// timeout the link is closed.
    attachments_timeout: Duration = Duration::from_secs(10), TENTH => HOUR;
    /// Time limit for writing without any progress, because the client does not read and the
    /// buffers of the operating system are full: 10 s. On timeout the link or the HTTP connection
    /// is closed.
    write_stall: Duration = Duration::from_secs(10), TENTH => HOUR;
    /// Lifetime of an anonymous socket, which is a socket in a public namespace: 6 min.
    anonymous_lifetime: Duration = Duration::from_mins(6), TENTH => YEAR;
    /// Time before the expiry of a socket at which its client is warned: 60 s. A quarter of the
    /// lifetime that remained when the client showed its credential applies instead if it is
    /// shorter.
    expiry_notice: Duration = Duration::from_secs(60), TENTH => DAY;
    /// Interval between sweeps that re-check connected sockets: 10 s.
    sweep_interval: Duration = Duration::from_secs(10), TENTH => HOUR;
    /// Time for which sockets stay connected while the session store or the revocation store does
    /// not answer: 30 s.
    store_grace: Duration = Duration::from_secs(30), TENTH => DAY;
    /// Time limit for connections, running handlers and disconnect hooks to end when the server
    /// stops: 2 s. On timeout the server no longer waits for them.
    shutdown_grace: Duration = Duration::from_secs(2), TENTH => HOUR;
    /// Maximum size of a message from an authenticated client, in bytes: 64 KiB.
    max_message: usize = 64 * KIB, KIB => 64 * KIB * KIB;
    /// Maximum size of a message from an unauthenticated client, such as a CONNECT with its token,
    /// in bytes: 16 KiB.
    max_connect: usize = 16 * KIB, KIB => KIB * KIB;
    /// Maximum number of bytes that a client may send before it is authenticated: 64 KiB.
    max_unauthenticated: usize = 64 * KIB, KIB => 64 * KIB * KIB;
    /// Maximum number of CONNECTs on one link that may be refused: 3. Further CONNECTs are refused
    /// without authentication.
    max_refusals: usize = 3, 1 => 1_000;
    /// Maximum number of guesses per address and minute: 100. Guesses from pages of other hosts
    /// have a limit of their own, which is a fifth of it. A guess is a credential that was refused,
    /// such as a forged token. Expired and missing credentials do not count. Beyond the limit, only
    /// credentials that can be verified locally are checked, such as signed tokens
    /// ([`Authenticator::recognise`](crate::auth::Authenticator::recognise)). An IPv6 address
    /// counts by its first 64 bits. Clients without a known address are not counted.
    max_address_refusals: u32 = 100, 1 => UNCOUNTED;
    /// Maximum number of attempts to connect or to refresh a credential, per authenticated user and
    /// minute: 240. Attempts that a guard or the seats then refuse count too.
    max_user_attempts: u32 = 240, 1 => UNCOUNTED;
    /// Maximum number of links per address without an authenticated client: 100. Links that pages
    /// of other hosts open have a limit of their own, which is half of it. An IPv6 address counts
    /// by its first 64 bits. Authenticated clients do not count, because an office may share one
    /// address.
    max_unauthenticated_links: usize = 100, 1 => MANY;
    /// Maximum number of namespaces on one link: 20. Further CONNECTs are refused.
    max_namespaces: usize = 20, 1 => 1_000;
    /// Maximum number of namespaces that each pattern has opened, such as `/org/7` for `/org/{org}`:
    /// 10,000. Clients of further ones are told to try again.
    max_opened_namespaces: usize = 10_000, 1 => 1_000_000;
    /// Maximum number of events from an anonymous socket: 20. The next event closes the link.
    max_anonymous_events: u32 = 20, 1 => 1_000_000;
    /// Maximum number of binary attachments of one message: 10. Their sizes count as part of the
    /// message.
    max_attachments: usize = 10, 0 => 1_000;
    /// Maximum nesting depth of arrays and objects in a message: 32.
    max_depth: usize = 32, 4 => 100;
    /// Maximum length of the name of an event, in bytes: 128.
    max_event_name: usize = 128, 32 => 4 * KIB;
    /// Maximum number of rooms that one socket may be in: 128.
    max_rooms: usize = 128, 1 => MANY;
    /// Maximum number of streams, returned by handlers, that run for one socket: 16. The event of a
    /// further stream fails with `rate_limited`.
    max_streams: usize = 16, 1 => 10_000;
    /// Maximum number of events that were sent to one socket and wait for its ack: 64.
    open_acks: usize = 64, 1 => 100_000;
    /// Maximum number of queued events of a socket: 64. While the queue is full, the server does
    /// not read from the link. But while the server waits for an ack of the client, reading
    /// continues, and the link is closed if twice as many events are queued.
    inbox: usize = 64, 1 => 100_000;
    /// Maximum total size of the queued events of a link, in bytes: 1 MiB. When it is reached, the
    /// server acts as for a full `inbox`.
    inbox_bytes: usize = KIB * KIB, KIB => KIB * KIB * KIB;
    /// Maximum number of handlers that keep running after their sockets have ended: 1,024 on the
    /// server, and 8 of one link. Further handlers are dropped when their socket ends.
    afterwards: usize = 1024, 0 => MANY;
    /// Maximum number of connections of the server, including links: 1,000,000. Further connections
    /// wait until another has closed. Set the limit below the number of file descriptors that the
    /// process may have, so that some are left for other uses.
    max_connections: usize = 1_000_000, 1 => 100_000_000;
    /// Maximum number of connections per address that are not links yet: 256. Further connections
    /// are closed at once. Behind a trusted proxy, the limit is for the concurrent requests of one
    /// client, and further requests are answered with 429.
    max_http_connections: usize = 256, 1 => MANY;
    /// Maximum number of connections of one trusted proxy that are not links yet: 10,000. Further
    /// connections are closed at once.
    max_proxy_connections: usize = 10_000, 1 => MANY;
    /// Minimum rate of the body of a request, in bytes per second: 500. It is measured once the
    /// server has waited 10 s for the body. If the body is slower, reading it fails with
    /// [`RequestBodyError::TimedOut`](crate::server::RequestBodyError::TimedOut), and the
    /// connection is closed after the answer.
    min_body_rate: usize = 500, 1 => KIB * KIB * KIB;
    /// Maximum size of the packets queued on a link, in bytes: 1 MiB. Above this size, the link is
    /// closed. From a quarter of this size, the server stops reading from the link and starts no
    /// further handlers.
    outbox: usize = KIB * KIB, 4 * KIB => KIB * KIB * KIB;
}

impl Limits {
    /// Checks that each limit is within its bounds, and that the limits do not contradict each
    /// other.
    ///
    /// # Errors
    /// [`LimitError`] names the first limit whose value is not allowed, and its allowed values.
    pub fn check(&self) -> Result<(), LimitError> {
        for limit in Self::ALL {
            limit.check(limit.get(self))?;
        }
        macro_rules! at_most {
            ($limit:ident, $other:ident) => {
                if self.$limit > self.$other {
                    return Err(LimitError::Contradiction {
                        limit: stringify!($limit),
                        value: self.$limit.into(),
                        other: stringify!($other),
                        bound: self.$other.into(),
                    });
                }
            };
        }
        // Otherwise `max_unauthenticated` would forbid a CONNECT that `max_connect` allows.
        at_most!(max_connect, max_unauthenticated);
        // On an authenticated link, the CONNECT of a second namespace is limited by `max_message`.
        // That CONNECT may be as large as the first one.
        at_most!(max_connect, max_message);
        // Otherwise a single event of the allowed size would overfill the inbox.
        at_most!(max_message, inbox_bytes);
        // Otherwise one unanswered lookup would end a socket.
        at_most!(sweep_interval, store_grace);
        Ok(())
    }

    /// Returns the limits that the protocol enforces.
    pub(crate) fn link(&self) -> LinkConfig {
        LinkConfig {
            ping_interval: self.ping_interval,
            ping_timeout: self.ping_timeout,
            connect_timeout: self.connect_timeout,
            attachments_timeout: self.attachments_timeout,
            max_message: self.max_message,
            max_connect: self.max_connect,
            max_unauthenticated: self.max_unauthenticated,
            max_refusals: self.max_refusals,
            max_namespaces: self.max_namespaces,
            max_anonymous_events: self.max_anonymous_events,
            max_attachments: self.max_attachments,
            max_depth: self.max_depth,
            max_event_name: self.max_event_name,
            ..LinkConfig::default()
        }
    }
}

const TENTH: Duration = Duration::from_millis(100);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const YEAR: Duration = Duration::from_hours(365 * 24);

const KIB: usize = 1024;

/// Upper bound of counts that no server reaches, so that there is practically no limit.
const MANY: usize = 1_000_000;

/// Upper bound of attempts per minute. A budget of this size is never used up.
const UNCOUNTED: u32 = 1_000_000_000;

/// Description of one field of [`Limits`]. [`Limits::ALL`] lists the descriptions of all fields.
///
/// # Examples
/// ```
/// use doorward::Limits;
///
/// for limit in Limits::ALL {
///     println!("{} is from {} to {}", limit.name(), limit.least(), limit.most());
/// }
/// ```
pub struct Limit {
    pub(super) name: &'static str,
    pub(super) default: LimitValue,
    pub(super) least: LimitValue,
    pub(super) most: LimitValue,
    pub(super) get: fn(&Limits) -> LimitValue,
    /// Sets the field. Returns `None` if the value is not of the type of the field.
    pub(super) set: fn(&mut Limits, LimitValue) -> Option<()>,
}

impl Limit {
    /// Returns the name of the field, such as `max_rooms`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the default value of the limit.
    #[must_use]
    pub const fn default(&self) -> LimitValue {
        self.default
    }

    /// Returns the minimum value of the limit.
    #[must_use]
    pub const fn least(&self) -> LimitValue {
        self.least
    }

    /// Returns the maximum value of the limit.
    #[must_use]
    pub const fn most(&self) -> LimitValue {
        self.most
    }

    /// Returns the value of this limit in `limits`.
    #[must_use]
    pub fn get(&self, limits: &Limits) -> LimitValue {
        (self.get)(limits)
    }

    /// Sets the value of this limit in `limits`.
    ///
    /// # Errors
    /// [`LimitError`] if the value is out of bounds or of the wrong kind. Then `limits` is
    /// unchanged. The value is not compared with other limits; [`Limits::check`] does that.
    pub fn set(&self, limits: &mut Limits, value: LimitValue) -> Result<(), LimitError> {
        self.check(value)?;
        (self.set)(limits, value).ok_or_else(|| self.kind(value))
    }

    /// Checks a value against the bounds of this limit, but not against other limits.
    ///
    /// # Errors
    /// [`LimitError`] names the values that are allowed.
    pub fn check(&self, value: LimitValue) -> Result<(), LimitError> {
        let &Self { name: limit, least, most, .. } = self;
        if value.count().is_some() != least.count().is_some() {
            return Err(self.kind(value));
        }
        if (least..=most).contains(&value) {
            Ok(())
        } else {
            Err(LimitError::Bounds { limit, value, least, most })
        }
    }

    fn kind(&self, value: LimitValue) -> LimitError {
        LimitError::Kind { limit: self.name, value, default: self.default }
    }
}

doorward_core::debug_fields!(Limit { name, default, least, most });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_has_its_row_in_the_documentation() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/limits.md");
        let docs = std::fs::read_to_string(path).unwrap();

        for limit in Limits::ALL {
            let (name, default) = (limit.name(), limit.default());
            let (least, most) = (limit.least(), limit.most());
            let row = format!("| `{name}` | {default} | {least} to {most} |");
            assert!(docs.contains(&row), "docs/limits.md has no row that begins with {row}");
        }
        let rows = docs.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, Limits::ALL.len(), "docs/limits.md has rows that are not limits");
    }

    #[test]
    fn every_limit_reads_and_sets_its_own_field() {
        let defaults = Limits::default();

        assert_eq!(defaults.check(), Ok(()));
        for limit in Limits::ALL {
            let mut changed = Limits::default();
            assert_eq!(limit.get(&defaults), limit.default(), "{}", limit.name());

            for value in [limit.least(), limit.most()] {
                limit.set(&mut changed, value).unwrap();
                assert_eq!(limit.get(&changed), value);
            }

            assert_ne!(changed, defaults, "{}", limit.name());
        }
    }

    #[test]
    fn the_defaults_of_a_link_are_those_of_the_protocol() {
        assert_eq!(
            format!("{:?}", Limits::default().link()),
            format!("{:?}", LinkConfig::default())
        );
    }

    #[test]
    fn limits_that_contradict_each_other_are_both_named() {
        let cases = [
            (
                Limits { max_connect: 200_000, ..Limits::default() },
                "max_connect",
                "max_unauthenticated",
            ),
            (Limits { max_message: 2_000_000, ..Limits::default() }, "max_message", "inbox_bytes"),
            (Limits { sweep_interval: HOUR, ..Limits::default() }, "sweep_interval", "store_grace"),
        ];
        for (limits, less, more) in cases {
            let error = limits.check().unwrap_err().to_string();

            assert!(error.contains(less) && error.contains(more), "{error}");
        }
    }
}
