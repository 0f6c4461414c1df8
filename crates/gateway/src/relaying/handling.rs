//! Does what messages of other nodes ask.

use std::{
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use doorward_core::{BoxFuture, UserId};
use doorward_protocol::Frame;
use metrics::{Counter, counter};
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::Semaphore;

use crate::{
    bus::{
        channels::of_node,
        dropped::Dropped,
        message::{Content, Envelope, NodeRun, Question},
        peers::Heard,
        questions::Part,
        relay::Relay,
    },
    presence::{
        change::SentChange,
        described::Described,
        node::{NodeInfo, SentNode},
        services::Services,
    },
    room::hub::serving::RemoteHub,
    runtime::{catch::catch, once_a_minute::OnceAMinute},
};

/// Namespaces of this node.
pub(crate) trait LocalNamespaces: Send + Sync + 'static {
    /// Returns the hub of a namespace. Returns `None` if this node does not have the namespace, or has
    /// not opened it.
    fn existing(&self, namespace: &str) -> Option<Box<dyn RemoteHub>>;
    /// Returns the namespaces that have a name of their own. They always exist.
    fn named(&self) -> Vec<Arc<str>>;
}

/// Handles the messages of other nodes.
pub(super) struct Handling {
    pub(super) services: Weak<Services>,
    pub(super) relay: Arc<Relay>,
    namespaces: Weak<dyn LocalNamespaces>,
    /// Permits for questions whose answer takes time.
    answering: Arc<Semaphore>,
    version_logged: OnceAMinute,
    received: Counter,
}

impl Handling {
    pub(super) fn new(
        services: &Arc<Services>,
        relay: &Arc<Relay>,
        namespaces: Weak<dyn LocalNamespaces>,
    ) -> Self {
        Self {
            services: Arc::downgrade(services),
            relay: Arc::clone(relay),
            namespaces,
            answering: Arc::new(Semaphore::new(MAX_ANSWERING)),
            version_logged: OnceAMinute::default(),
            received: counter!(RECEIVED),
        }
    }

