//! Log, members and results of a cluster in memory.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use doorward_core::{
    RevocationState, Seat, SocketId,
    cluster::{
        Answer, Joined, LEASE, LEASE_MARGIN, LogEntry, Member, OWNED, Order, Outcome, Owned,
        Position, Receipt, Renewed, SETTLED_AFTER,
    },
};

/// Everything that the nodes share.
#[derive(Default)]
pub(super) struct State {
    log: u64,
    last: Position,
    entries: Vec<(Instant, LogEntry)>,
    members: BTreeMap<Member, Lease>,
    outcomes: HashMap<(Position, Member), Outcome>,
    /// Time until which members of before a loss may still serve clients.
    unknown_until: Option<Instant>,
    /// Owners of names, with the end of each ownership.
    owners: HashMap<String, (Owned, Instant)>,
    last_ownership: u64,
    /// Committed seats, with the member that holds each.
    pub(super) seats: HashMap<SocketId, (Member, Box<dyn Seat>)>,
}

struct Lease {
    until: Instant,
    read: Position,
}

impl State {
    /// `before` is the earlier member of the same process, which serves no clients any more.
    pub(super) fn join(&mut self, member: Member, before: Option<&Member>, now: Instant) -> Joined {
        self.remove(|other| Some(other) == before);
        let lease = Lease { until: now + LEASE, read: self.last };
        self.members.insert(member, lease);
        Joined { log: self.name(), position: self.last, members: self.members() }
    }

    pub(super) fn renew(
        &mut self,
        member: &Member,
        read: Position,
        now: Instant,
    ) -> Option<Renewed> {
        let oldest = self.entries.iter().find(|(_, entry)| entry.position > read);
        if read > self.last || (read < self.last && oldest.is_none()) {
            return None;
        }
        let until = oldest.map_or(now, |(at, _)| *at) + LEASE;
        let lease = self.members.get_mut(member).filter(|lease| lease.until > now)?;
        (lease.until, lease.read) = (until, read);
        Some(Renewed { lease: until.saturating_duration_since(now), members: self.members() })
    }

    pub(super) fn orders(&self, after: Position) -> Vec<LogEntry> {
        let behind = self.entries.iter().filter(|(_, entry)| entry.position > after);
        behind.map(|(_, entry)| entry.clone()).collect()
    }

    pub(super) fn confirm(
        &mut self,
        member: &Member,
        read: Position,
        outcomes: &[(Position, Outcome)],
    ) {
        let Some(lease) = self.members.get_mut(member) else { return };
        lease.read = lease.read.max(read);
        let outcomes = outcomes.iter().map(|(at, outcome)| ((*at, member.clone()), *outcome));
        self.outcomes.extend(outcomes);
    }

    pub(super) fn append(&mut self, order: Order, state: RevocationState, now: Instant) -> Receipt {
        self.last = self.last.next();
        self.entries.push((now, LogEntry { position: self.last, order, state }));
        let unknown_for =
            self.unknown_until.map_or(Duration::ZERO, |it| it.saturating_duration_since(now));
        Receipt { position: self.last, log: self.name(), members: self.members(), unknown_for }
    }

    pub(super) fn answers(&self, receipt: &Receipt) -> Vec<(Member, Answer)> {
        let answer = |member: &Member| {
            let key = (receipt.position, member.clone());
            match self.members.get(member) {
                _ if receipt.log != self.name() => Answer::Waiting,
                None => Answer::Lapsed,
                Some(lease) if lease.read < receipt.position => Answer::Waiting,
                Some(_) => Answer::Done(self.outcomes.get(&key).copied().unwrap_or_default()),
            }
        };
        receipt.members.iter().map(|member| (member.clone(), answer(member))).collect()
    }

    pub(super) fn stuck(&self) -> usize {
        self.outcomes.values().filter(|outcome| !outcome.is_complete()).count()
    }

    pub(super) fn own(&mut self, member: &Member, name: String, now: Instant) -> Option<Owned> {
        let may_be_owned = self.unknown_until.is_some_and(|it| now + SETTLED_AFTER < it + OWNED);
        if !self.members.contains_key(member) || may_be_owned {
            return None;
        }
        if let Some(owned) = self.owned(&name, now).filter(|owned| owned.owner != *member) {
            return Some(owned);
        }
        self.last_ownership += 1;
        let owned = Owned { owner: member.clone(), number: self.last_ownership };
        self.owners.insert(name, (owned.clone(), now + OWNED));
        Some(owned)
    }

    pub(super) fn keep(&mut self, member: &Member, name: &str, now: Instant) -> Option<Owned> {
        let owned = self.owned(name, now).filter(|owned| owned.owner == *member)?;
        self.owners.insert(name.to_owned(), (owned.clone(), now + OWNED));
        Some(owned)
    }

    fn owned(&self, name: &str, now: Instant) -> Option<Owned> {
        let (owned, until) = self.owners.get(name)?;
        (*until > now && self.members.contains_key(&owned.owner)).then(|| owned.clone())
    }

    pub(super) fn disown(&mut self, owned: &Owned, name: &str) {
        if self.owners.get(name).is_some_and(|(current, _)| current == owned) {
            self.owners.remove(name);
        }
    }

    pub(super) fn leave(&mut self, member: &Member) {
        self.remove(|other| other == member);
    }

    pub(super) fn members(&self) -> Vec<Member> {
        self.members.keys().cloned().collect()
    }

    /// Removes the members whose lease has ended long enough ago, with their seats.
    pub(super) fn forget_lapsed(&mut self, now: Instant) {
        let is_over = |lease: &Lease| lease.until + LEASE_MARGIN <= now;
        let gone: Vec<_> = self.members.iter().filter(|(_, lease)| is_over(lease)).collect();
        let gone: Vec<_> = gone.into_iter().map(|(member, _)| member.clone()).collect();
        self.remove(|member| gone.contains(member));
    }

    pub(super) fn lose_orders(&mut self) {
        self.entries.clear();
    }

    pub(super) fn lose_everything(&mut self, now: Instant) {
        self.unknown_until = Some(now + SETTLED_AFTER);
        self.remove(|_| true);
        self.owners.clear();
        self.entries.clear();
        (self.last, self.log) = (Position::START, self.log + 1);
    }

    fn remove(&mut self, is_gone: impl Fn(&Member) -> bool) {
        self.members.retain(|member, _| !is_gone(member));
        self.seats.retain(|_, (member, _)| !is_gone(member));
    }

    fn name(&self) -> Arc<str> {
        self.log.to_string().into()
    }
}
