//! Cluster in the memory of one test, on the clock of the test.
//!
//! It follows the rules of [`Cluster`] without a network. A test can cut a node off, and can let the log lose its
//! orders. Start reading at [`MemoryCluster`].

mod bus;
mod connection;
mod seats;
mod state;

use std::{
    fmt,
    sync::{Arc, Mutex, atomic::Ordering},
    time::{Duration, SystemTime},
};

use doorward_core::{
    Clock, Incarnation, NodeId, RevocationState, RevocationStore, SeatStore, SessionId, StoreError,
    StoreFuture, TokenId, UserId,
    bus::Bus,
    cluster::{
        Answer, Cluster, Joined, LogEntry, Member, Order, Outcome, Owned, Position, Receipt,
        Renewed,
    },
    lock,
};
use tokio::sync::watch;

use self::{
    bus::MemoryBus,
    connection::{Connection, Shared},
    seats::ClusterSeats,
    state::State,
};

/// Cluster whose nodes are servers in one process.
///
/// # Examples
/// ```
/// use doorward_core::{RevocationStore, SeatStore};
/// use doorward_testkit::{ManualClock, MemoryCluster};
///
/// fn two_nodes(clock: &ManualClock, revocations: impl RevocationStore, seats: impl SeatStore) {
///     let cluster = MemoryCluster::new(clock.clone(), revocations, seats);
///     let (first, second) = (cluster.node("eu-1"), cluster.node("eu-2"));
///     second.cut();
/// }
/// ```
#[derive(Clone)]
pub struct MemoryCluster(Arc<Shared>);

/// One node of a [`MemoryCluster`]. Clones are the same node.
#[derive(Clone)]
pub struct MemoryNode(Connection);

doorward_core::debug_fields!(MemoryCluster {});
impl fmt::Debug for MemoryNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryNode").field("name", &self.0.name).finish_non_exhaustive()
    }
}

impl MemoryCluster {
    /// Creates a cluster without members.
    pub fn new(
        clock: impl Clock,
        revocations: impl RevocationStore,
        seats: impl SeatStore,
    ) -> Self {
        Self(Arc::new(Shared {
            clock: Box::new(clock),
            revocations: Arc::new(revocations),
            seats: Arc::new(seats),
            state: Mutex::default(),
            changed: watch::Sender::new(()),
            buses: Arc::default(),
        }))
    }

    /// Returns a new node.
    #[must_use]
    pub fn node(&self, name: &str) -> MemoryNode {
        let is_cut = Arc::default();
        MemoryNode(Connection {
            bus: MemoryBus::new(&self.0.buses, &is_cut),
            shared: Arc::clone(&self.0),
            name: NodeId::new(name),
            is_cut,
            is_held: Arc::default(),
            is_mute: Arc::default(),
            last: Arc::default(),
        })
    }

    /// Returns the number of reported results with stuck sockets.
    #[must_use]
    pub fn stuck(&self) -> usize {
        lock(&self.0.state).stuck()
    }

    /// Removes all orders from the log. A node that has not read them notices the gap.
    pub fn lose_orders(&self) {
        lock(&self.0.state).lose_orders();
        self.0.changed.send_replace(());
    }

    /// Forgets all members and all orders, as a server does that has lost its data.
    pub fn lose_everything(&self) {
        lock(&self.0.state).lose_everything(self.0.clock.now());
        self.0.changed.send_replace(());
    }
}

impl MemoryNode {
    /// Cuts the node off from the cluster. All its calls fail until it is [healed](Self::heal).
    pub fn cut(&self) {
        self.0.is_cut.store(true, Ordering::SeqCst);
        self.0.shared.changed.send_replace(());
        self.0.bus.wake();
    }

    /// Ends all subscriptions to channels of the bus, without telling the node.
    pub fn deafen(&self) {
        self.0.bus.deafen();
    }

    /// Drops all messages of the bus for this node, or delivers them again. The node is not told.
    pub fn set_losing(&self, is_losing: bool) {
        self.0.bus.set_losing(is_losing);
    }

    /// Returns the number of channels of the bus that the node has subscribed to.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.0.bus.channels()
    }

    /// Lets all reports of results fail, or succeed again. Other calls succeed.
    pub fn set_mute(&self, is_mute: bool) {
        self.0.is_mute.store(is_mute, Ordering::SeqCst);
    }

    /// Holds the answers of the cluster to calls of this node back, or delivers them. The calls are carried out.
    pub fn set_held(&self, is_held: bool) {
        self.0.is_held.send_replace(is_held);
    }

    /// Connects the node again.
    pub fn heal(&self) {
        self.0.is_cut.store(false, Ordering::SeqCst);
    }

    fn member(&self, incarnation: Incarnation) -> Member {
        Member { node: self.0.name.clone(), incarnation }
    }

    fn ready<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut State) -> T + Send,
    ) -> StoreFuture<'static, T> {
        let done = self.0.reach().map(|mut state| work(&mut state));
        let mut is_held = self.0.is_held.subscribe();
        Box::pin(async move {
            // Fails if the node was dropped, and then nothing holds the answer.
            is_held.wait_for(|is_held| !is_held).await.ok();
            done
        })
    }

    /// Stores the revocation of an order, and appends the order to the log.
    async fn write(&self, order: Order, at: SystemTime) -> Result<Receipt, StoreError> {
        drop(self.0.reach()?);
        let ended = RevocationState { is_ended: true, ..RevocationState::default() };
        let state = match &order {
            Order::User(user) => {
                let generation = self.0.shared.revocations.bump(user, at).await?;
                RevocationState { generation, revoked_at: Some(at), is_ended: false }
            }
            Order::Session(session) => {
                self.0.shared.revocations.end_session(session, at).await?;
                ended
            }
            Order::Token(token) => {
                self.0.shared.revocations.end_token(token, at).await?;
                ended
            }
            _ => ended,
        };
        self.0.append(order, state)
    }
}

