//! Writes audit records to a file, one JSON object per line.
//!
//! A separate thread writes the file, so no decision waits for the disk. A line that cannot be
//! written is kept and retried, so that a full disk loses no record of an admission, a sign-in or a
//! revocation. The number of waiting lines is limited (see [`JsonLinesAudit`]). Start reading at
//! [`Writer::run`].

mod line;

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use doorward_core::{Audit, AuditRecord, BoxFuture};
use tokio::sync::oneshot;

use crate::audit::json_lines::line::line;

/// Writes each record as one line of JSON to a file, in the order in which the decisions were made.
///
/// A separate thread writes each line at once. If the process is killed, the lines that wait at
/// that moment are lost. Usually no line waits. A power failure may lose more lines. A line that
/// cannot be written, for example because the disk is full, waits and is retried every second. The
/// log reports once that such a problem begins, and once that it ends.
///
/// If the file is renamed, lines are written to the renamed file until [`reopen`](Self::reopen) is
/// called. If it is deleted, the next line creates it again (on Unix). If another file has its name
/// by then, lines wait until [`reopen`](Self::reopen) is called.
///
/// Up to 65,536 lines may wait, and each caller of [`written`](Audit::written) takes the place of a
/// line. When half of the places are taken, records that any client can cause are
/// dropped ([`AuditRecord::is_by_stranger`]). When three quarters are taken,
/// [`has_room`](Audit::has_room) is `false`, no client is admitted and no user is signed in.
/// Records beyond the maximum go to the log. The metric `doorward_audit_dropped_total` counts every
/// record that is not in the file.
///
/// | member | content |
/// |---|---|
/// | `at` | time of the decision, as RFC 3339 in UTC |
/// | `id` | id of the decision; the client reads it too |
/// | `outcome`, `reason` | the decision and its reason |
/// | `claim`, `flag`, `header`, `member`, `segment` or `token_header` | name of the part at fault, such as `exp`; see [`Fault`](doorward_core::Fault) |
/// | `problem` | problem of that part |
/// | `count` | number of decisions that a line with the outcome `left_out` stands for |
/// | `action`, `about` | kind of the requested action and its subject, such as `event` and `echo` |
/// | `namespace`, `user`, `socket` | namespace, user and socket of the decision |
/// | `session` | first 32 bits of the hash of the session's id |
/// | `network` | first 24 bits of the client's IPv4 address, or first 48 bits of its IPv6 address |
///
/// # Examples
/// ```
/// use doorward::{audit::JsonLinesAudit, prelude::*};
///
/// # let folder = std::env::temp_dir().join(format!("audit-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("audit.jsonl");
/// let builder = Doorward::builder().audit(JsonLinesAudit::open(&path)?);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct JsonLinesAudit {
    orders: SyncSender<Order>,
    shared: Arc<Shared>,
}

/// State that the sink shares with its thread.
#[derive(Debug, Default)]
struct Shared {
    /// Number of lines that are not in the file yet, and of answers that were not given yet.
    waiting: AtomicUsize,
    /// Each caller of [`JsonLinesAudit::flush`] holds a clone. While there is such a caller, lines
    /// that cannot be written are given up.
    flushing: Arc<()>,
    /// `true` if the thread must reopen the file.
    reopen: AtomicBool,
    /// Number of records that will never be in the file.
    dropped: AtomicU64,
    /// Number of the dropped records whose lines were logged. Records that were dropped to make
    /// room are not logged and not counted here.
    given_up: AtomicU64,
}

/// Message to the thread that writes the file.
enum Order {
    /// Write this line.
    Line(String),
    /// Report when every line that was sent before this order is written or given up.
    Answer(oneshot::Sender<()>),
    /// Wake up and check the flags in [`Shared`].
    Wake,
}

