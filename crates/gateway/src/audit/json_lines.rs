//! Writes audit records to a file, one JSON object per line.
//!
//! A separate thread writes the file, so no decision waits for the disk. A line that cannot be
//! written is kept and retried, so that a full disk loses no record of an admission, a sign-in or a
//! revocation. The number of waiting lines is limited (see [`JsonLinesAudit`]). Start reading at
//! [`Writer::run`].

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::{Duration, SystemTime},
};

use doorward_core::{Audit, AuditRecord, BoxFuture, Fault};
use serde::Serialize;
use tokio::sync::oneshot;

/// Writes each record as one line of JSON to a file, in the order in which the decisions were made.
///
/// A separate thread writes each line at once. If the process is killed, the lines that wait at
/// that moment are lost, usually none. A power failure may lose more lines. A line that cannot be
/// written, for example because the disk is full, waits and is retried every second. The log
/// reports once that such a problem begins, and once that it ends.
///
/// Up to 65,536 lines may wait. When half of them wait, records that any client can cause are
/// dropped ([`AuditRecord::is_by_stranger`]). When three quarters wait,
/// [`has_room`](Audit::has_room) is `false` and no client is admitted. Records beyond the maximum
/// go to the log. The metric `doorward_audit_dropped_total` counts every record that is not in the
/// file.
///
/// | member | content |
/// |---|---|
/// | `at` | time of the decision, as RFC 3339 in UTC |
/// | `id` | id of the decision; the client reads it too |
/// | `outcome`, `reason` | the decision and its reason |
/// | `claim`, `flag`, `header`, `member`, `segment` or `token_header` | name of the part at fault, such as `exp`; see [`Fault`] |
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
    /// Number of lines that are not in the file yet.
    waiting: AtomicUsize,
    /// Number of running `flush` calls. While one runs, lines that cannot be written are given up.
    flushing: AtomicUsize,
    /// `true` if the file must be reopened.
    reopen: AtomicBool,
    /// Number of records that will never be in the file.
    dropped: AtomicU64,
}

enum Order {
    Line(String),
    /// Report when every line before this order is written or given up. The report is `true` if no
    /// line of the same batch was given up.
    Answer(oneshot::Sender<bool>),
    /// Check the flags in the shared state.
    Wake,
}

impl JsonLinesAudit {
    /// Opens the file and starts the thread, which appends lines. A new file can be read only by
    /// its owner.
    ///
    /// # Errors
    /// The error of the operating system.
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

    /// Reopens the file at its path, after the old file was moved away. The thread does so at once,
    /// and the log reports the outcome.
    pub fn reopen(&self) {
        self.shared.reopen.store(true, Ordering::Release);
        // If the queue is full, the thread is awake and will see the flag.
        self.orders.try_send(Order::Wake).ok();
    }

    /// Waits until every earlier record is in the file. Records that cannot be written now go to
    /// the log.
    ///
    /// # Cancel safety
    /// Dropping the future loses no record.
    pub async fn flush(&self) {
        let _flushing = Flushing::begin(&self.shared.flushing);
        self.written().await;
    }
}

/// Counts a caller of `flush` until it is dropped.
struct Flushing<'a>(&'a AtomicUsize);

impl<'a> Flushing<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for Flushing<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
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
        self.shared.wait_for(1);
        let sent = self.orders.try_send(Order::Line(line(record)));
        if let Err(TrySendError::Full(order) | TrySendError::Disconnected(order)) = sent {
            self.shared.are_done(1);
            if let Order::Line(line) = order {
                self.shared.give_up(&line, &"too many records are waiting");
            }
        }
    }

    fn written(&self) -> BoxFuture<'_, bool> {
        let (answer, answered) = oneshot::channel();
        let mut order = Some(Order::Answer(answer));
        Box::pin(async move {
            while let Some(next) = order.take() {
                match self.orders.try_send(next) {
                    Err(TrySendError::Full(again)) => {
                        order = Some(again);
                        tokio::time::sleep(BETWEEN_LOOKS).await;
                    }
                    Ok(()) | Err(TrySendError::Disconnected(_)) => {}
                }
            }
            // If the thread has ended, it has logged the lines that it could not write.
            answered.await.unwrap_or(false)
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
    /// `true` if a line was written in part. The next line then begins with a line break.
    is_broken: bool,
    /// Number of dropped records when writing began to fail; `None` while writing succeeds.
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
            let are_kept = self.write_all(&lines);
            self.shared.are_done(lines.len());
            lines.clear();
            for answer in answers.drain(..) {
                // The caller may have stopped waiting.
                answer.send(are_kept).ok();
            }
        }
    }

    /// Writes lines, and retries until they are written or given up. Returns `true` if all are
    /// written.
    fn write_all(&mut self, lines: &[String]) -> bool {
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
                    return false;
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
        true
    }

    /// Returns `true` if failed lines are given up, as a caller flushes or the sink was dropped.
    fn is_over(&self) -> bool {
        self.shared.flushing.load(Ordering::Acquire) > 0 || Arc::strong_count(&self.shared) == 1
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        let begin: &[u8] = if self.is_broken { b"\n" } else { b"" };
        let written = self.file.write_all(&[begin, line.as_bytes()].concat());
        self.is_broken |= written.is_err();
        if written.is_ok() {
            self.is_broken = false;
        }
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
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

impl Shared {
    fn wait_for(&self, lines: usize) {
        let before = self.waiting.fetch_add(lines, Ordering::Relaxed);
        metrics::gauge!("doorward_audit_waiting").set((before + lines) as f64);
    }

    fn are_done(&self, lines: usize) {
        let before = self.waiting.fetch_sub(lines, Ordering::Relaxed);
        metrics::gauge!("doorward_audit_waiting").set((before - lines) as f64);
    }

    /// Counts a record that will not be in the file.
    fn drop_one(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("doorward_audit_dropped_total").increment(1);
    }

    /// Counts a record that will not be in the file, and logs its line.
    fn give_up(&self, line: &str, reason: &dyn std::fmt::Display) {
        self.drop_one();
        let record = line.trim_end();
        tracing::error!(target: "doorward::audit", %reason, record, "An audit record was not written.");
    }
}

#[derive(Serialize)]
struct Line<'a> {
    at: String,
    id: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Kind and name of the part at fault, and its problem.
    #[serde(flatten)]
    fault: BTreeMap<&'static str, &'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    socket: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<String>,
}

