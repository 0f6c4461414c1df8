//! State that the requests of a polling client share with the task of its link.
//!
//! A request reports to the desk and waits for its answer. The link takes the body of a POST from
//! the desk, and leaves the payload of a GET there. Each side wakes the other. Start reading at
//! [`Desk`].

pub(crate) mod waiting;

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use doorward_core::lock;
use doorward_protocol::polling::{GetAnswer, Polling, PollingConfig, RequestError};

use crate::transport::stream::AnyStream;

/// Meeting point of the requests of one polling client and the task of its link.
///
/// The mutex is held for assignments only. No body is parsed or copied under it.
pub(crate) struct Desk {
    state: Mutex<State>,
    /// Number of times that answers on their way were cut.
    cuts: AtomicUsize,
    /// Number of answers with packets that are on their way.
    deliveries: AtomicUsize,
    /// Number of pieces of answers that were passed on.
    pieces: AtomicUsize,
}

struct State {
    rules: Polling,
    /// Bodies of POSTs that the link has not taken yet.
    posted: VecDeque<Posted>,
    /// Answer of the POST: `true` if its packets were accepted.
    accepted: Option<bool>,
    /// Number of POSTs that were answered before their packets were handled. They are older than the
    /// POST that waits.
    early: usize,
    /// Maximum size of `posted` at which a POST is answered before its packets are handled.
    inbox_bytes: usize,
    /// Answer of the GET, if the link has answered it.
    reply: Option<GetReply>,
    /// WebSocket to which the client has upgraded, until the link takes it.
    socket: Option<UpgradedSocket>,
    /// `true` if the client may be gone, until the link takes notice.
    is_doubtful: bool,
    /// Reason of the end of the link, for the developer of the client.
    reason: Option<Arc<str>>,
    /// Maximum size of the next message, in bytes.
    message_limit: usize,
    /// `true` while the client has an authenticated socket.
    is_known: bool,
    get: Option<Waker>,
    post: Option<Waker>,
    probe: Option<Waker>,
    link: Option<Waker>,
}

/// Body of a POST.
pub(crate) struct Posted {
    pub(crate) text: String,
    /// `false` if the body was too long, and `text` is its beginning.
    pub(crate) is_whole: bool,
}

/// Answer of a GET.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum GetReply {
    /// A payload of packets, and the number of cuts of the desk before it.
    Packets(Bytes, usize),
    /// A packet of Engine.IO.
    Engine(Bytes),
    /// The GET is refused, because the link has ended.
    Refused,
}

/// Stream of a WebSocket to which a client has upgraded, and the bytes that were read after the last
/// packet of the probe.
pub(crate) struct UpgradedSocket {
    pub(crate) stream: AnyStream,
    pub(crate) early: Vec<u8>,
}

impl Desk {
    /// Creates the desk of a link. `message_limit` is the maximum size of the first message, and
    /// `inbox_bytes` that of all bodies that wait for the link, in bytes.
    pub(crate) fn new(
        config: PollingConfig,
        message_limit: usize,
        inbox_bytes: usize,
    ) -> Arc<Self> {
        let state = State {
            rules: Polling::new(config),
            posted: VecDeque::new(),
            accepted: None,
            early: 0,
            inbox_bytes,
            reply: None,
            socket: None,
            is_doubtful: false,
            reason: None,
            message_limit,
            is_known: false,
            get: None,
            post: None,
            probe: None,
            link: None,
        };
        Arc::new(Self {
            state: Mutex::new(state),
            cuts: AtomicUsize::new(0),
            deliveries: AtomicUsize::new(0),
            pieces: AtomicUsize::new(0),
        })
    }

    /// Begins the probe of a WebSocket. The probe has failed when the returned value is dropped,
    /// unless the client has [upgraded](Probe::upgrade).
    pub(crate) fn probe(self: &Arc<Self>) -> Result<Probe, RequestError> {
        self.begin(Polling::probe)?;
        Ok(Probe(Arc::clone(self)))
    }

    /// Lets the link ask for a sign of life, unless a GET shows that the client is there.
    pub(crate) fn doubt(&self) {
        let mut state = lock(&self.state);
        if state.rules.is_polling() && !state.rules.is_get_waiting() {
            state.is_doubtful = true;
            state.wake_link();
        }
    }

    /// Returns the maximum size of the next message, in bytes.
    pub(crate) fn message_limit(&self) -> usize {
        lock(&self.state).message_limit
    }

    /// Returns the reason of the end of the link, if the client should read it.
    pub(crate) fn reason(&self) -> Option<Arc<str>> {
        lock(&self.state).reason.clone()
    }

    /// Returns `true` while the client has an authenticated socket.
    pub(crate) fn is_known(&self) -> bool {
        lock(&self.state).is_known
    }

    /// Lets a request begin. If it ends the link, or changes how long the GET waits, the other side
    /// is woken.
    fn begin<T>(
        &self,
        begin: impl FnOnce(&mut Polling) -> Result<T, RequestError>,
    ) -> Result<T, RequestError> {
        let mut state = lock(&self.state);
        let begun = begin(&mut state.rules);
        state.wake_requests();
        state.wake_link();
        begun
    }

