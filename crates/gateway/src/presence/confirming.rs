//! Waits until all nodes have carried out an order, and tells which have not.
//!
//! Start reading at [`Confirming`].

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use doorward_core::{
    NodeId, RevocationState,
    cluster::{Answer, Member, Order, Outcome, Receipt, SETTLED_AFTER},
};

use crate::presence::{carried::Carrying, orders, services::Services};

/// An order, and what each node has done about it so far.
#[derive(Clone)]
pub(crate) struct Confirming {
    services: Arc<Services>,
    here: Carrying,
    elsewhere: Option<Elsewhere>,
}

/// The other nodes that have to carry out the order.
#[derive(Clone)]
struct Elsewhere {
    receipt: Receipt,
    /// Time at which the order was certainly in the log.
    ordered_at: Instant,
    /// Time until which nodes that the receipt does not list may serve clients.
    unknown_until: Instant,
    answers: Vec<(Member, Answer)>,
}

/// Nodes by what they have done about an order.
#[derive(Default)]
pub(crate) struct Nodes {
    pub(crate) confirmed: Vec<NodeId>,
    pub(crate) lapsed: Vec<NodeId>,
    pub(crate) missing: Vec<NodeId>,
}

impl Confirming {
    /// Begins to carry out an order on this node, and to wait for the other nodes. `receipt` is `None`
    /// if they have nothing to do, or if the order could not be written.
    pub(crate) fn new(services: &Arc<Services>, order: &Order, receipt: Option<Receipt>) -> Self {
        let here = match &receipt {
            Some(receipt) => services
                .carried
                .begin(&receipt.log, receipt.position, || orders::begin(services, order, &REVOKED)),
            None => orders::begin(services, order, &REVOKED),
        };
        let own = services.standing.incarnation();
        let elsewhere = receipt.map(|receipt| {
            let others = receipt.members.iter().filter(|member| Some(member.incarnation) != own);
            let answers = others.map(|member| (member.clone(), Answer::Waiting)).collect();
            let ordered_at = services.clock.now();
            let unknown_until = ordered_at + receipt.unknown_for;
            Elsewhere { ordered_at, unknown_until, answers, receipt }
        });
        Self { services: Arc::clone(services), here, elsewhere }
    }

    /// Waits until every node has carried out the order, for at most `time`.
    pub(crate) async fn wait(&mut self, time: Duration) {
        let until = self.services.clock.now() + time;
        self.wait_until(until).await;
    }

    /// Waits until every node has carried out the order, or can serve no client any more.
    pub(crate) async fn settle(&mut self) {
        let now = self.services.clock.now();
        let from = self.elsewhere.as_ref().map_or(now, |it| it.ordered_at);
        // The nodes are asked once more in any case.
        self.wait_until((from + SETTLED_AFTER).max(now + ASKED_WITHIN)).await;
        let Some(elsewhere) = &mut self.elsewhere else { return };
        if self.services.clock.now() < elsewhere.ordered_at + SETTLED_AFTER {
            return;
        }
        // The lease of a node that has not read the order has ended by now, also if this node cannot
        // ask about it: a lease outlives an unread order by `LEASE` only.
        for (_, answer) in &mut elsewhere.answers {
            if *answer == Answer::Waiting {
                *answer = Answer::Lapsed;
            }
        }
    }

    async fn wait_until(&mut self, until: Instant) {
        let services = Arc::clone(&self.services);
        let here = self.here.clone();
        let all = async { tokio::join!(here.done(), self.ask_until_answered()) };
        let left = until.saturating_duration_since(services.clock.now());
        services.within(left, all).await;
    }

    /// Asks about the other nodes again and again, until all have answered.
    async fn ask_until_answered(&mut self) {
        let Self { services, elsewhere: Some(elsewhere), .. } = self else { return };
        let Some(cluster) = &services.cluster else { return };
        let mut pause = FIRST_PAUSE;
        while !elsewhere.is_final(services.clock.now()) {
            // A failure says nothing about the nodes. The caller bounds the time.
            if let Ok(answers) = cluster.answers(&elsewhere.receipt).await {
                for (member, answer) in answers {
                    let known = elsewhere.answers.iter_mut().find(|(known, _)| *known == member);
                    if let Some((_, known)) = known {
                        *known = answer;
                    }
                }
                if elsewhere.is_final(services.clock.now()) {
                    return;
                }
            }
            services.clock.sleep_until(services.clock.now() + pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Returns the sum of the results of all nodes that have answered.
    pub(crate) fn outcome(&self) -> Outcome {
        let mut sum = self.here.outcome();
        let answers = self.elsewhere.iter().flat_map(|elsewhere| &elsewhere.answers);
        for (_, answer) in answers {
            if let Answer::Done(outcome) = answer {
                sum.ended += outcome.ended;
                sum.stuck += outcome.stuck;
                sum.kept += outcome.kept;
                sum.undecided += outcome.undecided;
            }
        }
        sum
    }

    pub(crate) fn nodes(&self) -> Nodes {
        let mut nodes = Nodes::default();
        let here = if self.here.outcome().is_complete() {
            &mut nodes.confirmed
        } else {
            &mut nodes.missing
        };
        here.push(self.services.node.clone());
        let answers = self.elsewhere.iter().flat_map(|elsewhere| &elsewhere.answers);
        for (member, answer) in answers {
            let list = match answer {
                Answer::Done(outcome) if outcome.is_complete() => &mut nodes.confirmed,
                Answer::Lapsed => &mut nodes.lapsed,
                Answer::Done(_) | Answer::Waiting => &mut nodes.missing,
            };
            list.push(member.node.clone());
        }
        let now = self.services.clock.now();
        if self.elsewhere.as_ref().is_some_and(|elsewhere| now < elsewhere.unknown_until) {
            nodes.missing.push(NodeId::new(UNKNOWN));
        }
        nodes
    }
}

impl Elsewhere {
    /// Returns `true` if no answer will change any more.
    fn is_final(&self, now: Instant) -> bool {
        now >= self.unknown_until && self.answers.iter().all(|(_, answer)| is_final(answer))
    }
}

/// Name of the nodes that may still serve clients after the cluster has lost its members.
const UNKNOWN: &str = "(nodes before the loss of data)";

/// State against which no credential holds. All sockets of this node that an order covers end.
const REVOKED: RevocationState =
    RevocationState { generation: u64::MAX, revoked_at: None, is_ended: true };

/// Returns `true` if the answer will not change.
fn is_final(answer: &Answer) -> bool {
    match answer {
        Answer::Done(outcome) => outcome.is_complete(),
        Answer::Lapsed => true,
        Answer::Waiting => false,
    }
}

/// Order whose result may still change. It does not count when two results are compared.
#[derive(Clone, Default)]
pub(crate) struct Pending(pub(crate) Option<Box<Confirming>>);

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}

impl PartialEq for Pending {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Pending {}

/// Time for the last question about nodes that have not answered.
const ASKED_WITHIN: Duration = Duration::from_secs(2);

/// Time from the first question to the second one. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// Maximum time from one question to the next one.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
