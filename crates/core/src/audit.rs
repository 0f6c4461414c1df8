//! Audit records, one for each decision, and the sink that keeps them.
//!
//! A record contains no credential and no payload of a client. A sink must not write the full
//! address or session id. It writes what [`AuditRecord::peer_prefix`] and
//! [`AuditRecord::session_prefix`] return. Start reading at [`AuditRecord`].

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::SystemTime,
};

use sha2::{Digest, Sha256};

use crate::{
    Action, Anonymous, BoxFuture, DecisionId, DisconnectReason, Fault, Part, RefusalReason,
    SessionId, SocketId, UserId,
};

/// Outcome of a decision.
///
/// # Examples
/// ```
/// use doorward_core::{Decision, RefusalReason};
///
/// assert_eq!(Decision::Refused(RefusalReason::UserUnknown).as_str(), "refused");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// An account was disabled, so its user cannot sign in.
    AccountDisabled,
    /// An account was enabled again.
    AccountEnabled,
    /// An account was removed.
    AccountRemoved,
    /// A socket entered its namespace.
    Admitted,
    /// A link was closed without an answer, before any of its sockets was admitted.
    Closed(RefusalReason),
    /// A connected socket requested an action and was denied.
    Denied(RefusalReason),
    /// A connected socket closed.
    Ended(DisconnectReason),
    /// A socket joined a room of the framework.
    Joined,
    /// Several decisions were counted instead of recorded one by one, because unauthenticated
    /// clients can cause any number of them. The text is the reason of these decisions, or their
    /// outcome if they have no reason. The number is their count.
    LeftOut(&'static str, u64),
    /// A passkey was added to an account.
    PasskeyAdded,
    /// A passkey was removed from an account.
    PasskeyRemoved,
    /// New recovery codes were generated for an account.
    RecoveryCodesMade,
    /// A socket continues with another credential of the same user.
    Refreshed,
    /// A client that asked for admission, or a user who asked to sign in, was rejected.
    Refused(RefusalReason),
    /// A user, a session, a token or a socket was revoked.
    Revoked,
    /// A user signed in and has a session.
    SignedIn,
    /// A user ended their session.
    SignedOut,
    /// A user created an account.
    SignedUp,
    /// No decision was possible, for example because a dependency did not answer. The client will
    /// reconnect.
    Undecided(RefusalReason),
}

impl Decision {
    /// Returns the name of the outcome, without its reason.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccountDisabled => "account_disabled",
            Self::AccountEnabled => "account_enabled",
            Self::AccountRemoved => "account_removed",
            Self::Admitted => "admitted",
            Self::Closed(_) => "closed",
            Self::Denied(_) => "denied",
            Self::Ended(_) => "ended",
            Self::Joined => "joined",
            Self::LeftOut(..) => "left_out",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRemoved => "passkey_removed",
            Self::RecoveryCodesMade => "recovery_codes_made",
            Self::Refreshed => "refreshed",
            Self::Refused(_) => "refused",
            Self::Revoked => "revoked",
            Self::SignedIn => "signed_in",
            Self::SignedOut => "signed_out",
            Self::SignedUp => "signed_up",
            Self::Undecided(_) => "undecided",
        }
    }

    /// Returns the name of the reason; `None` for outcomes without a reason.
    #[must_use]
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Ended(reason) => Some(reason.as_str()),
            Self::Closed(reason)
            | Self::Denied(reason)
            | Self::Refused(reason)
            | Self::Undecided(reason) => Some(reason.as_str()),
            Self::LeftOut(name, _) => Some(name),
            _ => None,
        }
    }

    /// Returns the number of decisions that the record stands for. It is 1, except for
    /// [`LeftOut`](Self::LeftOut).
    #[must_use]
    pub const fn count(self) -> u64 {
        if let Self::LeftOut(_, count) = self { count } else { 1 }
    }
}

