//! Seats of the users on all nodes, as a hash for each user. The scripts decide; this file calls them.
//!
//! A row belongs to the member that holds its socket, and is dropped when that member is gone. A seat whose release
//! has failed is released again with the next renewal of the lease. Start reading at [`RedisSeats`].

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use doorward_core::{
    BoxFuture, Holder, LinkNumber, NodeId, PerUser, Reservation, Seat, SeatError, SeatRequest,
    SeatStore, Seated, SocketId, StoreError, Unlimited, lock,
};
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
    /// Rows whose release has failed.
    owed: HashSet<Row>,
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

    /// Begins a membership. The rows of earlier ones are gone.
    pub(super) fn begin(&self, member: String) {
        *lock(&self.state) = State { member, owed: HashSet::new() };
    }

    /// Releases the rows whose release has failed before.
    pub(super) async fn release_owed(&self) {
        let owed: Vec<_> = lock(&self.state).owed.iter().cloned().collect();
        for row in owed {
            // The server is away. The next renewal tries again.
            if self.release(&row).await.is_err() {
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
        let member = lock(&self.state).member.clone();
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
                Err(away("no seat is given away now"))
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
        let limit =
            |policy: PerUser| policy.seats().map(|seats| seats.to_string()).unwrap_or_default();
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
            _ => Err(unavailable(unreadable("the answer about a seat is malformed"))),
        }
    }

    /// Waits until sockets on other nodes have closed.
    async fn closed(&self, hold: &Hold, sockets: &[SocketId]) -> Result<(), SeatError> {
        let mut call = self.call(&self.store.0.scripts.seated, &hold.row.key);
        for socket in sockets {
            call = call.argument(socket);
        }
        let mut pause = FIRST_PAUSE;
        let all = async {
            while self.store.0.link.run::<u64>(&call).await.map_err(unavailable)? > 0 {
                time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Ok(())
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
        let (seats, row) = (Arc::clone(&self.seats), self.row.clone());
        let mut state = lock(&seats.state);
        // The rows of an earlier membership are gone with it.
        if !self.is_made || state.member != row.member {
            return;
        }
        state.owed.insert(row.clone());
        drop(state);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // After a failure the row stays owed.
                let _released = seats.release(&row).await;
            });
        }
    }
}

/// Appends the limit and the policy of one kind of seat.
fn policy(call: Call<'_>, policy: PerUser) -> Call<'_> {
    let limit = policy.seats().map(|seats| seats.to_string()).unwrap_or_default();
    call.argument(limit).argument(u8::from(policy.replaces_oldest()))
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

/// Time for which a reservation is kept, if this node cannot release it. No admission takes longer.
const RESERVED_FOR: Duration = Duration::from_secs(30);

/// Time within which a replaced socket on another node has closed.
const CLOSED_WITHIN: Duration = Duration::from_secs(2);

/// Time from the first look for replaced sockets to the second one. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// Maximum time from one look to the next one.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