impl Cluster for MemoryNode {
    fn node(&self) -> &NodeId {
        &self.0.name
    }

    fn revocations(&self) -> Arc<dyn RevocationStore> {
        Arc::new(self.clone())
    }

    fn seats(&self) -> Arc<dyn SeatStore> {
        Arc::new(ClusterSeats(self.0.clone()))
    }

    fn bus(&self) -> Arc<dyn Bus> {
        Arc::clone(&self.0.bus) as _
    }

    fn join(&self, incarnation: Incarnation) -> StoreFuture<'_, Joined> {
        let (member, now) = (self.member(incarnation), self.0.shared.clock.now());
        let last = Arc::clone(&self.0.last);
        self.ready(move |state| {
            let before = lock(&last).replace(member.clone());
            state.join(member, before.as_ref(), now)
        })
    }

    fn renew(&self, incarnation: Incarnation, read: Position) -> StoreFuture<'_, Option<Renewed>> {
        let (member, now) = (self.member(incarnation), self.0.shared.clock.now());
        self.ready(move |state| state.renew(&member, read, now))
    }

    fn orders(&self, after: Position) -> StoreFuture<'_, Vec<LogEntry>> {
        Box::pin(async move {
            let clock = &self.0.shared.clock;
            let mut changed = self.0.shared.changed.subscribe();
            let mut over = clock.sleep_until(clock.now() + WAIT);
            loop {
                let found = self.0.reach()?.orders(after);
                if !found.is_empty() {
                    return Ok(found);
                }
                tokio::select! {
                    _ = changed.changed() => {}
                    () = &mut over => return Ok(Vec::new()),
                }
            }
        })
    }

    fn confirm<'a>(
        &'a self,
        incarnation: Incarnation,
        read: Position,
        outcomes: &'a [(Position, Outcome)],
    ) -> StoreFuture<'a, ()> {
        if self.0.is_mute.load(Ordering::SeqCst) {
            let failed = Err(StoreError::Unavailable("the report was lost".into()));
            return Box::pin(std::future::ready(failed));
        }
        let (member, outcomes) = (self.member(incarnation), outcomes.to_vec());
        self.ready(move |state| state.confirm(&member, read, &outcomes))
    }

    fn order<'a>(&'a self, order: &'a Order, at: SystemTime) -> StoreFuture<'a, Receipt> {
        Box::pin(self.write(order.clone(), at))
    }

    fn answers<'a>(&'a self, receipt: &'a Receipt) -> StoreFuture<'a, Vec<(Member, Answer)>> {
        let receipt = receipt.clone();
        self.ready(move |state| state.answers(&receipt))
    }

    fn own<'a>(
        &'a self,
        incarnation: Incarnation,
        name: &'a str,
    ) -> StoreFuture<'a, Option<Owned>> {
        let (member, now) = (self.member(incarnation), self.0.shared.clock.now());
        let name = name.to_owned();
        self.ready(move |state| state.own(&member, name, now))
    }

    fn keep<'a>(
        &'a self,
        incarnation: Incarnation,
        name: &'a str,
    ) -> StoreFuture<'a, Option<Owned>> {
        let (member, now) = (self.member(incarnation), self.0.shared.clock.now());
        let name = name.to_owned();
        self.ready(move |state| state.keep(&member, &name, now))
    }

    fn disown<'a>(
        &'a self,
        incarnation: Incarnation,
        name: &'a str,
        number: u64,
    ) -> StoreFuture<'a, ()> {
        let owned = Owned { owner: self.member(incarnation), number };
        let name = name.to_owned();
        self.ready(move |state| state.disown(&owned, &name))
    }

    fn leave(&self, incarnation: Incarnation) -> StoreFuture<'_, ()> {
        let member = self.member(incarnation);
        self.ready(move |state| state.leave(&member))
    }
}

impl RevocationStore for MemoryNode {
    fn read<'a>(
        &'a self,
        user: &'a UserId,
        session: Option<&'a SessionId>,
        token: Option<&'a TokenId>,
    ) -> StoreFuture<'a, RevocationState> {
        Box::pin(async move {
            drop(self.0.reach()?);
            self.0.shared.revocations.read(user, session, token).await
        })
    }

    fn bump<'a>(&'a self, user: &'a UserId, at: SystemTime) -> StoreFuture<'a, u64> {
        Box::pin(async move {
            self.write(Order::User(user.clone()), at).await?;
            Ok(self.0.shared.revocations.read(user, None, None).await?.generation)
        })
    }

    fn end_session<'a>(&'a self, session: &'a SessionId, at: SystemTime) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.write(Order::Session(session.clone()), at).await.map(drop) })
    }

    fn end_token<'a>(&'a self, token: &'a TokenId, at: SystemTime) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.write(Order::Token(token.clone()), at).await.map(drop) })
    }
}

/// Time for which a node waits for the next order.
const WAIT: Duration = Duration::from_secs(2);
