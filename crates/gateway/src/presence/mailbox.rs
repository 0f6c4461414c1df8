//! How the rest of the server reaches a link.
//!
//! Everything goes through one letter box with a bound in bytes: the link's task reads it when it is
//! woken. Nobody who posts ever waits for the client.

use std::{
    cell::Cell,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use atomic_waker::AtomicWaker;
use doorward_core::{DisconnectReason, LinkId, SocketId};
use doorward_protocol::Frame;
use tokio::sync::oneshot;

/// The address of a link's task.
pub(crate) struct LinkHandle {
    id: LinkId,
    /// Names the link for people; unlike its id it opens nothing.
    number: u64,
    task: AtomicWaker,
    /// Protects the letters; held for one push or one swap.
    letters: Mutex<Letters>,
    /// Whether there may be letters, so that a link that is busy need not take the lock to look.
    waiting: AtomicBool,
    /// The most bytes that may wait in the box.
    limit: usize,
    /// Whether the client does not keep up with what is sent to it.
    behind: AtomicBool,
    /// How many questions to the client are open.
    questions: AtomicUsize,
}

#[derive(Default)]
struct Letters {
    queue: Vec<Letter>,
    bytes: usize,
    /// The link has gone; nothing is taken any more.
    closed: bool,
}

/// Something for a link to do.
pub(crate) enum Letter {
    /// Send a packet to one of its sockets.
    Emit { socket: SocketId, frame: Frame, is_volatile: bool },
    /// End one of its sockets; `cut` means that nothing that waits to be sent to it is sent.
    End { socket: SocketId, reason: DisconnectReason, cut: bool },
    /// End the link with everything on it.
    EndLink { reason: DisconnectReason },
    /// Find out whether the client is still there, and say so; a link that ends says nothing.
    Probe { alive: oneshot::Sender<()> },
}

impl LinkHandle {
    pub(crate) fn new(id: LinkId, limit: usize) -> Self {
        Self {
            id,
            number: NEXT_NUMBER.fetch_add(1, Ordering::Relaxed),
            task: AtomicWaker::new(),
            letters: Mutex::default(),
            waiting: AtomicBool::new(false),
            limit,
            behind: AtomicBool::new(false),
            questions: AtomicUsize::new(0),
        }
    }

    /// Posts a letter and says whether it was taken. When the box is full the client is not reading:
    /// the link ends.
    pub(crate) fn post(&self, letter: Letter) -> bool {
        if let Letter::Emit { is_volatile: true, .. } = letter
            && self.behind.load(Ordering::Relaxed)
        {
            return false;
        }
        let mut letters = self.lock();
        if letters.closed {
            return false;
        }
        let size = if let Letter::Emit { frame, .. } = &letter { frame.len() } else { 0 };
        let fits = letters.bytes + size <= self.limit;
        if fits {
            letters.bytes += size;
            letters.queue.push(letter);
        } else {
            // Nobody reads them, and whoever is revoked meanwhile may not.
            letters.queue.retain(|letter| !matches!(letter, Letter::Emit { .. }));
            letters.queue.push(Letter::EndLink { reason: DisconnectReason::SlowConsumer });
            letters.closed = true;
        }
        drop(letters);
        self.waiting.store(true, Ordering::Release);
        self.task.wake();
        fits
    }

    pub(crate) fn id(&self) -> LinkId {
        self.id
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Asks whether the client is still there: the receiver fails when the link has ended instead.
    pub(crate) fn probe(&self) -> oneshot::Receiver<()> {
        let (alive, answer) = oneshot::channel();
        // A letter that is not taken drops the sender, which is the answer.
        self.post(Letter::Probe { alive });
        answer
    }

    /// A question to the client was opened.
    pub(crate) fn awaits_ack(&self) {
        self.questions.fetch_add(1, Ordering::Relaxed);
    }

    /// A question was answered or given up.
    pub(crate) fn awaits_ack_no_more(&self) {
        self.questions.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn has_questions(&self) -> bool {
        self.questions.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn set_behind(&self, behind: bool) {
        self.behind.store(behind, Ordering::Relaxed);
    }

    /// Lets the task have another turn.
    pub(crate) fn wake(&self) {
        self.task.wake();
    }

    /// Ends the link with everything on it.
    pub(crate) fn end(&self, reason: DisconnectReason) {
        self.post(Letter::EndLink { reason });
    }

    pub(crate) fn register(&self, cx: &std::task::Context<'_>) {
        self.task.register(cx.waker());
    }

    pub(crate) fn has_letters(&self) -> bool {
        self.waiting.load(Ordering::Acquire)
    }

    /// Takes all letters out. The empty box comes from the thread, where a link that has emptied its
    /// own has left it.
    pub(crate) fn take(&self) -> Vec<Letter> {
        self.waiting.store(false, Ordering::Release);
        let spare = SPARE.take();
        let mut letters = self.lock();
        letters.bytes = 0;
        std::mem::replace(&mut letters.queue, spare)
    }

    /// Leaves an emptied box for the next link of this thread.
    pub(crate) fn give_back(letters: Vec<Letter>) {
        if letters.is_empty() && letters.capacity() <= SPARE_LIMIT {
            SPARE.set(letters);
        }
    }

    pub(crate) fn close(&self) {
        let mut letters = self.lock();
        letters.closed = true;
        letters.queue = Vec::new();
    }

    fn lock(&self) -> MutexGuard<'_, Letters> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

thread_local! {
    /// The box that the links of this thread take turns with.
    static SPARE: Cell<Vec<Letter>> = const { Cell::new(Vec::new()) };
}

/// Counts links.
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(1);

/// A box that grew beyond this many letters is not kept.
const SPARE_LIMIT: usize = 64;
