//! Counts the connections of each user, for one server.
//!
//! A row is one seat, reserved or taken: of a link, or of a socket in a namespace. Its number grows with every
//! reservation, so that a seat that was given to somebody else is not given back by whoever had it. Whether
//! holders are alive, and that they end, is admission's business. Start reading at [`Table::reserve`].

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ::metrics::Gauge;
use doorward_core::{
    BoxFuture, Holder, OnExcess, PerUser, Reservation, Seat, SeatError, SeatLimits, SeatRequest,
    Seats, Taken, Unlimited, UserId,
};

use crate::metrics;

/// Seats in memory: exact for one server, and forgotten with it. Clones count together.
///
/// It is what a builder has that was not given [others](crate::Builder::seats).
///
/// # Examples
/// ```
/// let seats = doorward::MemorySeats::new();
/// assert_eq!(seats.taken(), 0);
/// ```
#[derive(Clone)]
pub struct MemorySeats {
    /// Protects the table; held for one decision.
    table: Arc<Mutex<Table>>,
}

#[derive(Default)]
struct Table {
    users: HashMap<UserId, Vec<Row>>,
    next: u64,
    /// Rows of all users.
    count: usize,
    /// What the gauge, which all tables of the process share, was told of this one.
    told: usize,
    gauge: Option<Gauge>,
}

/// One seat of a user.
struct Row {
    number: u64,
    holder: Holder,
    /// Where its socket is; `None` for the seat of a link.
    namespace: Option<Arc<str>>,
    /// Sockets that share it, those that are on their way in included.
    sockets: usize,
    /// When it was taken, by count; `None` while it is only reserved.
    taken: Option<u64>,
}

/// The seats of one socket, by number.
#[derive(Clone, Copy)]
struct Numbers {
    link: Option<u64>,
    socket: Option<u64>,
}

/// One socket's hold on its rows; dropping it gives them back.
struct Hold {
    table: Arc<Mutex<Table>>,
    user: UserId,
    limits: SeatLimits,
    numbers: Numbers,
}

impl MemorySeats {
    /// Makes seats on which nobody sits.
    #[must_use]
    pub fn new() -> Self {
        let table = Table { gauge: Some(metrics::seats()), ..Table::default() };
        Self { table: Arc::new(Mutex::new(table)) }
    }

    /// How many seats are reserved or taken, of all users: those of links, and those of sockets in namespaces
    /// that have a policy of their own.
    #[must_use]
    pub fn taken(&self) -> usize {
        lock(&self.table).count
    }
}

impl Default for MemorySeats {
    fn default() -> Self {
        Self::new()
    }
}

impl Seats for MemorySeats {
    fn reserve<'a>(
        &'a self,
        request: SeatRequest<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn Reservation>, SeatError>> {
        Box::pin(std::future::ready(self.reserve_now(request)))
    }
}

impl MemorySeats {
    fn reserve_now(&self, request: SeatRequest<'_>) -> Result<Box<dyn Reservation>, SeatError> {
        let SeatRequest { user, limits, .. } = request;
        if limits.is_unlimited() {
            return Ok(Box::new(Unlimited));
        }
        let mut table = lock(&self.table);
        let numbers = table.reserve(request)?;
        table.tell_gauge();
        drop(table);
        let table = Arc::clone(&self.table);
        Ok(Box::new(Hold { table, user: user.clone(), limits, numbers }))
    }
}

impl Table {
    /// Finds or makes the rows of a socket. Either both of its seats are free, or nothing changes.
    fn reserve(&mut self, request: SeatRequest<'_>) -> Result<Numbers, SeatError> {
        let SeatRequest { user, socket, link, namespace, limits, .. } = request;
        let rows = self.users.entry(user.clone()).or_default();
        let of_link = Holder { link, socket: None };
        let shared = rows.iter().position(|row| row.holder == of_link);
        if shared.is_none() {
            check(rows, None, limits.links)?;
        }
        check(rows, Some(namespace), limits.sockets)?;

        let mut add = |rows: &mut Vec<Row>, holder, namespace| {
            let number = self.next;
            self.next += 1;
            self.count += 1;
            rows.push(Row { number, holder, namespace, sockets: 1, taken: None });
            number
        };
        let of_socket = Holder { link, socket: Some(socket) };
        let is_counted = limits.sockets.seats().is_some();
        let socket = is_counted.then(|| add(rows, of_socket, Some(namespace.into())));
        let link = limits.links.seats().map(|_| match shared {
            None => add(rows, of_link, None),
            Some(place) => {
                rows[place].sockets += 1;
                rows[place].number
            }
        });
        Ok(Numbers { link, socket })
    }