    /// Reports that an answer was passed on completely, or lost.
    fn delivered(&self) {
        self.deliveries.fetch_sub(1, Ordering::Release);
        lock(&self.state).wake_link();
    }

    fn cancelled(&self, cancel: impl FnOnce(&mut Polling)) {
        let mut state = lock(&self.state);
        cancel(&mut state.rules);
        state.wake_requests();
        state.wake_link();
    }
}

/// The side of the link.
impl Desk {
    /// Registers the task of the link, which is woken when a request has changed something.
    pub(super) fn register(&self, cx: &Context<'_>) {
        register(&mut lock(&self.state).link, cx);
    }

    /// Sets the maximum size of the next message, in bytes, and if the client has an authenticated
    /// socket.
    pub(super) fn allow(&self, message_limit: usize, is_known: bool) {
        let mut state = lock(&self.state);
        (state.message_limit, state.is_known) = (message_limit, is_known);
    }

    /// Takes the oldest body. Wakes the waiting POST, because fewer bytes are queued now.
    pub(super) fn take_posted(&self) -> Option<Posted> {
        let mut state = lock(&self.state);
        let posted = state.posted.pop_front();
        if posted.is_some() {
            wake(&mut state.post);
        }
        posted
    }

    /// Returns `true` while an answer waits for its GET, or is on its way with packets.
    pub(super) fn is_delivering(&self) -> bool {
        let state = lock(&self.state);
        state.reply.is_some() || self.deliveries.load(Ordering::Acquire) > 0
    }

    /// Returns the number of pieces of answers that were passed on so far.
    pub(super) fn pieces(&self) -> usize {
        self.pieces.load(Ordering::Relaxed)
    }

    /// Answers the waiting GET with packets.
    pub(super) fn reply_with(&self, payload: Bytes) {
        self.reply(GetReply::Packets(payload, self.cuts.load(Ordering::Acquire)));
    }

    /// Cuts the answer that is on its way.
    pub(super) fn cut(&self) {
        self.cuts.fetch_add(1, Ordering::Release);
    }

    pub(super) fn take_socket(&self) -> Option<UpgradedSocket> {
        lock(&self.state).socket.take()
    }

    /// Returns `true` once if the client may be gone.
    pub(super) fn take_doubt(&self) -> bool {
        std::mem::take(&mut lock(&self.state).is_doubtful)
    }

    /// Answers the POST whose body the link has taken.
    pub(super) fn answer_post(&self, is_accepted: bool) {
        let mut state = lock(&self.state);
        // The next POST may have arrived meanwhile, and waits for the link.
        if !state.posted.is_empty() {
            state.wake_link();
        }
        if state.early > 0 {
            state.early -= 1;
            return;
        }
        state.accepted = Some(is_accepted);
        state.rules.posted();
        wake(&mut state.post);
    }

    /// Asks how the waiting GET is answered. If the answer has packets, the caller passes them to
    /// [`reply`](Self::reply).
    pub(super) fn rules<T>(&self, ask: impl FnOnce(&mut Polling) -> T) -> T {
        ask(&mut lock(&self.state).rules)
    }

    pub(super) fn reply(&self, reply: GetReply) {
        let mut state = lock(&self.state);
        state.reply = Some(reply);
        wake(&mut state.get);
    }

    /// Sets the reason of the end of the link.
    pub(super) fn explain(&self, reason: &str) {
        lock(&self.state).reason.get_or_insert_with(|| reason.into());
    }

    /// Ends the polling of the client. A waiting GET gets `answer`.
    pub(super) fn end(&self, answer: GetAnswer) {
        let mut state = lock(&self.state);
        state.rules.end(answer);
        state.posted.clear();
        state.socket = None;
        state.wake_requests();
    }
}

/// The probe of a WebSocket.
pub(crate) struct Probe(Arc<Desk>);

impl Probe {
    /// Completes when the probe can no longer succeed, because the link has ended.
    pub(crate) fn poll_end(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = lock(&self.0.state);
        if state.rules.is_polling() {
            register(&mut state.probe, cx);
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Passes the WebSocket of a completed upgrade to the link. Drops it if the link has ended.
    pub(crate) fn upgrade(self, socket: UpgradedSocket) {
        let mut state = lock(&self.0.state);
        if state.rules.upgrade() {
            state.socket = Some(socket);
            state.wake_requests();
            state.wake_link();
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        lock(&self.0.state).rules.probe_failed();
    }
}

impl State {
    fn wake_requests(&mut self) {
        wake(&mut self.get);
        wake(&mut self.post);
        wake(&mut self.probe);
    }

    fn wake_link(&mut self) {
        wake(&mut self.link);
    }
}

fn register(waker: &mut Option<Waker>, cx: &Context<'_>) {
    match waker {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *waker = Some(cx.waker().clone()),
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}
