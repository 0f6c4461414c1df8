//! Writes audit records to a file, one JSON object a line.

use std::{
    fmt::Write as _,
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::Path,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use doorward_core::{Audit, AuditRecord};
use serde::Serialize;

/// Writes each record as one line of JSON to a file, in the order in which the decisions were made.
///
/// A line is written with one system call before the decision is acted on, so a process that is killed
/// loses none; a power cut may lose the last ones. When a line cannot be written (the disk is full) the
/// record goes to the log as an error.
///
/// | member | what it says |
/// |---|---|
/// | `at` | when, as RFC 3339 in UTC |
/// | `id` | names the decision; the client reads it too |
/// | `outcome`, `reason` | what was decided, and why |
/// | `action`, `about` | what was asked for, such as `event` `echo` |
/// | `namespace`, `user`, `socket` | where, for whom |
/// | `session` | the first 32 bits of the hash of the session's id |
/// | `network` | from where: 24 bits of IPv4, 48 of IPv6 |
///
/// # Examples
/// ```
/// use doorward::{JsonLinesAudit, prelude::*};
///
/// # let folder = std::env::temp_dir().join(format!("audit-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("audit.jsonl");
/// let builder = Doorward::builder().audit(JsonLinesAudit::open(&path)?);
/// # drop(builder);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct JsonLinesAudit {
    /// Protects the order of the lines; held for one write. A line that was not written whole is ended
    /// before the next.
    file: Mutex<(File, bool)>,
}

impl JsonLinesAudit {
    /// Opens the file, or makes one that only its owner may read. Lines are added at its end.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self { file: Mutex::new((options.open(path)?, false)) })
    }
}

impl Audit for JsonLinesAudit {
    fn record(&self, record: &AuditRecord<'_>) {
        let line = line(record);
        let mut locked = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, is_broken) = &mut *locked;
        let begin: &[u8] = if *is_broken { b"\n" } else { b"" };
        let written = file.write_all(begin).and_then(|()| file.write_all(line.as_bytes()));
        *is_broken = written.is_err();
        if let Err(error) = written {
            tracing::error!(%error, record = line.trim_end(), "An audit record was not written.");
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    at: String,
    id: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
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

/// Writes one record, with the line break.
fn line(record: &AuditRecord<'_>) -> String {
    let line = Line {
        at: timestamp(record.at),
        id: record.id.encode(),
        outcome: record.outcome.as_str(),
        reason: record.outcome.reason(),
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
        // JSON lets these be, and there are readers that take them for the end of a line or obey them.
        // They only occur within strings, where they may be escaped.
        if char.is_control() || matches!(char, '\u{2028}' | '\u{2029}') {
            write!(text, "\\u{:04x}", u32::from(char)).expect("a string takes everything");
        } else {
            text.push(char);
        }
    }
    text.push('\n');
    text
}

fn timestamp(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at).map_or_else(|_| String::new(), |at| format!("{at:.3}"))
}

#[cfg(test)]
mod tests {
    use doorward_core::{Action, Decision, DecisionId, RefusalReason, SessionId, UserId};

    use super::*;
    use crate::OsEntropy;

    /// Attack 101: whatever somebody is called, a record is one line.
    #[test]
    fn a_record_is_one_line_whatever_is_in_it() {
        let nasty = "a\nb\r\u{1b}[2J\u{85}\u{2028}\u{2029}\"\\{},\u{7f}";
        let user = UserId::new(nasty);
        let session = SessionId::new("secret session");
        let record = AuditRecord {
            id: DecisionId::generate(&OsEntropy),
            at: SystemTime::UNIX_EPOCH,
            outcome: Decision::Denied(RefusalReason::GuardDenied),
            action: Some(Action::Event(nasty)),
            namespace: Some(nasty),
            user: Some(&user),
            session: Some(&session),
            socket: None,
            peer: Some([203, 0, 113, 77].into()),
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