    /// Takes the reserved rows of a socket, and returns who has lost theirs by that.
    fn take(
        &mut self,
        user: &UserId,
        limits: SeatLimits,
        numbers: Numbers,
    ) -> Result<Vec<Holder>, SeatError> {
        // A row that is gone was replaced together with what shared it.
        let lost = || SeatError::Taken(Vec::new());
        let rows = self.users.get_mut(user).ok_or_else(lost)?;
        let find = |number: Option<u64>| {
            let place = |number| rows.iter().position(|row| row.number == number);
            number.map(|number| place(number).ok_or_else(lost)).transpose()
        };
        let (link, socket) = (find(numbers.link)?, find(numbers.socket)?);
        for place in [link, socket].into_iter().flatten() {
            rows[place].taken.get_or_insert(self.next);
            self.next += 1;
        }
        let namespace = socket.and_then(|place| rows[place].namespace.clone());
        let before = rows.len();
        let mut replaced = Vec::new();
        while let Some(oldest) = one_too_many(rows, None, limits.links) {
            replaced.push(oldest);
            // Its sockets end with it: they have no other seats to lose.
            rows.retain(|row| row.holder.link != oldest.link);
        }
        while let Some(oldest) = one_too_many(rows, namespace.as_deref(), limits.sockets) {
            replaced.push(oldest);
            rows.retain(|row| row.holder != oldest);
        }
        self.count -= before - rows.len();
        Ok(replaced)
    }

    fn tell_gauge(&mut self) {
        if let Some(gauge) = &self.gauge {
            #[expect(clippy::cast_precision_loss, reason = "it is exact up to 2^53")]
            gauge.increment(self.count as f64 - self.told as f64);
            self.told = self.count;
        }
    }

    fn give_back(&mut self, user: &UserId, number: u64) {
        let Some(rows) = self.users.get_mut(user) else { return };
        let Some(place) = rows.iter().position(|row| row.number == number) else { return };
        rows[place].sockets -= 1;
        if rows[place].sockets == 0 {
            rows.remove(place);
            self.count -= 1;
        }
        if rows.is_empty() {
            self.users.remove(user);
        }
    }
}

/// The rows that one policy counts.
fn counted<'a>(rows: &'a [Row], namespace: Option<&str>) -> impl Iterator<Item = &'a Row> {
    rows.iter().filter(move |row| row.namespace.as_deref() == namespace)
}

/// Whether one more may have a seat. Where the oldest is replaced there always is one.
fn check(rows: &[Row], namespace: Option<&str>, policy: PerUser) -> Result<(), SeatError> {
    let Some(seats) = policy.seats() else { return Ok(()) };
    let is_full = counted(rows, namespace).count() >= seats;
    if is_full && policy.on_excess() == OnExcess::RefuseNew {
        return Err(SeatError::Taken(counted(rows, namespace).map(|row| row.holder).collect()));
    }
    Ok(())
}

/// The oldest of those who sit, when they are too many.
fn one_too_many(rows: &[Row], namespace: Option<&str>, policy: PerUser) -> Option<Holder> {
    let sitting = || counted(rows, namespace).filter_map(|row| Some((row.taken?, row.holder)));
    let is_excess = sitting().count() > policy.seats()?;
    is_excess.then(|| sitting().min_by_key(|(taken, _)| *taken)).flatten().map(|(_, who)| who)
}

impl Reservation for Hold {
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Taken, SeatError>> {
        let mut table = lock(&self.table);
        let taken = table.take(&self.user, self.limits, self.numbers);
        table.tell_gauge();
        drop(table);
        Box::pin(std::future::ready(taken.map(|replaced| Taken { seat: self, replaced })))
    }
}

impl Seat for Hold {}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut table = lock(&self.table);
        for number in [self.numbers.link, self.numbers.socket].into_iter().flatten() {
            table.give_back(&self.user, number);
        }
        table.tell_gauge();
    }
}

impl fmt::Debug for MemorySeats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySeats").field("taken", &self.taken()).finish_non_exhaustive()
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    // Nothing in here panics between two changes that belong together.
    table.lock().unwrap_or_else(PoisonError::into_inner)
}
