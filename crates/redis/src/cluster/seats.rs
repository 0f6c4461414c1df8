//! Seats of the users on all nodes, as a hash for each user. The scripts decide; this file calls them.
//!
//! A row belongs to the member that holds its socket, and is dropped when that member is gone. A seat whose release
//! has failed is released again after the next renewal of the lease. Start reading at [`RedisSeats`].

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use doorward_core::{
    BoxFuture, Holder, LinkNumber, NodeId, PerUser, Reservation, Seat, SeatError, SeatRequest,
    SeatStore, Seated, SocketId, StoreError, Unlimited, lock,
};
use futures_util::future::join_all;
use tokio::time;

use super::parse::member;
use crate::{
    RedisStore,
    link::{Call, MARGIN, unreadable},
    time::duration_to_millis,
};

/// Seats of all nodes, as one node uses them.
pub(super) struct RedisSeats {
    store: RedisStore,
    node: NodeId,
    /// Itself, for the rows.
    own: std::sync::Weak<Self>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Name of the current member. Empty before the node has joined.
    member: String,
    /// Rows of sockets that have closed, and that are not released yet.
    owed: HashSet<Row>,
    /// `true` while a task releases them.
    is_draining: bool,
}

/// Row of one socket.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Row {
    /// Key of the seats of the user.
    key: String,
    socket: SocketId,
    member: String,
}

/// Row that is released when it is dropped.
struct Hold {
    seats: Arc<RedisSeats>,
    row: Row,
    links: PerUser,
    sockets: PerUser,
    /// `true` if the server may have the row.
    is_made: bool,
}

type SeatFuture<'a, T> = BoxFuture<'a, Result<T, SeatError>>;

impl RedisSeats {
    pub(super) fn new(store: &RedisStore, node: &NodeId) -> Arc<Self> {
        Arc::new_cyclic(|own| Self {
            store: store.clone(),
            node: node.clone(),
            own: own.clone(),
            state: Mutex::default(),
        })
    }

    /// Returns the name of the current member. It is empty before the node has joined.
    pub(super) fn member(&self) -> String {
        lock(&self.state).member.clone()
    }

    /// Begins a membership. The rows of earlier ones are gone.
    pub(super) fn begin(&self, member: String) {
        *lock(&self.state) = State { member, ..State::default() };
    }

