//! One record for every decision.

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

/// What was decided.
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
    /// An account was disabled: nobody can sign in to it.
    AccountDisabled,
    /// An account may be used again.
    AccountEnabled,
    /// An account is gone.
    AccountRemoved,
    /// A socket entered its namespace.
    Admitted,
    /// A link was closed before anybody on it was admitted, without an answer.
    Closed(RefusalReason),
    /// Somebody who is in asked for something and was told no.
    Denied(RefusalReason),
    /// A socket ended.
    Ended(DisconnectReason),
    /// A socket entered a room.
    Joined,
    /// So many decisions with this reason (or this outcome, when they have none) were counted and not recorded one
    /// by one: strangers can cause any number of them.
    LeftOut(&'static str, u64),
    /// A passkey was added to an account.
    PasskeyAdded,
    /// A passkey was taken from an account.
    PasskeyRemoved,
    /// An account has new recovery codes.
    RecoveryCodesMade,
    /// A socket goes on with another credential of the same user.
    Refreshed,
    /// A client was told no.
    Refused(RefusalReason),
    /// Somebody who may has ended a user, a session, a token or a socket.
    Revoked,
    /// Somebody proved who they are, and has a session.
    SignedIn,
    /// Somebody ended their session.
    SignedOut,
    /// Somebody made an account.
    SignedUp,
    /// Nothing could be decided; the client will come back.
    Undecided(RefusalReason),
}

impl Decision {
    /// Returns the name of the outcome without its reason.
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

    /// Returns the name of the reason; a yes needs none.
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

    /// Returns how many decisions a record stands for.
    #[must_use]
    pub const fn count(self) -> u64 {
        if let Self::LeftOut(_, count) = self { count } else { 1 }
    }
}

/// One decision.
///
/// # Examples
/// ```
/// use doorward_core::AuditRecord;
///
/// fn line(record: &AuditRecord<'_>) -> String {
///     format!("{} {:?}", record.outcome.as_str(), record.user)
/// }
/// # drop(line);
/// ```
#[derive(Clone, Debug)]
pub struct AuditRecord<'a> {
    /// The id that the client was given too, where it was given one.
    pub id: DecisionId,
    /// When.
    pub at: SystemTime,
    /// What.
    pub outcome: Decision,
    /// Which part of what the client sent was at fault, and how; `None` for a yes, and where it was none of its parts.
    pub fault: Option<Fault>,
    /// What was asked for; `None` for what nobody asked for, such as an end.
    pub action: Option<Action<'a>>,
    /// In which namespace; `None` while the client has not named one.
    pub namespace: Option<&'a str>,
    /// For whom; `None` while nobody knows.
    pub user: Option<&'a UserId>,
    /// Of which session, when one was named. A sink writes [`AuditRecord::session_prefix`].
    pub session: Option<&'a SessionId>,
    /// Which socket; `None` when none came to be.
    pub socket: Option<SocketId>,
    /// From where.
    pub peer: Option<IpAddr>,
}

impl AuditRecord<'_> {
    /// A record that says what was decided and when, and nothing else.
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
    /// # let _ = joined;
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

    /// The name of the part that was at fault, when it is of this kind: a sink that writes named fields writes one
    /// for each kind.
    #[must_use]
    pub fn at_fault(&self, part: Part) -> Option<&'static str> {
        self.fault.filter(|fault| fault.part() == part).map(Fault::name)
    }

    /// Whether strangers can cause such records as often as they like: what was refused, and what
    /// [`Anonymous`](crate::Anonymous) clients do. A sink may count these together, and drops them first.
    #[must_use]
    pub fn is_by_stranger(&self) -> bool {
        let is_refusal = matches!(
            self.outcome,
            Decision::Closed(_)
                | Decision::Denied(_)
                | Decision::Refused(_)
                | Decision::Undecided(_)
        );
        is_refusal || self.user.is_some_and(|user| user.as_str() == Anonymous::USER)
    }

    /// The peer's address without the part that names a household: [`network_prefix`].
    #[must_use]
    pub fn peer_prefix(&self) -> Option<IpAddr> {
        self.peer.map(network_prefix)
    }

    /// The first 32 bits of the SHA-256 of the session's id, in hex: enough to see which records belong
    /// together, and of no other use.
    #[must_use]
    pub fn session_prefix(&self) -> Option<String> {
        let hash: [u8; 32] = Sha256::digest(self.session?.as_str()).into();
        let [a, b, c, d, ..] = hash;
        Some(format!("{:08x}", u32::from_be_bytes([a, b, c, d])))
    }
}

/// Takes from an address the part that names a household: IPv4 to 24 bits, IPv6 to 48.
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

/// Keeps the records.
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
    /// Takes one record. It is called on the path of a connection and must not wait: slow work is for another
    /// thread or task.
    fn record(&self, record: &AuditRecord<'_>);

    /// Completes when every record that was taken before is where it is kept, and says whether all of them are. A
    /// sink that keeps each record at once needs nothing else than this default.
    fn written(&self) -> BoxFuture<'_, bool> {
        Box::pin(std::future::ready(true))
    }

    /// Whether there is room for records of new clients. While there is none, no client is admitted and no user
    /// signed in: what remains is for what has to be recorded in any case, such as ends and revocations.
    fn has_room(&self) -> bool {
        true
    }

    /// A sink that has to keep a record before its decision is acted on returns what
    /// [`written`](Self::written) does: admissions, sign-ins and revocations wait for it then, each within its own
    /// deadline, and a client whose record is not kept does not come in. With `None`, the default, no decision waits.
    fn kept_first(&self) -> Option<BoxFuture<'_, bool>> {
        None
    }
}

/// A sink that several parts of a program share.
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