/// Record of one decision.
///
/// # Examples
/// ```
/// use doorward_core::AuditRecord;
///
/// fn line(record: &AuditRecord<'_>) -> String {
///     format!("{} {:?}", record.outcome.as_str(), record.user)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct AuditRecord<'a> {
    /// Id of the decision. An answer to the client carries the same id.
    pub id: DecisionId,
    /// Time of the decision.
    pub at: SystemTime,
    /// Outcome of the decision.
    pub outcome: Decision,
    /// Part of the client's input that was at fault, with its problem. `None` if the client was
    /// allowed or no part was at fault.
    pub fault: Option<Fault>,
    /// Action that the client asked for; `None` for decisions without a request, such as a
    /// disconnect.
    pub action: Option<Action<'a>>,
    /// Namespace that the client asked for; `None` if the client has not named a namespace.
    pub namespace: Option<&'a str>,
    /// User of the client; `None` until the client is authenticated.
    pub user: Option<&'a UserId>,
    /// Session of the client; `None` if its credential names no session. A sink writes only
    /// [`AuditRecord::session_prefix`].
    pub session: Option<&'a SessionId>,
    /// Socket of the client; `None` if no socket was created.
    pub socket: Option<SocketId>,
    /// IP address of the client; `None` if it is unknown. A sink writes only
    /// [`AuditRecord::peer_prefix`].
    pub peer: Option<IpAddr>,
}

impl AuditRecord<'_> {
    /// Creates a record with an id, a time and an outcome. All other fields are `None`.
    ///
    /// # Examples
    /// ```
    /// use std::time::SystemTime;
    /// use doorward_core::{AuditRecord, Decision, DecisionId, Entropy, UserId};
    ///
    /// fn joined<'a>(entropy: &dyn Entropy, now: SystemTime, user: &'a UserId) -> AuditRecord<'a> {
    ///     let id = DecisionId::generate(entropy);
    ///     AuditRecord { user: Some(user), ..AuditRecord::new(id, now, Decision::Joined) }
    /// }
    /// ```
    #[must_use]
    pub fn new(id: DecisionId, at: SystemTime, outcome: Decision) -> Self {
        Self {
            id,
            at,
            outcome,
            fault: None,
            action: None,
            namespace: None,
            user: None,
            session: None,
            socket: None,
            peer: None,
        }
    }

    /// Returns the name of the part that was at fault if its kind is `part`, and `None` otherwise.
    ///
    /// A sink with one field for each kind calls this method once for each kind.
    #[must_use]
    pub fn at_fault(&self, part: Part) -> Option<&'static str> {
        self.fault.filter(|fault| fault.part() == part).map(Fault::name)
    }

    /// Returns `true` if clients can cause any number of such records without a valid credential.
    /// These are refusals, denials, and all records of [`Anonymous`](crate::Anonymous) clients.
    ///
    /// A sink may count such records instead of storing each one. A sink that runs out of room
    /// drops these records first.
    #[must_use]
    pub fn is_by_stranger(&self) -> bool {
        // A client needs no valid credential to be refused, or to be anonymous.
        let is_refusal = matches!(
            self.outcome,
            Decision::Closed(_)
                | Decision::Denied(_)
                | Decision::Refused(_)
                | Decision::Undecided(_)
        );
        is_refusal || self.user.is_some_and(|user| user.as_str() == Anonymous::USER)
    }

    /// Returns the client's address, shortened by [`network_prefix`] so that it does not identify a
    /// household. Returns `None` if the address is unknown.
    #[must_use]
    pub fn peer_prefix(&self) -> Option<IpAddr> {
        self.peer.map(network_prefix)
    }

    /// Returns the first 32 bits of the SHA-256 of the session id, in hex. The prefix shows which
    /// records belong together, and cannot be used as a session id. Returns `None` if the record
    /// has no session.
    #[must_use]
    pub fn session_prefix(&self) -> Option<String> {
        let hash: [u8; 32] = Sha256::digest(self.session?.as_str()).into();
        let [a, b, c, d, ..] = hash;
        Some(format!("{:08x}", u32::from_be_bytes([a, b, c, d])))
    }
}

