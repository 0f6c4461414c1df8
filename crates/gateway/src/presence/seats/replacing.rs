//! Table of taken and reserved seats. Decides which sockets are replaced.
//!
//! Each row is one socket that is being admitted, is admitted, or was replaced and has not closed
//! yet. The row is kept until the socket has closed, so that later sockets know for which sockets
//! they must wait. Start reading at [`Table::take`].

use std::collections::HashMap;

use doorward_core::{
    Holder, LinkNumber, NodeId, PerUser, SeatError, SeatRequest, SocketId, UserId,
};

use crate::runtime::metrics;

use ::metrics::Gauge;

/// Rows of all users. A user without rows has no entry.
pub(super) struct Table {
    users: HashMap<UserId, Vec<Row>>,
    /// Number of the next row or of the next taken seat. It only ascends, so it orders them by age.
    next: u64,
    /// Number of all rows. All tables of the process share one gauge, so it is incremented and
    /// decremented but never set.
    count: usize,
    gauge: Gauge,
}

/// Limits on the links of a user, and on the sockets of the user in one namespace.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) links: PerUser,
    pub(super) sockets: PerUser,
}

/// One socket of a user.
struct Row {
    number: u64,
    node: NodeId,
    socket: SocketId,
    link: LinkNumber,
    namespace: Box<str>,
    standing: Standing,
    /// Value of `Table::next` at which the link has taken its seat. `None` until a socket of the
    /// link has taken a seat. The link with the lowest value is replaced first.
    link_since: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// The socket is being admitted.
    Reserved,
    /// The socket has a seat, taken at this value of `Table::next`. It may still wait until
    /// replaced sockets have closed.
    Taken(u64),
    /// The socket was replaced and has not closed yet.
    Lost,
}