    /// Waits for `time`. Returns `None` if the server was dropped.
    pub(super) fn sleep(&self, time: Duration) -> Option<BoxFuture<'static, ()>> {
        let services = self.services.upgrade()?;
        Some(services.clock.sleep_until(services.clock.now() + time))
    }

    /// Handles one message. Returns `false` if the server was dropped.
    pub(super) fn handle(&self, bytes: Bytes) -> bool {
        let Some((services, namespaces)) = self.services.upgrade().zip(self.namespaces.upgrade())
        else {
            return false;
        };
        self.received.increment(1);
        self.relay.peers.received();
        // A panic must not end the task that receives messages.
        if catch(|| self.read(&services, &*namespaces, bytes)).is_err() {
            tracing::error!("A message of another node caused a panic.");
        }
        true
    }

    fn read(&self, services: &Arc<Services>, namespaces: &dyn LocalNamespaces, bytes: Bytes) {
        let Envelope { from, content, body } = match Envelope::decode(bytes) {
            Ok(envelope) => envelope,
            Err(dropped) => {
                dropped.count(1);
                if dropped == Dropped::Version
                    && self.version_logged.take_turn(services.clock.now())
                {
                    tracing::warn!(
                        "Messages of a node of another version are dropped: run one version on all nodes."
                    );
                }
                return;
            }
        };
        let Self { relay, .. } = self;
        if from.run == relay.own.run {
            if let Content::Beat { number, .. } = content {
                relay.peers.received_own_beat(number);
            }
            return;
        }
        let roster = &services.roster;
        let heard = relay.peers.heard(&from);
        if matches!(heard, Heard::First) {
            // Its connections were not reported.
            services.watches.tell_missed();
        }
        match heard {
            Heard::First if !services.is_draining() => {
                // A node that has just started knows this one at once, and not only after the next beat.

                relay.send(
                    of_node(&from),
                    &Content::Beat { number: 0, presence: roster.number() },
                    &[],
                );
            }
            Heard::First | Heard::Again => {}
            Heard::TooMany => return Dropped::Busy.count(1),
        }
        match content {
            Content::Beat { presence, .. } => {
                if roster.check_number(&from, presence) {
                    relay.send(of_node(&from), &Content::PresenceWanted, &[]);
                }
            }
            Content::Emit { namespace, selection, is_volatile } => {
                let Some(frame) = Frame::read(body, services.link_config.format) else {
                    return Dropped::Unreadable.count(1);
                };
                // Its own events have the same limit (`Hub::frame`).
                if frame.len() > services.limits.outbox / 2 {
                    return Dropped::Large.count(1);
                }
                if let Some(hub) = namespaces.existing(&namespace) {
                    hub.deliver(&selection, &frame, is_volatile);
                }
            }
            Content::Connection { is_for_all } => {
                let sent = serde_json::from_slice::<SentChange>(&body).ok();
                let Some(change) = sent.and_then(|sent| sent.read(from.node)) else {
                    return Dropped::Unreadable.count(1);
                };
                services.watches.tell_of_other(change, is_for_all);
            }
            Content::Question { id, question } => {
                self.answer(services, namespaces, from, id, question, body);
            }
            Content::Answer { id, part, is_last } => {
                relay.questions.answered(id, Part { from, number: part, is_last, body });
            }
            Content::Presence { number } => roster.apply(&from, number, &body),
            // The users of a server that shuts down are not reported as gone, also not by leaving them out.
            Content::PresenceWanted if services.is_draining() => {}
            Content::PresenceWanted => roster.send_whole(&from),
            Content::WholePresence(whole) => roster.apply_whole(&from, whole, &body),
            Content::Farewell => {
                relay.peers.has_left(&from);
                services.watches.tell_missed();
            }
        }
    }

    /// Answers a question. A change of sockets begins before the next message is handled.
    fn answer(
        &self,
        services: &Arc<Services>,
        namespaces: &dyn LocalNamespaces,
        to: NodeRun,
        id: u64,
        question: Question,
        body: Bytes,
    ) {
        let relay = Arc::clone(&self.relay);
        let is_ordered = matches!(
            question,
            Question::Acks { .. } | Question::Disconnect { .. } | Question::Leave { .. }
        );
        let mut answer: BoxFuture<'static, Vec<Box<RawValue>>> = match &question {
            Question::Nodes => {
                return relay.answer(&to, id, &[SentNode::from(NodeInfo::of(services))]);
            }
            Question::Sockets { user } => {
                let (services, user) = (Arc::clone(services), user.as_deref().map(UserId::new));
                Box::pin(async move { described(&services, user.as_ref()) })
            }
            Question::Acks { namespace, .. }
            | Question::Disconnect { namespace, .. }
            | Question::Fetch { namespace, .. }
            | Question::Join { namespace, .. }
            | Question::Leave { namespace, .. }
            | Question::ServerEvent { namespace, .. } => match namespaces.existing(namespace) {
                Some(hub) => hub.answer(question, body),
                None => return relay.answer::<()>(&to, id, &[]),
            },
        };
        if is_ordered && let Poll::Ready(items) = poll_once(answer.as_mut()) {
            return relay.answer(&to, id, &items);
        }
        let Ok(permit) = Arc::clone(&self.answering).try_acquire_owned() else {
            // The other node lists this one as missing.
            return Dropped::Busy.count(1);
        };
        // Code of the application may run, and must not delay the next message.
        tokio::spawn(async move {
            let items = answer.await;
            relay.answer(&to, id, &items);
            drop(permit);
        });
    }
}

/// Returns descriptions of the sockets of this node.
fn described(services: &Services, user: Option<&UserId>) -> Vec<Box<RawValue>> {
    let sockets = services.registry.described(user);
    let sockets = sockets.iter().map(Described::from);
    sockets.filter_map(|socket| to_raw_value(&socket).ok()).collect()
}

/// Polls a future. If it is pending, it must be polled again by a task.
fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Maximum number of questions whose answers take time, such as acks of clients.
const MAX_ANSWERING: usize = 1_000;

const RECEIVED: &str = "doorward_bus_received_total";