    /// Starts the task that releases owed rows, unless it runs already.
    pub(super) fn drain(&self) {
        let Some(seats) = self.own.upgrade() else { return };
        let mut state = lock(&self.state);
        if state.owed.is_empty() || state.is_draining {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        state.is_draining = true;
        drop(state);
        runtime.spawn(async move { seats.release_owed().await });
    }

    /// Releases owed rows until there are none, or the server does not answer. The next renewal of the lease tries
    /// again then.
    async fn release_owed(&self) {
        loop {
            let some: Vec<_> = {
                let mut state = lock(&self.state);
                let some: Vec<_> = state.owed.iter().take(AT_ONCE).cloned().collect();
                state.is_draining = !some.is_empty();
                some
            };
            if some.is_empty() {
                return;
            }
            let released = join_all(some.iter().map(|row| self.release(row))).await;
            if released.iter().any(Result::is_err) {
                lock(&self.state).is_draining = false;
                return;
            }
        }
    }

    async fn release(&self, row: &Row) -> Result<(), StoreError> {
        let call = self.call(&self.store.0.scripts.release, &row.key);
        let call = call.argument(row.socket).argument(&row.member);
        self.store.0.link.run::<u8>(&call).await?;
        lock(&self.state).owed.remove(row);
        Ok(())
    }

    fn call<'a>(&self, script: &'a redis::Script, key: &str) -> Call<'a> {
        Call::change(script).key(self.store.0.keys.floor()).key(key.to_owned())
    }

    async fn reserve_row(
        &self,
        request: SeatRequest<'_>,
    ) -> Result<Box<dyn Reservation>, SeatError> {
        let SeatRequest { user, socket, link, namespace, links, sockets, .. } = request;
        if request.is_unlimited() {
            return Ok(Box::new(Unlimited));
        }
        let member = self.member();
        let Some(seats) = self.own.upgrade() else { return Err(away("the cluster was dropped")) };
        let row = Row { key: self.store.0.keys.seats(user), socket, member };
        // A client may come back before the seat of its last socket is free.
        let owed: Vec<_> =
            lock(&self.state).owed.iter().filter(|owed| owed.key == row.key).cloned().collect();
        for owed in owed {
            self.release(&owed).await.map_err(unavailable)?;
        }
        // The row is released if the request fails or is given up, because the server may have made it.
        let mut hold = Hold { seats, row, links, sockets, is_made: true };
        let call = self.call(&self.store.0.scripts.reserve, &hold.row.key);
        let call = call
            .argument(MARGIN)
            .argument(&hold.row.member)
            .argument(link)
            .argument(socket)
            .argument(namespace);
        let call = policy(policy(call, links), sockets).argument(duration_to_millis(RESERVED_FOR));
        let answer: Vec<String> = self.store.0.link.run(&call).await.map_err(unavailable)?;
        match answer.first().map(String::as_str) {
            Some("reserved") => Ok(Box::new(hold)),
            Some("full") => {
                hold.is_made = false;
                Err(SeatError::Full(self.holders(&answer, &hold.row.member).map_err(unavailable)?))
            }
            _ => {
                hold.is_made = false;
                Err(away(
                    "no seats for up to 30 s after a loss of data in Redis, or while this node is not a member",
                ))
            }
        }
    }

    /// Parses the holders of an answer: `full`, the kind of the seats, and three parts for each holder.
    fn holders(&self, answer: &[String], own: &str) -> Result<Vec<Holder>, StoreError> {
        let is_links = answer.get(1).is_some_and(|kind| kind == "links");
        let (parts, _) = answer.get(2..).unwrap_or_default().as_chunks::<3>();
        let holder = |[name, link, socket]: &[String; 3]| {
            let link =
                link.parse().map_err(|_reason| unreadable("the number of a link is malformed"))?;
            let mut member = member(name)?;
            if name != own && member.node == self.node {
                // An earlier run of this node. This process does not know its links.
                member.node = NodeId::new(member.to_string());
            }
            let holder = Holder::new(member.node, LinkNumber::new(link))
                .with_incarnation(member.incarnation);
            Ok(if is_links { holder } else { holder.with_socket(parsed(socket)?) })
        };
        parts.iter().map(holder).collect()
    }

    /// Takes the seat of a row. Returns the members and sockets that it replaces.
    async fn take(&self, hold: &Hold) -> Result<Vec<(String, SocketId)>, SeatError> {
        let call = self
            .call(&self.store.0.scripts.commit, &hold.row.key)
            .argument(hold.row.socket)
            .argument(limit(hold.links))
            .argument(limit(hold.sockets));
        let answer: Vec<String> = self.store.0.link.run(&call).await.map_err(unavailable)?;
        match answer.split_first() {
            Some((first, replaced)) if first == "taken" => {
                let (pairs, _) = replaced.as_chunks::<2>();
                let pairs =
                    pairs.iter().map(|[member, socket]| Ok((member.clone(), parsed(socket)?)));
                pairs.collect::<Result<_, StoreError>>().map_err(unavailable)
            }
            Some((first, _)) if first == "lost" => Err(SeatError::Full(Vec::new())),
            Some((first, _)) if first == "gone" => Err(away("the reservation of a seat is gone")),
            _ => Err(unavailable(unreadable("the answer about a seat is malformed"))),
        }
    }

    /// Waits until sockets on other nodes have closed.
    async fn closed(&self, hold: &Hold, sockets: &[SocketId]) -> Result<(), SeatError> {
        let call = self.call(&self.store.0.scripts.seated, &hold.row.key);
        let mut call = call.argument(hold.row.socket);
        for socket in sockets {
            call = call.argument(socket);
        }
        let mut pause = FIRST_PAUSE;
        let all = async {
            loop {
                match self.store.0.link.run::<i64>(&call).await.map_err(unavailable)? {
                    0 => return Ok(()),
                    1.. => time::sleep(pause).await,
                    _ => {
                        return Err(away(
                            "the seats were lost while a replaced socket had to close",
                        ));
                    }
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        };
        let in_time = time::timeout(CLOSED_WITHIN, all).await;
        in_time.unwrap_or_else(|_| {
            Err(away("a replaced socket on another node has not closed in time"))
        })
    }
}

impl SeatStore for RedisSeats {
    fn reserve<'a>(&'a self, request: SeatRequest<'a>) -> SeatFuture<'a, Box<dyn Reservation>> {
        Box::pin(self.reserve_row(request))
    }
}

impl Reservation for Hold {
    fn commit(self: Box<Self>) -> SeatFuture<'static, Seated> {
        Box::pin(async move {
            let seats = Arc::clone(&self.seats);
            let replaced = seats.take(&self).await?;
            let (here, elsewhere): (Vec<_>, Vec<_>) =
                replaced.into_iter().partition(|(member, _)| *member == self.row.member);
            let sockets =
                |pairs: Vec<(String, SocketId)>| pairs.into_iter().map(|(_, socket)| socket);
            let elsewhere: Vec<_> = sockets(elsewhere).collect();
            if !elsewhere.is_empty() {
                seats.closed(&self, &elsewhere).await?;
            }
            Ok(Seated { seat: self, replaced: sockets(here).collect() })
        })
    }
}

impl Seat for Hold {}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut state = lock(&self.seats.state);
        // The rows of an earlier membership are gone with it.
        if !self.is_made || state.member != self.row.member {
            return;
        }
        state.owed.insert(self.row.clone());
        drop(state);
        self.seats.drain();
    }
}

/// Returns the limit of a policy as text, which is empty if there is none.
fn limit(policy: PerUser) -> String {
    policy.seats().map(|seats| seats.to_string()).unwrap_or_default()
}

/// Appends the limit and the policy of one kind of seat.
fn policy(call: Call<'_>, policy: PerUser) -> Call<'_> {
    call.argument(limit(policy)).argument(u8::from(policy.replaces_oldest()))
}

fn parsed(socket: &str) -> Result<SocketId, StoreError> {
    socket.parse().map_err(|_reason| unreadable("the id of a socket is malformed"))
}

fn unavailable(error: StoreError) -> SeatError {
    SeatError::Unavailable(error.into())
}

fn away(why: &'static str) -> SeatError {
    SeatError::Unavailable(why.into())
}

/// Time for which a reservation is kept, if this node cannot release it. It covers the default `admission_timeout` of
/// 5 s; a longer admission loses its reservation.
const RESERVED_FOR: Duration = Duration::from_secs(30);

/// Time within which a replaced socket on another node has closed.
const CLOSED_WITHIN: Duration = Duration::from_secs(2);

/// Time from the first look for replaced sockets to the second one. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// Maximum time from one look to the next one.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Maximum number of rows that are released at once.
const AT_ONCE: usize = 64;