impl Table {
    pub(super) fn new() -> Self {
        Self { users: HashMap::new(), next: 0, count: 0, gauge: metrics::seats() }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Adds a row for a socket that is being admitted, and returns the number of the row. Fails
    /// with the holders of the seats if a limit that refuses new connections is reached.
    pub(super) fn reserve(&mut self, request: SeatRequest<'_>) -> Result<u64, SeatError> {
        let SeatRequest { node, user, socket, link, namespace, links, sockets, .. } = request;
        let rows = self.users.entry(user.clone()).or_default();
        // Rows of replaced sockets count as well, until the sockets have closed.
        let others: HashMap<LinkNumber, &NodeId> =
            rows.iter().filter(|row| row.link != link).map(|row| (row.link, &row.node)).collect();
        if is_refused(links, others.len()) {
            let holders = others.into_iter().map(|(link, node)| Holder::new(node.clone(), link));
            return Err(SeatError::Full(holders.collect()));
        }
        let there = || rows.iter().filter(|row| *row.namespace == *namespace);
        if is_refused(sockets, there().count()) {
            let holder =
                |row: &Row| Holder::new(row.node.clone(), row.link).with_socket(row.socket);
            return Err(SeatError::Full(there().map(holder).collect()));
        }
        let of_link = rows.iter().filter(|row| row.link == link && row.standing != Standing::Lost);
        let link_since = of_link.filter_map(|row| row.link_since).min();
        let (number, standing) = (self.next, Standing::Reserved);
        self.next += 1;
        self.count += 1;
        self.gauge.increment(1.0);
        let (node, namespace) = (node.clone(), namespace.into());
        rows.push(Row { number, node, socket, link, namespace, standing, link_since });
        Ok(number)
    }

    /// Takes the seat that row `number` reserves, and replaces older connections where a limit is
    /// exceeded.
    ///
    /// Returns the sockets that must close before the new socket enters. They are replaced now, or
    /// were replaced earlier and have not closed yet. Fails if the row is gone, because the link of
    /// the new socket was replaced in the meantime.
    pub(super) fn take(
        &mut self,
        user: &UserId,
        number: u64,
        limits: Limits,
    ) -> Result<Vec<SocketId>, SeatError> {
        // `make_room` has removed the row, because the link has lost its seat in the meantime.
        let lost = || SeatError::Full(Vec::new());
        let rows = self.users.get_mut(user).ok_or_else(lost)?;
        let own = rows.iter().position(|row| row.number == number).ok_or_else(lost)?;
        let moment = self.next;
        self.next += 1;
        let (link, namespace) = (rows[own].link, rows[own].namespace.clone());
        let mut of_link = rows.iter_mut().filter(|row| row.link == link);
        if of_link.all(|row| row.sitting().is_none()) {
            // A link without a seated socket counts as new, even if it had a seat before.
            for row in rows.iter_mut().filter(|row| row.link == link) {
                row.link_since = Some(moment);
            }
        }
        rows[own].standing = Standing::Taken(moment);
        let before = rows.len();
        make_room(rows, &namespace, limits);
        let gone = before - rows.len();
        // If links are not limited, only sockets of the same namespace block the new one.
        let is_in_the_way = |row: &&Row| {
            let is_counted = limits.links.seats().is_some() || row.namespace == namespace;
            row.standing == Standing::Lost && is_counted
        };
        let in_the_way = rows.iter().filter(is_in_the_way).map(|row| row.socket).collect();
        self.removed(gone);
        Ok(in_the_way)
    }

    /// Removes the row of a socket that has closed, or that was not admitted.
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
    /// Returns the value of `Table::next` at which the socket has taken its seat, or `None` if it
    /// has no seat.
    fn sitting(&self) -> Option<u64> {
        match self.standing {
            Standing::Taken(since) => Some(since),
            Standing::Reserved | Standing::Lost => None,
        }
    }
}

/// Returns `true` if the policy refuses a new connection in addition to `sitting` others. A policy
/// that replaces the oldest connection refuses none.
fn is_refused(policy: PerUser, sitting: usize) -> bool {
    !policy.replaces_oldest() && policy.seats().is_some_and(|seats| sitting >= seats)
}

/// Takes as few seats as needed from the oldest connections, until both limits are met.
// Both limits are applied in one loop. A replaced link frees the seats of all its sockets, and a
// socket that is alone on its link frees the seat of the link. So applying one limit after the
// other could replace more than necessary. Each round takes the seat of one socket or of one link:
// - If only the limit on sockets is exceeded, the oldest socket of the namespace loses its seat.
//   The link of the socket keeps its seat for its other sockets.
// - If both limits are exceeded and the oldest socket is alone on its link, that link loses its
//   seat. Another link may be older, but replacing this one meets both limits with one connection.
// - Otherwise the oldest link loses its seat, and the next round checks which limit is still
//   exceeded.
// Every round takes at least one seat, so the loop ends.
fn make_room(rows: &mut Vec<Row>, namespace: &str, limits: Limits) {
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
            // Replacing this link meets both limits.
            (Some(place), Some(_)) if is_alone(place) => rows[place].link,
            (_, Some(link)) => link,
        };
        // Reservations on the link fail, because `take` does not find their rows.
        rows.retain(|row| row.link != link || row.standing != Standing::Reserved);
        for row in rows.iter_mut().filter(|row| row.link == link) {
            row.standing = Standing::Lost;
        }
    }
}

/// Returns the index of the row of the oldest socket in a namespace, if the namespace has more
/// sockets than the limit. Returns `None` otherwise.
fn one_socket_too_many(rows: &[Row], namespace: &str, policy: PerUser) -> Option<usize> {
    let there = rows.iter().enumerate().filter(|(_, row)| *row.namespace == *namespace);
    let sitting = there.filter_map(|(place, row)| Some((row.sitting()?, place)));
    let is_excess = sitting.clone().count() > policy.seats()?;
    is_excess.then(|| sitting.min()).flatten().map(|(_, place)| place)
}

/// Returns the oldest link, if there are more links than the limit. Returns `None` otherwise.
fn one_link_too_many(rows: &[Row], policy: PerUser) -> Option<LinkNumber> {
    let seats = policy.seats()?;
    let sitting = rows.iter().filter(|row| row.sitting().is_some());
    let links: HashMap<_, _> = sitting.map(|row| (row.link, row.link_since)).collect();
    let oldest = links.iter().min_by_key(|(_, since)| **since);
    oldest.filter(|_| links.len() > seats).map(|(link, _)| *link)
}
