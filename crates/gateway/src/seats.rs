//! Counts the connections of each user, for one server.
//!
//! A row is one seat: reserved, or taken. Its number grows with every reservation, so that a seat that was
//! given to somebody else is not given back by whoever had it. Whether holders are alive, and that they
//! end, is admission's business. Start reading at [`Table::reserve`].

mod both;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ::metrics::Gauge;
pub(crate) use both::Both;
use doorward_core::{
    BoxFuture, Holder, OnExcess, PerUser, Reservation, Seat, SeatError, SeatRequest, Seats, Taken,
    UserId,
};

use crate::metrics;

/// Seats in memory: exact for one server, and forgotten with it.
///
/// [`Builder::connections`](crate::Builder::connections) makes one.
///
/// # Examples
/// ```
/// use doorward::{MemorySeats, PerUser};
///
/// let seats = MemorySeats::new(PerUser::RefuseNew(2));
/// assert_eq!(seats.taken(), 0);
/// ```
#[derive(Clone)]
pub struct MemorySeats {
    policy: PerUser,
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
    /// Where seats are counted by namespace.
    namespace: Option<Arc<str>>,
    /// Sockets that share it, those that are on their way in included.
    sockets: usize,
    /// When it was taken, by count; `None` while it is only reserved.
    taken: Option<u64>,
}

/// One socket's hold on a row; dropping it gives it back.
struct Hold {
    policy: PerUser,
    table: Arc<Mutex<Table>>,
    user: UserId,
    number: u64,
}

impl MemorySeats {
    /// Counts by this policy.
    #[must_use]
    pub fn new(policy: PerUser) -> Self {
        let table = Table { gauge: Some(metrics::seats()), ..Table::default() };
        Self { policy, table: Arc::new(Mutex::new(table)) }
    }

    /// How many seats are reserved or taken, of all users.
    #[must_use]
    pub fn taken(&self) -> usize {
        lock(&self.table).count
    }
}

impl Seats for MemorySeats {
    fn reserve<'a>(
        &'a self,
        request: SeatRequest<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn Reservation>, SeatError>> {
        let mut table = lock(&self.table);
        let reserved = table.reserve(self.policy, request);
        table.tell_gauge();
        drop(table);
        let hold = reserved.map(|number| {
            let (policy, table) = (self.policy, Arc::clone(&self.table));
            let hold = Hold { policy, table, user: request.user.clone(), number };
            Box::new(hold) as Box<dyn Reservation>
        });
        Box::pin(std::future::ready(hold))
    }
}

impl Table {
    /// Finds or makes a row, and returns its number.
    fn reserve(&mut self, policy: PerUser, request: SeatRequest<'_>) -> Result<u64, SeatError> {
        let SeatRequest { user, socket, link, namespace, .. } = request;
        let by_namespace = policy.is_per_namespace();
        let rows = self.users.entry(user.clone()).or_default();
        if !by_namespace && let Some(row) = rows.iter_mut().find(|row| row.holder.link == link) {
            row.sockets += 1;
            return Ok(row.number);
        }
        let namespace = by_namespace.then_some(namespace);
        let others = || rows.iter().filter(|row| row.namespace.as_deref() == namespace);
        if policy.on_excess() == OnExcess::RefuseNew
            && policy.seats().is_some_and(|seats| others().count() >= seats)
        {
            return Err(SeatError::Taken(others().map(|row| row.holder).collect()));
        }
        let number = self.next;
        self.next += 1;
        self.count += 1;
        let holder = Holder { link, socket: by_namespace.then_some(socket) };
        let namespace = namespace.map(Arc::from);
        rows.push(Row { number, holder, namespace, sockets: 1, taken: None });
        Ok(number)
    }

    /// Takes a reserved row, and returns who has lost theirs by that.
    fn take(
        &mut self,
        policy: PerUser,
        user: &UserId,
        number: u64,
    ) -> Result<Vec<Holder>, SeatError> {
        let moment = self.next;
        self.next += 1;
        // A row that is gone was replaced together with what shared it.
        let lost = || SeatError::Taken(Vec::new());
        let rows = self.users.get_mut(user).ok_or_else(lost)?;
        let row = rows.iter_mut().find(|row| row.number == number).ok_or_else(lost)?;
        row.taken.get_or_insert(moment);
        let namespace = row.namespace.clone();
        let Some(seats) = policy.seats() else { return Ok(Vec::new()) };
        let mut replaced = Vec::new();
        loop {
            let taken = rows.iter().filter(|row| row.namespace == namespace);
            let taken = taken.filter_map(|row| Some((row.taken?, row.number)));
            let (oldest, count) = (taken.clone().min(), taken.count());
            let Some((_, oldest)) = oldest.filter(|_| count > seats) else { break };
            replaced.extend(rows.extract_if(.., |row| row.number == oldest).map(|row| row.holder));
            self.count -= 1;
        }
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

impl Reservation for Hold {
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Taken, SeatError>> {
        let mut table = lock(&self.table);
        let taken = table.take(self.policy, &self.user, self.number);
        table.tell_gauge();
        drop(table);
        Box::pin(std::future::ready(taken.map(|replaced| Taken { seat: self, replaced })))
    }
}

impl Seat for Hold {}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut table = lock(&self.table);
        table.give_back(&self.user, self.number);
        table.tell_gauge();
    }
}

impl fmt::Debug for MemorySeats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySeats").field("policy", &self.policy).finish_non_exhaustive()
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    // Nothing in here panics between two changes that belong together.
    table.lock().unwrap_or_else(PoisonError::into_inner)
}
