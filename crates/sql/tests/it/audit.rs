//! Checks that audit records are in the file completely and once, and that they survive a restart.

use std::net::IpAddr;

use doorward_core::{
    Action, Audit, AuditRecord, Decision, DecisionId, DisconnectReason, Fault, Part, Problem,
    RefusalReason, SessionId, SocketId, UserId,
};
use sqlx::{Connection, SqliteConnection, query_as, query_scalar, sqlite::SqliteConnectOptions};

use crate::fixture::{Folder, Same, second};

type Row = (
    String,
    i64,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

async fn connect(folder: &Folder) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(folder.file());
    SqliteConnection::connect_with(&options).await.unwrap()
}

fn record(number: u8) -> AuditRecord<'static> {
    let id = DecisionId::generate(&Same(number));
    AuditRecord::new(id, second(u64::from(number)), Decision::Admitted)
}

/// The fault of a client's input has three columns, so that an operator can query it.
#[tokio::test]
async fn the_fault_of_a_refusal_is_in_its_row() {
    let folder = Folder::new();
    let audit = folder.open().await.audit();
    let outcome = Decision::Refused(RefusalReason::TokenClaims);
    let fault = Fault::new(Part::Claim, "exp", Problem::Missing);

    audit.record(&AuditRecord { outcome, fault: Some(fault), ..record(1) });
    audit.record(&AuditRecord { outcome, ..record(2) });
    audit.flush().await;

    let rows: Vec<String> = query_scalar(
        "SELECT concat_ws(' ', reason, fault_part, fault_name, fault_problem) FROM audit ORDER BY seq",
    )
    .fetch_all(&mut connect(&folder).await)
    .await
    .unwrap();
    assert_eq!(rows, ["token_claims claim exp missing", "token_claims"]);
}

#[tokio::test]
async fn every_field_of_a_record_is_in_its_row() {
    let folder = Folder::new();
    let audit = folder.open().await.audit();
    let (user, session) = (UserId::new("al'ice\n\u{2028}"), SessionId::new("s-1"));
    let peer: IpAddr = "203.0.113.77".parse().unwrap();
    let full = AuditRecord {
        outcome: Decision::Denied(RefusalReason::RoomDenied),
        action: Some(Action::Join("team:7")),
        namespace: Some("/chat"),
        user: Some(&user),
        session: Some(&session),
        socket: Some(SocketId::generate(&Same(2))),
        peer: Some(peer),
        ..record(1)
    };
    let ended = AuditRecord { outcome: Decision::Ended(DisconnectReason::Replaced), ..record(2) };

    audit.record(&full);
    audit.record(&ended);
    audit.flush().await;

    let rows: Vec<Row> = query_as(
        "SELECT id, at, outcome, reason, action, namespace, user_id, session_prefix, socket, \
         peer_prefix FROM audit ORDER BY seq",
    )
    .fetch_all(&mut connect(&folder).await)
    .await
    .unwrap();
    let text = |text: &str| Some(text.to_owned());
    let expected_full = (
        full.id.encode(),
        1_767_225_601_000,
        "denied".to_owned(),
        text("room_denied"),
        text("join team:7"),
        text("/chat"),
        text("al'ice\n\u{2028}"),
        full.session_prefix(),
        full.socket.map(|socket| socket.encode()),
        text("203.0.113.0"),
    );
    let expected_ended = (
        ended.id.encode(),
        1_767_225_602_000,
        "ended".to_owned(),
        text("replaced"),
        None,
        None,
        None,
        None,
        None,
        None,
    );
    assert_eq!(rows, [expected_full, expected_ended]);
}

/// There are as many rows as records, even if many tasks record at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_of_many_records_is_one_row() {
    let folder = Folder::new();
    let audit = folder.open().await.audit();
    let mut recording = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let audit = audit.clone();
        recording.spawn(async move {
            for number in 0..RECORDS / TASKS {
                let user = UserId::new(format!("{task}-{number}"));
                audit.record(&AuditRecord { user: Some(&user), ..record(7) });
            }
        });
    }

    recording.join_all().await;
    audit.flush().await;

    let counts: (i64, i64) = query_as("SELECT count(*), count(DISTINCT user_id) FROM audit")
        .fetch_one(&mut connect(&folder).await)
        .await
        .unwrap();
    assert_eq!(counts, (RECORDS, RECORDS));
}

const TASKS: i64 = 8;
const RECORDS: i64 = 50_000;

#[tokio::test]
async fn records_are_there_after_a_restart() {
    let folder = Folder::new();
    for number in 1..=3 {
        let store = folder.open().await;
        let audit = store.audit();
        audit.record(&record(number));
        audit.flush().await;
        store.close().await;
    }

    let times: Vec<i64> = query_scalar("SELECT at FROM audit ORDER BY seq")
        .fetch_all(&mut connect(&folder).await)
        .await
        .unwrap();
    assert_eq!(times, [1_767_225_601_000, 1_767_225_602_000, 1_767_225_603_000]);
}