impl JsonLinesAudit {
    /// Opens the file and starts the thread that appends lines to it. A missing file is created,
    /// and on Unix only its owner can read it.
    ///
    /// # Errors
    /// The error of the operating system, if the file cannot be opened or the thread cannot be
    /// started.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref().to_owned();
        let file = open(&path)?;
        let (orders, ordered) = sync_channel(QUEUE);
        let shared = Arc::<Shared>::default();
        let writer =
            Writer { path, file, is_broken: false, failing: None, shared: Arc::clone(&shared) };
        thread::Builder::new().name("audit".to_owned()).spawn(move || writer.run(&ordered))?;
        Ok(Self { orders, shared })
    }

    /// Reopens the file at its path. Call this method after the old file was moved away. The thread
    /// reopens the file as soon as it has finished its current work, and the log reports the
    /// outcome.
    pub fn reopen(&self) {
        self.shared.reopen.store(true, Ordering::Release);
        // If the queue is full, the thread is awake and will see the flag.
        self.orders.try_send(Order::Wake).ok();
    }

    /// Waits until every earlier record is in the file or was given up. A record that cannot be
    /// written while this method waits is given up and goes to the log.
    ///
    /// # Cancel safety
    /// Dropping the future loses no record.
    pub async fn flush(&self) {
        let _flushing = Arc::clone(&self.shared.flushing);
        self.written().await;
    }
}

impl Audit for JsonLinesAudit {
    fn record(&self, record: &AuditRecord<'_>) {
        let waiting = self.shared.waiting.load(Ordering::Relaxed);
        // Any client can cause these records. They must not crowd out records of admissions,
        // sign-ins and revocations.
        if record.is_by_stranger() && waiting >= QUEUE / 2 {
            return self.shared.drop_one();
        }
        self.shared.add_waiting(1);
        let sent = self.orders.try_send(Order::Line(line(record)));
        if let Err(TrySendError::Full(order) | TrySendError::Disconnected(order)) = sent {
            self.shared.remove_waiting(1);
            if let Order::Line(line) = order {
                self.shared.give_up(&line, &"too many records are waiting");
            }
        }
    }

    fn written(&self) -> BoxFuture<'_, bool> {
        let before = self.shared.given_up.load(Ordering::Acquire);
        let (answer, answered) = oneshot::channel();
        let mut order = Some(Order::Answer(answer));
        Box::pin(async move {
            while let Some(next) = order.take() {
                // An answer takes the place of a line, so `has_room` must know of it.
                self.shared.add_waiting(1);
                let Err(refused) = self.orders.try_send(next) else { break };
                self.shared.remove_waiting(1);
                if let TrySendError::Full(again) = refused {
                    order = Some(again);
                    tokio::time::sleep(BETWEEN_LOOKS).await;
                }
            }
            // If the thread has ended, it has logged the lines that it could not write.
            answered.await.is_ok() && self.shared.given_up.load(Ordering::Acquire) == before
        })
    }

    fn has_room(&self) -> bool {
        self.shared.waiting.load(Ordering::Relaxed) < QUEUE / 4 * 3
    }
}

/// State of the thread that writes the file.
struct Writer {
    path: PathBuf,
    file: File,
    /// `true` if the last line may have been written only in part. The next line then begins with a
    /// line break.
    is_broken: bool,
    /// Value of [`Shared::dropped`] when writing began to fail. `None` while writing succeeds.
    failing: Option<u64>,
    shared: Arc<Shared>,
}

impl Writer {
    fn run(mut self, orders: &Receiver<Order>) {
        let mut lines: Vec<String> = Vec::new();
        let mut answers = Vec::new();
        while let Ok(first) = orders.recv() {
            for order in std::iter::once(first).chain(orders.try_iter()).take(BATCH) {
                match order {
                    Order::Line(line) => lines.push(line),
                    Order::Answer(answer) => answers.push(answer),
                    Order::Wake => {}
                }
            }
            self.write_all(&lines);
            self.shared.remove_waiting(lines.len() + answers.len());
            lines.clear();
            for answer in answers.drain(..) {
                // The caller may have stopped waiting.
                answer.send(()).ok();
            }
        }
    }

