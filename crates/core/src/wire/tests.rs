//! Compares payloads with golden files, which contain the exact text that a client reads. Each code
//! has a golden file, a row in the documentation and a TypeScript type.

use std::{fs, path::PathBuf, time::Duration};

use serde_json::Value;

use super::*;
use crate::{Detail, Entropy, RefusalReason};

/// Entropy source of zeros. It makes ids predictable, so that a golden file can contain them.
struct Zero;

impl Entropy for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn id() -> DecisionId {
    DecisionId::generate(&Zero)
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Checks that `shape` equals the golden file `name`.
fn check(name: &str, shape: &impl Serialize) {
    let path = root().join("tests/golden").join(name);
    let golden = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let golden: Value = serde_json::from_str(&golden).unwrap();
    let shape: Value = serde_json::to_value(shape).unwrap();
    assert_eq!(shape, golden, "{name} is not what a client reads any more");
}

/// Checks that the code has its row in the documentation and its type for clients.
fn check_documented(code: &str) {
    let docs = fs::read_to_string(root().join("../../docs/wire.md")).unwrap();
    assert!(docs.contains(&format!("| `{code}` |")), "docs/wire.md has no row for {code}");
    let types = fs::read_to_string(root().join("../../clients/js/src/wire.d.ts")).unwrap();
    assert!(
        types.contains(&format!("\"{code}\"")),
        "clients/js/src/wire.d.ts does not know {code}"
    );
}

fn refusal(code: RefusalCode) -> Refusal {
    match code {
        RefusalCode::AlreadyConnected => Refusal::already_connected(),
        RefusalCode::Application(code) => Refusal::new(code, "Invalid token"),
        RefusalCode::BadHandshake => Refusal::bad_handshake(),
        RefusalCode::Forbidden => Refusal::forbidden(),
        RefusalCode::InvalidNamespace => Refusal::invalid_namespace(),
        RefusalCode::ReauthenticationRequired => Refusal::reauthentication_required(),
        RefusalCode::SessionExpired => Refusal::session_expired(),
        RefusalCode::TokenExpired => Refusal::token_expired(),
        RefusalCode::TooManyRooms => Refusal::too_many_rooms(),
        RefusalCode::TooManyNamespaces => Refusal::too_many_namespaces(),
        RefusalCode::TooManyAttempts => Refusal::too_many_attempts(Duration::from_millis(4_001)),
        RefusalCode::Unauthenticated => Refusal::unauthenticated(RefusalReason::UserUnknown),
    }
}

#[test]
fn every_refusal_is_what_its_file_says() {
    for code in RefusalCode::ALL {
        let name = format!("connect_error.{}.json", code.as_str());
        check(&name, &ConnectError::new(&refusal(code), id()));
        check_documented(code.as_str());
    }
    let own = refusal(RefusalCode::Application("invalid_token".into()));
    check("connect_error.application.json", &ConnectError::new(&own, id()));
}

#[test]
fn every_failed_event_is_what_its_file_says() {
    for code in Exception::CODES {
        let detail = || vec![Detail { path: "age".into(), message: "expected u8".into() }];
        let exception = match code {
            "bad_payload" => Exception::bad_payload(detail()),
            "forbidden" => Exception::forbidden(),
            "internal" => Exception::internal(),
            "rate_limited" => Exception::rate_limited(Duration::from_millis(4_001)),
            "reauthentication_required" => Exception::reauthentication_required(),
            "timeout" => Exception::timeout(),
            "too_many_rooms" => Exception::too_many_rooms(),
            "unknown_event" => Exception::unknown_event(),
            other => panic!("{other} has no golden file"),
        };
        check(&format!("exception.{code}.json"), &ErrorAnswer::ack(&exception, id()));
        check_documented(code);
    }
    let own = Exception::new("not_covered", "There is no money")
        .retry_after(Duration::from_millis(1_500));
    check("exception.application.json", &ErrorAnswer::event(&own, id(), "pay"));
}

#[test]
fn every_announced_end_is_what_its_file_says() {
    for reason in SessionEnded::ANNOUNCED {
        let ended = SessionEnded::new(reason, id()).unwrap();
        check(&format!("session_ended.{}.json", reason.as_str()), &ended);
        check_documented(serde_json::to_value(&ended).unwrap()["code"].as_str().unwrap());
    }
}

#[test]
fn a_refresh_is_what_its_files_say() {
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_790_000_000_999);

    check("auth_expiring.json", &Expiring::new(at));
    check("auth_refresh.ok.json", &Refreshed::new(Some(at)));
    check("auth_refresh.error.json", &ErrorAnswer::refusal(&Refusal::token_expired(), id()));
    for event in [Expiring::EVENT, Refreshed::EVENT] {
        let docs = fs::read_to_string(root().join("../../docs/wire.md")).unwrap();
        assert!(docs.contains(&format!("`{event}")), "docs/wire.md does not say what {event} is");
    }
}

#[test]
fn a_problem_of_a_route_is_what_its_files_say() {
    let waiting = refusal(RefusalCode::TooManyAttempts);

    check(
        "problem.unauthenticated.json",
        &ProblemDocument::new(&refusal(RefusalCode::Unauthenticated), 401, None),
    );
    check("problem.too_many_attempts.json", &ProblemDocument::new(&waiting, 429, Some(id())));
    check("problem.unavailable.json", &ProblemDocument::unavailable(503, id()));
}

#[test]
fn no_golden_file_is_left_over() {
    let expected = RefusalCode::ALL.len()
        + Exception::CODES.len()
        + SessionEnded::ANNOUNCED.len()
        + ["connect_error.application.json", "exception.application.json"].len()
        + ["auth_expiring.json", "auth_refresh.ok.json", "auth_refresh.error.json"].len()
        + [
            "problem.unauthenticated.json",
            "problem.too_many_attempts.json",
            "problem.unavailable.json",
        ]
        .len();

    assert_eq!(fs::read_dir(root().join("tests/golden")).unwrap().count(), expected);
}
