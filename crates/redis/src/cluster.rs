//! Cluster of the nodes that use one store: their membership, their orders and the seats of their users.
//!
//! Every change is one script, and all keys have the hash tag of the store. The log of orders is a stream whose
//! entries are numbered without gaps. A node waits for the next entry on a connection of its own. Start reading
//! at [`RedisCluster`].

mod bus;
mod log;
mod parse;
mod seats;

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use doorward_core::{
    Incarnation, NodeId, RevocationStore, SeatStore, StoreFuture,
    bus::Bus,
    cluster::{
        Answer, Cluster, Joined, LEASE, LogEntry, Member, OWNED, Order, Outcome, Owned, Position,
        Receipt, Renewed,
    },
    lock,
};

use self::{
    bus::RedisBus,
    log::{Entries, entries, probe_name},
    parse::{answer, member, name, number, position, receipt},
    seats::RedisSeats,
};
use crate::{
    RedisStore,
    link::{Call, Link, MARGIN, Patience, unreadable},
    store::Written,
    time::duration_to_millis,
};

/// Cluster of all nodes whose [`RedisStore`]s have the same server and the same prefix.
///
/// Create it with [`RedisStore::cluster`], and pass it to `Builder::cluster` of `doorward`. Clones are the same node.
///
/// # Examples
/// ```no_run
/// use doorward_redis::{ConnectError, RedisCluster, RedisStore};
///
/// async fn cluster() -> Result<RedisCluster, ConnectError> {
///     Ok(RedisStore::connect("redis://localhost:6379").await?.cluster("eu-1"))
/// }
/// ```
#[derive(Clone)]
pub struct RedisCluster(Arc<Inner>);

struct Inner {
    store: RedisStore,
    node: NodeId,
    /// Connection on which the node waits for orders.
    reading: Link,
    /// Member that the last call of `join` was to make.
    attempted: Mutex<String>,
    /// Era of the log in which the node has joined.
    era: Mutex<String>,
    seats: Arc<RedisSeats>,
    bus: Arc<RedisBus>,
}

impl RedisStore {
    /// Returns the cluster of all nodes that use this store, as the node with the given name. Each node of a
    /// cluster needs its own name.
    ///
    /// # Examples
    /// ```
    /// use doorward_redis::{RedisCluster, RedisStore};
    ///
    /// fn cluster(store: &RedisStore) -> RedisCluster {
    ///     store.cluster("eu-1")
    /// }
    /// ```
    #[must_use]
    pub fn cluster(&self, node: &str) -> RedisCluster {
        let reading = self.0.link.beside(Patience::beyond(WAIT));
        let (node, store) = (NodeId::new(node), self.clone());
        let seats = RedisSeats::new(&store, &node);
        let bus = Arc::new(RedisBus::new(&store));
        RedisCluster(Arc::new(Inner {
            store,
            node,
            reading,
            attempted: Mutex::default(),
            era: Mutex::default(),
            seats,
            bus,
        }))
    }
}

impl RedisCluster {
    fn named(&self, incarnation: Incarnation) -> String {
        name(&Member { node: self.0.node.clone(), incarnation })
    }

    /// Creates a call of a script whose only key is the floor.
    fn call<'a>(&'a self, script: &'a redis::Script) -> Call<'a> {
        Call::change(script).key(self.0.store.0.keys.floor())
    }

    fn era(&self) -> String {
        lock(&self.0.era).clone()
    }

    /// Runs a script about the owner of a name.
    async fn owned(
        &self,
        script: &redis::Script,
        incarnation: Incarnation,
        name: &str,
    ) -> Result<Option<Owned>, doorward_core::StoreError> {
        let call = self
            .call(script)
            .key(self.0.store.0.keys.owner(name))
            .argument(MARGIN)
            .argument(self.named(incarnation))
            .argument(duration_to_millis(OWNED));
        let owned: Option<(String, String)> = self.0.store.0.link.run(&call).await?;
        let owned = owned.map(|(owner, number)| {
            Ok(Owned { owner: member(&owner)?, number: self::number(&number)? })
        });
        owned.transpose()
    }

    /// Appends an order that stores nothing.
    async fn append(
        &self,
        order: &Order,
        name: &str,
    ) -> Result<Written, doorward_core::StoreError> {
        let script = &self.0.store.0.scripts.order;
        self.0.store.0.link.run(&self.call(script).argument(order.kind()).argument(name)).await
    }
}

impl fmt::Debug for RedisCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisCluster").field("node", &self.0.node).finish_non_exhaustive()
    }
}

impl Cluster for RedisCluster {
    fn node(&self) -> &NodeId {
        &self.0.node
    }

    fn revocations(&self) -> Arc<dyn RevocationStore> {
        Arc::new(self.0.store.clone())
    }

    fn seats(&self) -> Arc<dyn SeatStore> {
        Arc::clone(&self.0.seats) as _
    }

    fn bus(&self) -> Arc<dyn Bus> {
        Arc::clone(&self.0.bus) as _
    }