    /// Writes lines to the file, and retries until each line is written or given up.
    fn write_all(&mut self, lines: &[String]) {
        if self.shared.reopen.swap(false, Ordering::AcqRel) {
            self.reopen();
        }
        let mut rest = lines;
        while let Some(first) = rest.first() {
            match self.write(first) {
                Ok(()) => {
                    rest = rest.get(1..).unwrap_or_default();
                    if let Some(before) = self.failing.take() {
                        let dropped = self.shared.dropped.load(Ordering::Relaxed) - before;
                        tracing::warn!(dropped, "Audit records are written again.");
                    }
                }
                Err(error) if self.is_over() => {
                    for line in rest {
                        self.shared.give_up(line, &error);
                    }
                    return;
                }
                Err(error) => {
                    if self.failing.is_none() {
                        let path = self.path.display();
                        tracing::error!(%path, %error, "Audit records cannot be written; they wait.");
                        self.failing = Some(self.shared.dropped.load(Ordering::Relaxed));
                    }
                    thread::park_timeout(BETWEEN_ATTEMPTS);
                    if self.shared.reopen.swap(false, Ordering::AcqRel) {
                        self.reopen();
                    }
                }
            }
        }
    }

    /// Returns `true` if lines that cannot be written are given up now, because a caller flushes or
    /// the sink was dropped.
    fn is_over(&self) -> bool {
        Arc::strong_count(&self.shared.flushing) > 1 || Arc::strong_count(&self.shared) == 1
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        if is_deleted(&self.file, &self.path)? {
            self.file = create(&self.path)?;
            self.is_broken = false;
            tracing::warn!(path = %self.path.display(), "The audit file was deleted. A new one was created.");
        }
        let begin: &[u8] = if self.is_broken { b"\n" } else { b"" };
        let written = self.file.write_all(&[begin, line.as_bytes()].concat());
        self.is_broken = written.is_err();
        written
    }

    fn reopen(&mut self) {
        match open(&self.path) {
            Ok(file) => {
                self.file = file;
                self.is_broken = false;
                tracing::info!(path = %self.path.display(), "The audit file was reopened.");
            }
            Err(error) => {
                let path = self.path.display();
                tracing::error!(%path, %error, "The audit file cannot be reopened; the old one is still used.");
            }
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    options().create(true).open(path)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Creates a file at `path`. Another file or a link that has this name is not used, because other
/// users might read or replace it.
fn create(path: &Path) -> io::Result<File> {
    options().create_new(true).open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => io::Error::new(error.kind(), REPLACED),
        _ => error,
    })
}

/// Returns `true` if the file has no name any more. What is written to such a file is lost when it
/// is closed. A file that was only renamed is not deleted.
#[cfg(unix)]
fn is_deleted(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let own = file.metadata()?;
    // Some file systems count no names. There, the path leads to the same file.
    let is_same = |other: std::fs::Metadata| (other.dev(), other.ino()) == (own.dev(), own.ino());
    Ok(own.nlink() == 0 && !std::fs::metadata(path).is_ok_and(is_same))
}

#[cfg(not(unix))]
fn is_deleted(_: &File, _: &Path) -> io::Result<bool> {
    Ok(false)
}

impl Shared {
    fn add_waiting(&self, orders: usize) {
        let before = self.waiting.fetch_add(orders, Ordering::Relaxed);
        metrics::gauge!("doorward_audit_waiting").set((before + orders) as f64);
    }

    fn remove_waiting(&self, orders: usize) {
        let before = self.waiting.fetch_sub(orders, Ordering::Relaxed);
        metrics::gauge!("doorward_audit_waiting").set((before - orders) as f64);
    }

    /// Counts a record that will not be in the file.
    fn drop_one(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("doorward_audit_dropped_total").increment(1);
    }

    /// Counts a record that will not be in the file, and logs its line.
    fn give_up(&self, line: &str, reason: &dyn std::fmt::Display) {
        self.given_up.fetch_add(1, Ordering::Release);
        self.drop_one();
        let record = line.trim_end();
        tracing::error!(target: "doorward::audit", %reason, record, "An audit record was not written.");
    }
}

/// Maximum number of lines and answers that may wait. They take about 20 MB.
const QUEUE: usize = 65_536;

/// Error of a deleted file whose name another file has taken.
const REPLACED: &str = "the audit file was deleted, and another file has its name: reopen it";

/// Maximum number of orders that are handled between two checks of the shared flags.
const BATCH: usize = 512;

/// Interval between attempts to write a line.
const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(1);

/// Interval between attempts to send an order to a full queue.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

#[cfg(all(test, target_os = "linux"))]
mod tests;
