//! Every bound of a server, in one place.
//!
//! A line of the table is a field of [`Limits`], its default, and the least and most that it may be.

pub(crate) mod addresses;
pub(crate) mod attempts;
pub(crate) mod budget;
pub(crate) mod capacity;
pub(crate) mod value;

use std::{fmt, time::Duration};

use doorward_protocol::LinkConfig;

use crate::limits::value::{LimitError, LimitValue};

/// Declares [`Limits`] and what is known of each of its fields.
macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $type:ident = $default:expr, $least:expr => $most:expr;)+) => {
        /// What a server takes and how long it waits. Sizes are bytes.
        ///
        /// [`Limits::ALL`] names every field with its bounds; [`Builder::build`](crate::Builder::build) refuses
        /// what is outside of them.
        ///
        /// # Examples
        /// ```
        /// use std::time::Duration;
        /// use doorward::Limits;
        ///
        /// let limits = Limits { handler_timeout: Duration::from_secs(5), ..Limits::default() };
        /// assert_eq!(limits.max_message, 64 * 1024);
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Limits {
            $($(#[$doc])* pub $name: $type,)+
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl Limits {
            /// Every limit, for programs that read them from a file of their own.
            ///
            /// # Examples
            /// ```
            /// use doorward::{LimitValue, Limits};
            ///
            /// let mut limits = Limits::default();
            /// let limit = Limits::ALL.iter().find(|limit| limit.name() == "max_rooms").expect("it is one");
            /// limit.set(&mut limits, LimitValue::Count(500))?;
            ///
            /// assert_eq!(limits.max_rooms, 500);
            /// assert!(limit.set(&mut limits, LimitValue::Count(0)).is_err());
            /// # Ok::<_, doorward::LimitError>(())
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
    /// Time from the opening of a link, or from a pong, to the next ping: 25 s.
    ping_interval: Duration = Duration::from_secs(25), TENTH => HOUR;
    /// Time that a pong may take: 20 s.
    ping_timeout: Duration = Duration::from_secs(20), TENTH => HOUR;
    /// Time a link has until its CONNECT arrives: 5 s.
    connect_timeout: Duration = Duration::from_secs(5), TENTH => HOUR;
    /// Time the admission of one CONNECT may take: 5 s. Then nothing was decided, the transport ends
    /// and the client tries again.
    admission_timeout: Duration = Duration::from_secs(5), TENTH => HOUR;
    /// Time the headers of an HTTP request may take: 10 s.
    header_timeout: Duration = Duration::from_secs(10), TENTH => HOUR;
    /// Time from the headers of an HTTP request to its whole body and the beginning of its answer: 30 s.
    /// Then the connection ends, and the application's work on the request is dropped.
    request_timeout: Duration = Duration::from_secs(30), TENTH => DAY;
    /// Time a handler may take: 30 s. Then the client reads `timeout` and the handler is dropped.
    handler_timeout: Duration = Duration::from_secs(30), TENTH => DAY;
    /// Time a guard, or the policy of a room, may take to answer: 3 s. Then the answer is no;
    /// about a connection nothing was decided, and the client tries again.
    guard_timeout: Duration = Duration::from_secs(3), TENTH => HOUR;
    /// Time a client may take to answer what it is asked: 20 s.
    ack_timeout: Duration = Duration::from_secs(20), TENTH => DAY;
    /// Time the attachments of a binary message may take to arrive behind it: 10 s.
    attachments_timeout: Duration = Duration::from_secs(10), TENTH => HOUR;
    /// Time for which nothing can be written to a client, because it does not read what the operating
    /// system already holds for it: 10 s. Then its link, or its HTTP connection, ends.
    write_stall: Duration = Duration::from_secs(10), TENTH => HOUR;
    /// Time an anonymous socket may live: 6 min.
    anonymous_lifetime: Duration = Duration::from_mins(6), TENTH => YEAR;
    /// Time by which a client is told ahead that its credential or session ends: 60 s, and at most a quarter
    /// of the time that was left when it was shown.
    expiry_notice: Duration = Duration::from_secs(60), TENTH => DAY;
    /// Time between two looks whether those who are here may still be: 10 s.
    sweep_interval: Duration = Duration::from_secs(10), TENTH => HOUR;
    /// Time for which sockets go on while the store does not answer that knows who may be here: 30 s.
    store_grace: Duration = Duration::from_secs(30), TENTH => DAY;
    /// Time for which links may say goodbye when the server stops: 2 s.
    shutdown_grace: Duration = Duration::from_secs(2), TENTH => HOUR;
    /// A message of a known client: 64 KiB.
    max_message: usize = 64 * KIB, KIB => 64 * KIB * KIB;
    /// A message of anybody else, a CONNECT with its token: 16 KiB.
    max_connect: usize = 16 * KIB, KIB => KIB * KIB;
    /// All bytes of a client before it is known: 64 KiB.
    max_unauthenticated: usize = 64 * KIB, KIB => 64 * KIB * KIB;
    /// Refused CONNECTs on one link: 3.
    max_refusals: usize = 3, 1 => 1_000;
    /// Guesses of one address in a minute, such as forged tokens: 100, and a fifth of it for pages of other
    /// hosts. Then only credentials that are genuine by themselves, such as signed tokens, are looked at
    /// ([`Authenticator::recognise`](crate::Authenticator::recognise)). An IPv6 address counts by its first 64
    /// bits; one that is not known is not counted.
    max_address_refusals: u32 = 100, 1 => UNCOUNTED;
    /// Attempts of one user in a minute, whether they are let in or not: 240.
    max_user_attempts: u32 = 240, 1 => UNCOUNTED;
    /// Links of one address on which no client is known: 100, and half as many that pages of other hosts have
    /// opened. An IPv6 address counts by its first 64 bits; known clients do not count, because offices share an address.
    max_unauthenticated_links: usize = 100, 1 => MANY;
    /// Namespaces on one link: 20.
    max_namespaces: usize = 20, 1 => 1_000;
    /// Events of an anonymous socket: 20.
    max_anonymous_events: u32 = 20, 1 => 1_000_000;
    /// Binary attachments of one message: 10. They count as part of it.
    max_attachments: usize = 10, 0 => 1_000;
    /// Arrays and objects inside each other: 32.
    max_depth: usize = 32, 4 => 100;
    /// The name of an event: 128.
    max_event_name: usize = 128, 32 => 4 * KIB;
    /// Rooms that one socket is in: 128.
    max_rooms: usize = 128, 1 => MANY;
    /// Streams that run for one socket: 16.
    max_streams: usize = 16, 1 => 10_000;
    /// Questions to one client that wait for its answer: 64.
    open_acks: usize = 64, 1 => 100_000;
    /// Events of a socket that wait for the one before them: 64. Then the link is not read; if the
    /// server waits for an answer of the client it is read on, and ends above twice as many.
    inbox: usize = 64, 1 => 100_000;
    /// Bytes of all events of a link that wait, whichever socket they are for: 1 MiB. Then likewise.
    inbox_bytes: usize = KIB * KIB, KIB => KIB * KIB * KIB;
    /// Handlers that may come to their end after their sockets have ended: 1,024, and 8 of one link.
    /// Those beyond are dropped when their socket ends.
    afterwards: usize = 1024, 0 => MANY;
    /// Connections of the server, links included: 1,000,000. Those beyond wait until one has ended. Set it
    /// below the number of descriptors that the process may have, so that some are left for everything else.
    max_connections: usize = 1_000_000, 1 => 100_000_000;
    /// Connections of one address that are no links yet: 256. Those beyond are closed at once. Behind a
    /// trusted proxy requests of one client: those beyond are answered with 429.
    max_http_connections: usize = 256, 1 => MANY;
    /// Connections of one trusted proxy that are no links yet: 10,000. Those beyond are closed at once.
    max_proxy_connections: usize = 10_000, 1 => MANY;
    /// Bytes a second at which the body of a request must arrive while it is waited for: 500, once it was
    /// waited for 10 s. Then as at `request_timeout`.
    min_body_rate: usize = 500, 1 => KIB * KIB * KIB;
    /// What waits to be sent on a link: 1 MiB. Then the link ends; from a quarter on it is not read.
    outbox: usize = KIB * KIB, 4 * KIB => KIB * KIB * KIB;
}

impl Limits {
    /// Checks every limit against its bounds, and those that belong together against each other.
    ///
    /// # Errors
    /// [`LimitError`] names the first limit that cannot be, and what it may be.
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
        // A CONNECT could never be as large as it may be.
        at_most!(max_connect, max_unauthenticated);
        // The CONNECT of a second namespace could be too long on a link that a longer one has opened.
        at_most!(max_connect, max_message);
        // An event could never be as large as it may be.
        at_most!(max_message, inbox_bytes);
        // The first question without an answer would be the last.
        at_most!(sweep_interval, store_grace);
        Ok(())
    }

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

const TENTH: Duration = Duration::from_millis(100);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const YEAR: Duration = Duration::from_hours(365 * 24);

const KIB: usize = 1024;

/// More than any server has of it.
const MANY: usize = 1_000_000;

/// More than ever come in a minute: a budget that is never used up.
const UNCOUNTED: u32 = 1_000_000_000;

/// One field of [`Limits`]; see [`Limits::ALL`].
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
    /// `None` when the field holds a value of the other kind.
    pub(super) set: fn(&mut Limits, LimitValue) -> Option<()>,
}

impl Limit {
    /// The name of the field.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What it is unless it is set.
    #[must_use]
    pub const fn default(&self) -> LimitValue {
        self.default
    }

    /// The least that it may be.
    #[must_use]
    pub const fn least(&self) -> LimitValue {
        self.least
    }

    /// The most that it may be.
    #[must_use]
    pub const fn most(&self) -> LimitValue {
        self.most
    }

    /// Returns what it is in `limits`.
    #[must_use]
    pub fn get(&self, limits: &Limits) -> LimitValue {
        (self.get)(limits)
    }

    /// Sets it in `limits`.
    ///
    /// # Errors
    /// [`LimitError`] when it cannot be that; then `limits` is as it was.
    pub fn set(&self, limits: &mut Limits, value: LimitValue) -> Result<(), LimitError> {
        self.check(value)?;
        (self.set)(limits, value).ok_or_else(|| self.kind(value))
    }

    /// Checks whether it may be `value`.
    ///
    /// # Errors
    /// [`LimitError`] says what it may be.
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

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit")
            .field("name", &self.name)
            .field("default", &self.default)
            .field("least", &self.least)
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

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
        assert_eq!(rows, Limits::ALL.len(), "docs/limits.md has rows for what is no limit");
    }

    #[test]
    fn the_table_is_the_struct() {
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
