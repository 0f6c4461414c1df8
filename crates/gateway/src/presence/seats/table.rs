//! Who sits, who waits for a seat, and who has to go.
//!
//! A row is one socket: on its way in, in, or on its way out because somebody else has its seat. It stays until
//! the socket has ended, so that whoever comes next knows whom to wait for. Start reading at [`Table::take`].

use std::collections::{HashMap, HashSet};

use doorward_core::{
    Holder, LinkId, OnExcess, PerUser, SeatError, SeatLimits, SeatRequest, SocketId, UserId,
};

use crate::runtime::metrics;

use ::metrics::Gauge;

/// The sockets of all users.
pub(super) struct Table {
    users: HashMap<UserId, Vec<Row>>,
    next: u64,
    /// Rows of all users. The gauge, which all tables of the process share, is told of each.
    count: usize,
    gauge: Gauge,
}

/// One socket of a user.
struct Row {
    number: u64,
    socket: SocketId,
    link: LinkId,
    namespace: Box<str>,
    standing: Standing,
    /// When the first of the sockets that sit on the link has sat down there, by count.
    link_since: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It is on its way in.
    Reserved,
    /// It is in, or waits for the end of others only. Since when, by count.
    Taken(u64),
    /// It is on its way out: another one has its seat.
    Lost,
}

impl Table {
    pub(super) fn new() -> Self {
        Self { users: HashMap::new(), next: 0, count: 0, gauge: metrics::seats() }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Makes a row, unless somebody has to be refused.
    pub(super) fn reserve(&mut self, request: SeatRequest<'_>) -> Result<u64, SeatError> {
        let SeatRequest { user, socket, link, namespace, limits, .. } = request;
        let rows = self.users.entry(user.clone()).or_default();
        // Who is on their way out sits there still.
        let others: HashSet<LinkId> =
            rows.iter().map(|row| row.link).filter(|other| *other != link).collect();
        if is_refused(limits.links, others.len()) {
            let holders = others.into_iter().map(|link| Holder { link, socket: None });
            return Err(SeatError::Taken(holders.collect()));
        }
        let there = || rows.iter().filter(|row| *row.namespace == *namespace);
        if is_refused(limits.sockets, there().count()) {
            let holder = |row: &Row| Holder { link: row.link, socket: Some(row.socket) };
            return Err(SeatError::Taken(there().map(holder).collect()));
        }
        let of_link = rows.iter().filter(|row| row.link == link && row.standing != Standing::Lost);
        let link_since = of_link.filter_map(|row| row.link_since).min();
        let (number, standing) = (self.next, Standing::Reserved);
        self.next += 1;
        self.count += 1;
        self.gauge.increment(1.0);
        rows.push(Row { number, socket, link, namespace: namespace.into(), standing, link_since });
        Ok(number)
    }

    /// Takes a reserved seat, from somebody else if need be, and returns everybody who has to end first: also
    /// those who have lost their seats to others and are not gone yet.
    pub(super) fn take(
        &mut self,
        user: &UserId,
        number: u64,
        limits: SeatLimits,
    ) -> Result<Vec<SocketId>, SeatError> {
        // A row that is gone was on a link that has lost its seat.
        let lost = || SeatError::Taken(Vec::new());
        let rows = self.users.get_mut(user).ok_or_else(lost)?;
        let own = rows.iter().position(|row| row.number == number).ok_or_else(lost)?;
        let moment = self.next;
        self.next += 1;
        let (link, namespace) = (rows[own].link, rows[own].namespace.clone());
        let mut of_link = rows.iter_mut().filter(|row| row.link == link);
        if of_link.all(|row| row.sitting().is_none()) {
            // A link on which nobody has sat meanwhile is a new one.
            for row in rows.iter_mut().filter(|row| row.link == link) {
                row.link_since = Some(moment);
            }
        }
        rows[own].standing = Standing::Taken(moment);
        let before = rows.len();
        make_room(rows, &namespace, limits);
        let gone = before - rows.len();
        // Where links do not count, only those in the same namespace are in the way.
        let is_in_the_way = |row: &&Row| {
            let is_counted = limits.links.seats().is_some() || row.namespace == namespace;
            row.standing == Standing::Lost && is_counted
        };
        let in_the_way = rows.iter().filter(is_in_the_way).map(|row| row.socket).collect();
        self.removed(gone);
        Ok(in_the_way)
    }

    /// The socket has ended, or does not come.
    pub(super) fn give_back(&mut self, user: &UserId, number: u64) {
        let Some(rows) = self.users.get_mut(user) else { return };
        let Some(place) = rows.iter().position(|row| row.number == number) else { return };
        rows.remove(place);
        if rows.is_empty() {
            self.users.remove(user);
        }
        self.removed(1);
    }

    fn removed(&mut self, rows: usize) {
        self.count -= rows;
        #[expect(clippy::cast_precision_loss, reason = "it is exact up to 2^53")]
        self.gauge.decrement(rows as f64);
    }
}

impl Row {
    /// Since when, by count, it sits there.
    fn sitting(&self) -> Option<u64> {
        match self.standing {
            Standing::Taken(since) => Some(since),
            Standing::Reserved | Standing::Lost => None,
        }
    }
}

/// Whether one more is refused where so many sit.
fn is_refused(policy: PerUser, sitting: usize) -> bool {
    policy.on_excess() == OnExcess::RefuseNew
        && policy.seats().is_some_and(|seats| sitting >= seats)
}

/// Lets the oldest lose their seats until both limits hold, and nobody whose seat need not be lost.
fn make_room(rows: &mut Vec<Row>, namespace: &str, limits: SeatLimits) {
    loop {
        let socket = one_socket_too_many(rows, namespace, limits.sockets);
        let link = one_link_too_many(rows, limits.links);
        let is_alone = |place: usize| {
            let of_link = rows.iter().filter(|row| row.link == rows[place].link);
            of_link.filter_map(Row::sitting).count() == 1
        };
        let link = match (socket, link) {
            (None, None) => return,
            (Some(place), None) => {
                rows[place].standing = Standing::Lost;
                continue;
            }
            // With a link that has nothing else, both limits are served.
            (Some(place), Some(_)) if is_alone(place) => rows[place].link,
            (_, Some(link)) => link,
        };
        // Whoever is on their way in there does not arrive.
        rows.retain(|row| row.link != link || row.standing != Standing::Reserved);
        for row in rows.iter_mut().filter(|row| row.link == link) {
            row.standing = Standing::Lost;
        }
    }
}

/// The place of the oldest socket in a namespace, if there are too many.
fn one_socket_too_many(rows: &[Row], namespace: &str, policy: PerUser) -> Option<usize> {
    let there = rows.iter().enumerate().filter(|(_, row)| *row.namespace == *namespace);
    let sitting = there.filter_map(|(place, row)| Some((row.sitting()?, place)));
    let is_excess = sitting.clone().count() > policy.seats()?;
    is_excess.then(|| sitting.min()).flatten().map(|(_, place)| place)
}

/// The oldest link, if there are too many.
fn one_link_too_many(rows: &[Row], policy: PerUser) -> Option<LinkId> {
    let seats = policy.seats()?;
    let sitting = rows.iter().filter(|row| row.sitting().is_some());
    let links: HashMap<_, _> = sitting.map(|row| (row.link, row.link_since)).collect();
    let oldest = links.iter().min_by_key(|(_, since)| **since);
    oldest.filter(|_| links.len() > seats).map(|(link, _)| *link)
}
