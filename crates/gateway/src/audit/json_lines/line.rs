//! Formats one audit record as a line of JSON, and escapes what could end the line.

use std::{collections::BTreeMap, fmt::Write as _, time::SystemTime};

use doorward_core::{AuditRecord, Fault};
use serde::Serialize;

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
pub(super) fn line(record: &AuditRecord<'_>) -> String {
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