    fn join(&self, incarnation: Incarnation) -> StoreFuture<'_, Joined> {
        Box::pin(async move {
            let own = self.named(incarnation);
            let before = self.0.seats.member();
            // An attempt without an answer may have made a member.
            let attempted = std::mem::replace(&mut *lock(&self.0.attempted), own.clone());
            // The address of the server may lead elsewhere by now.
            self.0.reading.disconnect();
            let call = self
                .call(&self.0.store.0.scripts.join)
                .argument(MARGIN)
                .argument(&own)
                .argument(before)
                .argument(attempted)
                .argument(duration_to_millis(LEASE));
            let (last, era, members, _): Written = self.0.store.0.link.run(&call).await?;
            let joined = Joined {
                log: era.as_str().into(),
                position: position(&last)?,
                members: members.iter().map(|text| member(text)).collect::<Result<_, _>>()?,
            };
            *lock(&self.0.era) = era;
            self.0.seats.begin(own);
            Ok(joined)
        })
    }

    fn renew(&self, incarnation: Incarnation, read: Position) -> StoreFuture<'_, Option<Renewed>> {
        Box::pin(async move {
            let call = self
                .call(&self.0.store.0.scripts.renew)
                .argument(MARGIN)
                .argument(self.named(incarnation))
                .argument(read.0)
                .argument(self.era())
                .argument(duration_to_millis(LEASE));
            let renewed: Option<(String, Vec<String>)> = self.0.store.0.link.run(&call).await?;
            self.0.seats.drain();
            let Some((lease, members)) = renewed else { return Ok(None) };
            let members = members.iter().map(|text| member(text)).collect::<Result<_, _>>()?;
            Ok(Some(Renewed { lease: Duration::from_millis(number(&lease)?), members }))
        })
    }

    fn orders(&self, after: Position) -> StoreFuture<'_, Vec<LogEntry>> {
        Box::pin(async move {
            let call = Call::command("XREAD")
                .argument("COUNT")
                .argument(AT_ONCE)
                .argument("BLOCK")
                .argument(duration_to_millis(WAIT))
                .argument("STREAMS")
                .argument(self.0.store.0.keys.orders())
                .argument(format_args!("{}-0", after.0));
            let found: Entries = self.0.reading.run(&call).await?;
            if self.0.reading.leads_elsewhere_than(&self.0.store.0.link) {
                // One of them has not noticed yet that the server was replaced.
                self.0.reading.disconnect();
                self.0.store.0.link.disconnect();
                return Err(unreadable("the log is on another server than the store"));
            }
            entries(found)
        })
    }

    fn confirm<'a>(
        &'a self,
        incarnation: Incarnation,
        read: Position,
        outcomes: &'a [(Position, Outcome)],
    ) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let mut call = self
                .call(&self.0.store.0.scripts.confirm)
                .argument(self.named(incarnation))
                .argument(read.0)
                .argument(self.era());
            for (position, outcome) in outcomes {
                let Outcome { ended, stuck, kept, undecided } = outcome;
                call = call
                    .argument(position.0)
                    .argument(format_args!("{ended} {stuck} {kept} {undecided}"));
            }
            self.0.store.0.link.run::<u8>(&call).await.map(drop)
        })
    }

    fn order<'a>(&'a self, order: &'a Order, at: SystemTime) -> StoreFuture<'a, Receipt> {
        Box::pin(async move {
            let store = &self.0.store.0;
            let written = match order {
                Order::User(user) => store.bump(user, at).await?.1,
                Order::Session(session) => store.end_session(session, at).await?,
                Order::Token(token) => store.end_token(token, at).await?,
                Order::Probe { incarnation, link } => {
                    self.append(order, &probe_name(*incarnation, *link)).await?
                }
                Order::Rights(user) => self.append(order, user.as_str()).await?,
                Order::Socket(socket) | Order::Replaced(socket) => {
                    self.append(order, &socket.encode()).await?
                }
            };
            receipt(written)
        })
    }

    fn answers<'a>(&'a self, receipt: &'a Receipt) -> StoreFuture<'a, Vec<(Member, Answer)>> {
        Box::pin(async move {
            let mut call = self
                .call(&self.0.store.0.scripts.answers)
                .argument(receipt.position.0)
                .argument(&receipt.log);
            for member in &receipt.members {
                call = call.argument(name(member));
            }
            let answers: Vec<String> = self.0.store.0.link.run(&call).await?;
            let members = receipt.members.iter().cloned();
            members.zip(&answers).map(|(member, text)| Ok((member, answer(text)?))).collect()
        })
    }

    fn own<'a>(
        &'a self,
        incarnation: Incarnation,
        name: &'a str,
    ) -> StoreFuture<'a, Option<Owned>> {
        Box::pin(self.owned(&self.0.store.0.scripts.own, incarnation, name))
    }

    fn keep<'a>(
        &'a self,
        incarnation: Incarnation,
        name: &'a str,
    ) -> StoreFuture<'a, Option<Owned>> {
        Box::pin(self.owned(&self.0.store.0.scripts.keep, incarnation, name))
    }

    fn disown<'a>(
        &'a self,
        incarnation: Incarnation,
        name: &'a str,
        number: u64,
    ) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let call = self
                .call(&self.0.store.0.scripts.disown)
                .key(self.0.store.0.keys.owner(name))
                .argument(self.named(incarnation))
                .argument(number);
            self.0.store.0.link.run::<u8>(&call).await.map(drop)
        })
    }

    fn leave(&self, incarnation: Incarnation) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let call = self.call(&self.0.store.0.scripts.leave).argument(self.named(incarnation));
            self.0.store.0.link.run::<u8>(&call).await.map(drop)
        })
    }
}

/// Time for which the server holds the question for the next order.
const WAIT: Duration = Duration::from_secs(2);

/// Maximum number of orders that are read at once.
const AT_ONCE: usize = 256;