/// Returns the line of one record, with the line break.
fn line(record: &AuditRecord<'_>) -> String {
    let line = Line {
        at: timestamp(record.at),
        id: record.id.encode(),
        outcome: record.outcome.as_str(),
        reason: record.outcome.reason(),
        fault: record.fault.map(fields).unwrap_or_default(),
        count: Some(record.outcome.count()).filter(|count| *count > 1),
        action: record.action.map(doorward_core::Action::as_str),
        about: record.action.and_then(doorward_core::Action::about),
        namespace: record.namespace,
        user: record.user.map(doorward_core::UserId::as_str),
        session: record.session_prefix(),
        socket: record.socket.map(|socket| socket.encode()),
        network: record.peer_prefix().map(|network| network.to_string()),
    };
    let json = serde_json::to_string(&line).expect("strings are JSON");
    let mut text = String::with_capacity(json.len() + 1);
    for char in json.chars() {
        // JSON allows these characters in strings (RFC 8259, section 7), but some readers take them
        // for the end of a line, and terminals interpret them. They occur only in strings, so they
        // may be escaped.
        if char.is_control() || matches!(char, '\u{2028}' | '\u{2029}') {
            write!(text, "\\u{:04x}", u32::from(char)).expect("a string takes everything");
        } else {
            text.push(char);
        }
    }
    text.push('\n');
    text
}

/// Returns the JSON members of a fault, such as `"claim": "exp"` and `"problem": "missing"`. The
/// kind of the part at fault is the name of its member.
fn fields(fault: Fault) -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([(fault.part().as_str(), fault.name()), ("problem", fault.problem().as_str())])
}

fn timestamp(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at).map_or_else(|_| String::new(), |at| format!("{at:.3}"))
}

/// Maximum number of lines that may wait. They take about 20 MB.
const QUEUE: usize = 65_536;

/// Maximum number of orders that are handled between two checks of the shared state.
const BATCH: usize = 512;

/// Interval between attempts to write a line.
const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(1);

/// Interval between attempts to send an order to a full queue.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use doorward_core::{
        Action, Decision, DecisionId, Part, Problem, RefusalReason, SessionId, UserId,
    };

    use super::*;
    use crate::runtime::system::OsEntropy;

    #[test]
    fn a_line_names_the_part_that_was_at_fault_and_the_problem() {
        let id = DecisionId::generate(&OsEntropy);
        let outcome = Decision::Refused(RefusalReason::TokenClaims);
        let record = AuditRecord::new(id, SystemTime::UNIX_EPOCH, outcome);
        let fault = Fault::new(Part::Claim, "exp", Problem::Missing);

        let with = line(&AuditRecord { fault: Some(fault), ..record.clone() });
        let without = line(&record);

        let part = r#""reason":"token_claims","claim":"exp","problem":"missing"}"#;
        assert!(with.ends_with(&format!("{part}\n")), "{with}");
        assert!(without.ends_with("\"reason\":\"token_claims\"}\n"), "{without}");
    }

    /// Attack 101: a record is one line, with any name in it.
    #[test]
    fn a_record_is_one_line_with_any_content() {
        let nasty = "a\nb\r\u{1b}[2J\u{85}\u{2028}\u{2029}\"\\{},\u{7f}";
        let user = UserId::new(nasty);
        let session = SessionId::new("secret session");
        let record = AuditRecord {
            action: Some(Action::Event(nasty)),
            namespace: Some(nasty),
            user: Some(&user),
            session: Some(&session),
            peer: Some([203, 0, 113, 77].into()),
            ..AuditRecord::new(
                DecisionId::generate(&OsEntropy),
                SystemTime::UNIX_EPOCH,
                Decision::Denied(RefusalReason::GuardDenied),
            )
        };

        let line = line(&record);

        assert!(line.ends_with('\n') && !line.trim_end_matches('\n').contains(char::is_control));
        assert!(!line.contains(['\u{2028}', '\u{2029}']) && !line.contains("secret session"));
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["user"], nasty);
        assert_eq!((&read["action"], &read["about"]), (&"event".into(), &nasty.into()));
        assert_eq!(read["at"], "1970-01-01T00:00:00.000Z");
        assert_eq!(
            (&read["reason"], &read["network"]),
            (&"guard_denied".into(), &"203.0.113.0".into())
        );
        assert_eq!(read["session"].as_str().unwrap().len(), 8);
    }
}