/// Returns `address` without the part that identifies a household.
///
/// Keeps the first 24 bits of an IPv4 address and the first 48 bits of an IPv6 address.
///
/// An IPv4-mapped IPv6 address counts as IPv4.
///
/// # Examples
/// ```
/// let address = "203.0.113.77".parse().expect("it is an address");
/// assert_eq!(doorward_core::network_prefix(address).to_string(), "203.0.113.0");
/// ```
#[must_use]
pub fn network_prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            Ipv4Addr::new(a, b, c, 0).into()
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into()
        }
    }
}

/// Sink that keeps audit records.
///
/// # Examples
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use doorward_core::{Audit, AuditRecord};
///
/// struct Count(AtomicU64);
///
/// impl Audit for Count {
///     fn record(&self, _: &AuditRecord<'_>) { self.0.fetch_add(1, Ordering::Relaxed); }
/// }
/// ```
pub trait Audit: Send + Sync + 'static {
    /// Takes one record. The server calls this method while it handles a connection, so the method
    /// must not block. Move slow work to another thread or task.
    fn record(&self, record: &AuditRecord<'_>);

    /// Returns a future that waits until every record taken so far has been stored or has failed.
    /// Its output is `true` if no record has failed since this method was called. The future of the
    /// default implementation is ready at once. It suits sinks whose `record` stores the record
    /// before it returns.
    ///
    /// To find out if a certain record is stored, call this method first, then
    /// [`record`](Self::record), and await the future last. The output is also `false` if another
    /// record fails in between.
    fn written(&self) -> BoxFuture<'_, bool> {
        Box::pin(std::future::ready(true))
    }

    /// Returns `true` while there is room for records of new clients. While it returns `false`, no
    /// client is admitted and no user is signed in. The remaining room is reserved for records that
    /// must always be kept, such as disconnects and revocations. The default implementation always
    /// returns `true`.
    fn has_room(&self) -> bool {
        true
    }

    /// Returns a future that the server awaits before it admits a client, signs a user in, or
    /// closes the sockets of a revocation. Returns `None`, which is the default, if no decision has
    /// to wait.
    ///
    /// The server calls this method first, passes the record of the decision to
    /// [`record`](Self::record), and then awaits the future, up to a time limit.
    ///
    /// A sink that must store a record before its decision takes effect returns
    /// [`written`](Self::written) here. If the output is `false` or the time limit has passed, the
    /// client is not admitted and the user is not signed in. A revocation takes effect
    /// nevertheless.
    fn kept_first(&self) -> Option<BoxFuture<'_, bool>> {
        None
    }
}

/// Allows several parts of a program to share one sink.
impl<A: Audit + ?Sized> Audit for Arc<A> {
    fn record(&self, record: &AuditRecord<'_>) {
        A::record(self, record);
    }

    fn written(&self) -> BoxFuture<'_, bool> {
        A::written(self)
    }

    fn has_room(&self) -> bool {
        A::has_room(self)
    }

    fn kept_first(&self) -> Option<BoxFuture<'_, bool>> {
        A::kept_first(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Entropy;

    struct Zero;
    impl Entropy for Zero {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    #[test]
    fn a_record_names_the_network_and_not_the_household() {
        let id = DecisionId::generate(&Zero);
        let record = |peer: &str| AuditRecord {
            peer: Some(peer.parse().unwrap()),
            ..AuditRecord::new(id, SystemTime::UNIX_EPOCH, Decision::Admitted)
        };

        let prefix = |peer| record(peer).peer_prefix().unwrap().to_string();

        assert_eq!(prefix("203.0.113.77"), "203.0.113.0");
        assert_eq!(prefix("2001:db8:1:2:3:4:5:6"), "2001:db8:1::");
    }
}
