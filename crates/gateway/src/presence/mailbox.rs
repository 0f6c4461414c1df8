//! Delivers packets and commands from the rest of the server to the task of a link. Both are called
//! letters.
//!
//! Each link has one mailbox, whose size in bytes is bounded. The task of the link reads the
//! mailbox when it is woken, so no sender ever waits for a client.

use std::{
    cell::Cell,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use atomic_waker::AtomicWaker;
use doorward_core::{DisconnectReason, LinkNumber, SocketId, lock};
use doorward_protocol::Frame;
use tokio::sync::oneshot;

/// Handle to the task of a link, with the mailbox of the link.
pub(crate) struct LinkHandle {
    /// Number of the link that operators and stores see. The id of the link is secret.
    number: LinkNumber,
    task: AtomicWaker,
    /// Queue of letters. The lock is held for one push or one swap.
    letters: Mutex<Letters>,
    /// `true` if there may be letters. A busy link reads this flag, so that it does not take the
    /// lock of an empty mailbox.
    waiting: AtomicBool,
    /// Maximum number of bytes in the mailbox.
    limit: usize,
    /// `true` while the client does not keep up with its packets. Meanwhile volatile packets are
    /// dropped.
    behind: AtomicBool,
    /// Number of events that wait for an ack of the client.
    pending_acks: AtomicUsize,
}

#[derive(Default)]
struct Letters {
    queue: Vec<Letter>,
    bytes: usize,
    /// `true` if the link has ended, or ends because its mailbox was full. Further letters are
    /// rejected.
    closed: bool,
}

/// Message to the task of a link.
pub(crate) enum Letter {
    /// Send a packet to a socket of the link.
    Emit { socket: SocketId, frame: Frame, is_volatile: bool },
    /// End a socket of the link. With `cut`, packets that are still queued for the socket are
    /// dropped.
    End { socket: SocketId, reason: DisconnectReason, cut: bool },
    /// End the link and all sockets of the link.
    EndLink { reason: DisconnectReason },
    /// Check that the client is alive. The link sends on `alive` at the first sign of life, and
    /// drops `alive` if the client is dead or the link ends.
    Probe { alive: oneshot::Sender<()> },
}

impl LinkHandle {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            number: LinkNumber::new(NEXT_NUMBER.fetch_add(1, Ordering::Relaxed)),
            task: AtomicWaker::new(),
            letters: Mutex::default(),
            waiting: AtomicBool::new(false),
            limit,
            behind: AtomicBool::new(false),
            pending_acks: AtomicUsize::new(0),
        }
    }

    /// Posts a letter. Returns `false` if the letter was rejected, because the link has ended, the
    /// mailbox is full, or the letter is a volatile packet and the client does not keep up.
    ///
    /// A full mailbox means that the client does not read. The link then ends as a slow consumer.
    pub(crate) fn post(&self, letter: Letter) -> bool {
        if let Letter::Emit { is_volatile: true, .. } = letter
            && self.behind.load(Ordering::Relaxed)
        {
            return false;
        }
        let mut letters = lock(&self.letters);
        if letters.closed {
            return false;
        }
        let size = if let Letter::Emit { frame, .. } = &letter { frame.len() } else { 0 };
        let fits = letters.bytes + size <= self.limit;
        if fits {
            letters.bytes += size;
            letters.queue.push(letter);
        } else {
            // The client does not read the queued packets. If it is revoked meanwhile, it must not
            // receive them.
            letters.queue.retain(|letter| !matches!(letter, Letter::Emit { .. }));
            letters.queue.push(Letter::EndLink { reason: DisconnectReason::SlowConsumer });
            letters.closed = true;
        }
        drop(letters);
        // The flag is set after the push and before the wake-up, so that the woken task finds the
        // letter.
        self.waiting.store(true, Ordering::Release);
        self.task.wake();
        fits
    }

    pub(crate) fn number(&self) -> LinkNumber {
        self.number
    }

    /// Asks the link to check that its client is alive. The receiver completes if the client is
    /// alive, and fails if the client is dead or the link ends.
    pub(crate) fn probe(&self) -> oneshot::Receiver<()> {
        let (alive, answer) = oneshot::channel();
        // If the letter is rejected, the sender is dropped and the receiver fails.
        self.post(Letter::Probe { alive });
        answer
    }

    /// Counts one more event that waits for an ack.
    pub(crate) fn awaits_ack(&self) {
        self.pending_acks.fetch_add(1, Ordering::Relaxed);
    }

    /// Decrements the number of events that wait for an ack, because one was acknowledged or its
    /// caller stopped waiting.
    pub(crate) fn awaits_ack_no_more(&self) {
        self.pending_acks.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn has_pending_acks(&self) -> bool {
        self.pending_acks.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn set_behind(&self, behind: bool) {
        self.behind.store(behind, Ordering::Relaxed);
    }

    /// Wakes the task of the link.
    pub(crate) fn wake(&self) {
        self.task.wake();
    }

    /// Tells the link to end, with all of its sockets.
    pub(crate) fn end(&self, reason: DisconnectReason) {
        self.post(Letter::EndLink { reason });
    }

    pub(crate) fn register(&self, cx: &std::task::Context<'_>) {
        self.task.register(cx.waker());
    }

    pub(crate) fn has_letters(&self) -> bool {
        self.waiting.load(Ordering::Acquire)
    }

    /// Takes all letters, and puts the spare queue of this thread in their place.
    pub(crate) fn take(&self) -> Vec<Letter> {
        // The flag is cleared before the letters are taken. A letter that is posted in between sets
        // the flag again, so that the task looks at an empty mailbox once. In the opposite order,
        // the letter would be missed.
        self.waiting.store(false, Ordering::Release);
        let spare = SPARE.take();
        let mut letters = lock(&self.letters);
        letters.bytes = 0;
        std::mem::replace(&mut letters.queue, spare)
    }

    /// Keeps an empty queue for the next link of this thread. A queue that is too large is freed.
    pub(crate) fn give_back(letters: Vec<Letter>) {
        if letters.is_empty() && letters.capacity() <= SPARE_LIMIT {
            SPARE.set(letters);
        }
    }

    pub(crate) fn close(&self) {
        let mut letters = lock(&self.letters);
        letters.closed = true;
        letters.queue = Vec::new();
    }
}

thread_local! {
    /// Spare queue of this thread. All links of the thread share it, so an idle link needs no
    /// memory for letters.
    static SPARE: Cell<Vec<Letter>> = const { Cell::new(Vec::new()) };
}

/// Number of the next link.
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(1);

/// Maximum capacity, in letters, of a queue that is kept for reuse. A larger queue is freed.
const SPARE_LIMIT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::system::OsEntropy;

    /// A client that does not read gets no packet after its end, and no earlier command to its link
    /// is lost.
    #[test]
    fn a_full_mailbox_drops_packets_and_keeps_orders() {
        let link = LinkHandle::new(12);
        let emit = |text: &str| Letter::Emit {
            socket: SocketId::generate(&OsEntropy),
            frame: Frame::text(|out| out.extend_from_slice(text.as_bytes())),
            is_volatile: false,
        };
        let alive = link.probe();
        assert!(link.post(emit("1234")));

        assert!(!link.post(emit("12345678")));
        assert!(!link.post(emit("1")), "it is closed");

        let letters = link.take();
        assert!(matches!(letters[0], Letter::Probe { .. }));
        let end = &letters[1];
        assert!(matches!(end, Letter::EndLink { reason: DisconnectReason::SlowConsumer }));
        assert_eq!(letters.len(), 2);
        drop(alive);
    }
}
