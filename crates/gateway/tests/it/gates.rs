//! Order of the steps of an admission, and the release of the resources that they acquired.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use doorward::{
    Revoke, UserId,
    audit::{Audit, AuditRecord, Decision},
    auth::{RefusalReason, TokenId},
    guard::{Guard, GuardContext, Verdict},
    prelude::*,
    session::SessionId,
    store::{
        BoxFuture, Reservation, RevocationState, RevocationStore, Seat, SeatError, SeatRequest,
        SeatStore, Seated, StoreError, StoreFuture,
    },
};
use doorward_testkit::{AuditLog, RawClient, Seen as Frame};
use tokio::sync::Semaphore;

use crate::fixture::{Fixture, GOOD, User, in_time};

/// Names of the steps that ran, in order.
#[derive(Clone, Default)]
struct Steps(Arc<Mutex<Vec<&'static str>>>);

impl Steps {
    fn add(&self, step: &'static str) {
        self.0.lock().unwrap().push(step);
    }

    fn taken(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

/// Guard that notes its call and returns a fixed verdict.
struct Asked(Steps, fn() -> Verdict);

impl Guard<User> for Asked {
    async fn check(&self, context: GuardContext<'_, User>) -> Verdict {
        assert_eq!(context.principal.name, "alice");
        self.0.add("guard");
        (self.1)()
    }
}

/// Revocation states that are read one after the other; the default state when none is left.
struct OneRevocation(Steps, Mutex<Vec<Result<RevocationState, StoreError>>>);

impl RevocationStore for OneRevocation {
    fn read<'a>(
        &'a self,
        _: &'a UserId,
        _: Option<&'a SessionId>,
        _: Option<&'a TokenId>,
    ) -> StoreFuture<'a, RevocationState> {
        self.0.add("epoch");
        let next = self.1.lock().unwrap().pop().unwrap_or(Ok(RevocationState::default()));
        Box::pin(async { next })
    }

    fn bump<'a>(&'a self, _: &'a UserId, _: SystemTime) -> StoreFuture<'a, u64> {
        unreachable!("no test here revokes")
    }

    fn end_session<'a>(&'a self, _: &'a SessionId, _: SystemTime) -> StoreFuture<'a, ()> {
        unreachable!("no test here revokes")
    }

    fn end_token<'a>(&'a self, _: &'a TokenId, _: SystemTime) -> StoreFuture<'a, ()> {
        unreachable!("no test here revokes")
    }
}

/// Seats that note their calls and grant or refuse as told.
#[derive(Clone)]
struct Recorded(Steps, fn() -> Result<(), SeatError>);

impl SeatStore for Recorded {
    fn reserve<'a>(
        &'a self,
        _: SeatRequest<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn Reservation>, SeatError>> {
        self.0.add("reserve");
        Box::pin(async {
            (self.1)().map(|()| Box::new(Held(self.0.clone())) as Box<dyn Reservation>)
        })
    }
}

/// Reservation, and the seat made of it; notes when it is dropped.
struct Held(Steps);

impl Reservation for Held {
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Seated, SeatError>> {
        self.0.add("commit");
        Box::pin(async { Ok(Seated { seat: self, replaced: Vec::new() }) })
    }
}

impl Seat for Held {}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.add("release");
    }
}

/// Starts a server that notes every step, and whose guard, seats, store and hook answer as told.
async fn recorded(
    verdict: fn() -> Verdict,
    seat: fn() -> Result<(), SeatError>,
    mut revocations: Vec<Result<RevocationState, StoreError>>,
    hook: fn() -> Result<(), Refusal>,
) -> (Fixture, Steps) {
    // States are taken from the end.
    revocations.reverse();
    let steps = Steps::default();
    let fixture = Fixture::with(|builder, _| {
        let hooked = steps.clone();
        builder
            .guard(Asked(steps.clone(), verdict))
            .seats(Recorded(steps.clone(), seat))
            .revocations(OneRevocation(steps.clone(), Mutex::new(revocations)))
            .gateway(Gateway::at("/").on_connect(move |_: Socket<User>| {
                hooked.add("on_connect");
                async move { hook() }
            }))
    })
    .await;
    (fixture, steps)
}

async fn refusal(fixture: &Fixture) -> String {
    let mut client = RawClient::open(fixture.address).await;
    client.text(GOOD).await;
    let code = client.json("44").await["data"]["code"].as_str().unwrap().to_owned();
    assert_eq!(client.rest().await, [Frame::Text("1".into()), Frame::Closed(Some(1000))]);
    code
}

#[tokio::test]
async fn admission_runs_its_steps_in_order() {
    let (fixture, steps) = recorded(|| Verdict::Allow, || Ok(()), Vec::new(), || Ok(())).await;

    let client = fixture.alice().await;

    // The revocation state is read again after the seat: see attack 87.
    assert_eq!(steps.taken(), ["epoch", "guard", "reserve", "epoch", "on_connect", "commit"]);
    drop(client);
    fixture.seen.disconnected.notified().await;
    assert_eq!(steps.taken().last(), Some(&"release"));
}

#[tokio::test]
async fn a_guard_protects_the_connection_itself() {
    let (fixture, steps) =
        recorded(|| Verdict::allow_if(false), || Ok(()), Vec::new(), || Ok(())).await;

    assert_eq!(refusal(&fixture).await, "forbidden");

    assert_eq!(steps.taken(), ["epoch", "guard"]);
    let record = fixture.audit.records().remove(0);
    assert_eq!(record.outcome, Decision::Refused(RefusalReason::GuardDenied));
    assert_eq!(record.user.as_deref(), Some("alice"));
}

/// Attack 83: a guard that panics while its future is polled.
#[tokio::test]
async fn a_guard_that_panics_denies() {
    let (fixture, _) =
        recorded(|| panic!("a guard that panics"), || Ok(()), Vec::new(), || Ok(())).await;

    assert_eq!(refusal(&fixture).await, "forbidden");

    assert_eq!(fixture.audit.outcomes(), [Decision::Refused(RefusalReason::Panicked)]);
}

/// Attack 83: a guard that panics before it returns a future.
#[tokio::test]
async fn a_guard_that_panics_at_once_denies() {
    struct AtOnce;
    impl Guard<User> for AtOnce {
        fn check(&self, _: GuardContext<'_, User>) -> impl Future<Output = Verdict> + Send {
            at_once()
        }
    }
    fn at_once() -> std::future::Ready<Verdict> {
        panic!("a guard that panics at once")
    }
    let fixture = Fixture::with(|builder, _| builder.guard(AtOnce)).await;

    assert_eq!(refusal(&fixture).await, "forbidden");
}

#[tokio::test]
async fn a_user_without_a_free_seat_is_already_connected() {
    let (fixture, _) =
        recorded(|| Verdict::Allow, || Err(SeatError::Full(Vec::new())), Vec::new(), || Ok(()))
            .await;

    assert_eq!(refusal(&fixture).await, "already_connected");
}

#[tokio::test]
async fn an_unavailable_seat_store_leaves_the_admission_undecided() {
    let away = || Err(SeatError::Unavailable("the store is away".into()));
    let (fixture, _) = recorded(|| Verdict::Allow, away, Vec::new(), || Ok(())).await;
    let mut client = RawClient::open(fixture.address).await;

    client.text(GOOD).await;

    assert_eq!(client.rest().await, [Frame::Closed(Some(1001))]);
    assert_eq!(fixture.audit.outcomes(), [Decision::Undecided(RefusalReason::Unavailable)]);
}

#[tokio::test]
async fn a_revoked_credential_is_refused_before_guards_and_seats() {
    let revoked = vec![Ok(RevocationState { is_ended: true, ..RevocationState::default() })];
    let (fixture, steps) = recorded(|| Verdict::Allow, || Ok(()), revoked, || Ok(())).await;

    assert_eq!(refusal(&fixture).await, "unauthenticated");

    assert_eq!(steps.taken(), ["epoch"]);
    assert_eq!(fixture.audit.outcomes(), [Decision::Refused(RefusalReason::Revoked)]);
}

/// Attack 87: verified, then revoked, then registered.
#[tokio::test]
async fn a_user_revoked_between_check_and_entry_is_refused() {
    let moved = {
        let epoch = |generation| Ok(RevocationState { generation, ..RevocationState::default() });
        vec![epoch(1), epoch(2)]
    };
    let (fixture, steps) = recorded(|| Verdict::Allow, || Ok(()), moved, || Ok(())).await;

    assert_eq!(refusal(&fixture).await, "unauthenticated");

    assert_eq!(steps.taken(), ["epoch", "guard", "reserve", "epoch", "release"]);
    assert_eq!(fixture.doorward.connections(), 0);
    assert_eq!(fixture.audit.outcomes(), [Decision::Refused(RefusalReason::RevokedMeanwhile)]);
}

/// Attack 91: a later step of the admission refuses.
#[tokio::test]
async fn a_connect_hook_that_refuses_releases_the_seat() {
    let refuse = || Err(Refusal::new("closed_today", "Closed today"));
    let (fixture, steps) = recorded(|| Verdict::Allow, || Ok(()), Vec::new(), refuse).await;

    assert_eq!(refusal(&fixture).await, "closed_today");

    assert_eq!(steps.taken().last(), Some(&"release"));
    assert_eq!(fixture.doorward.connections(), 0);
    // The fixture's own gateway on `/` had admitted the socket, so its disconnect hook runs.
    fixture.seen.disconnected.notified().await;
}

/// Audit whose disk answers when a test says so.
#[derive(Clone)]
struct Slow {
    log: AuditLog,
    /// One permit for each record that may be kept.
    kept: Arc<Semaphore>,
    has_room: Arc<AtomicBool>,
    loses: Arc<AtomicBool>,
}

impl Audit for Slow {
    fn record(&self, record: &AuditRecord<'_>) {
        self.log.record(record);
    }

    fn has_room(&self) -> bool {
        self.has_room.load(Ordering::SeqCst)
    }

    fn kept_first(&self) -> Option<BoxFuture<'_, bool>> {
        Some(Box::pin(async {
            self.kept.acquire().await.unwrap().forget();
            !self.loses.load(Ordering::SeqCst)
        }))
    }
}

impl Slow {
    fn new() -> Self {
        let has_room = Arc::new(AtomicBool::new(true));
        let (kept, loses) = (Arc::new(Semaphore::new(0)), Arc::default());
        Self { log: AuditLog::default(), kept, has_room, loses }
    }
}

/// If the process is killed, the audit has a record of every admitted client.
#[tokio::test]
async fn a_client_is_answered_after_its_audit_record_is_kept() {
    let audit = Slow::new();
    let fixture = Fixture::with(|builder, _| builder.audit(audit.clone())).await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(GOOD).await;
    audit.log.wait_for(1).await;
    // The record is made but not kept, so there is no answer yet.
    let silence = tokio::time::timeout(Duration::from_millis(50), client.packet()).await;
    assert!(silence.is_err(), "{silence:?}");

    audit.kept.add_permits(1);

    client.json("40").await;
    assert_eq!(audit.log.outcomes(), [Decision::Admitted]);
}

/// A stored revocation takes effect even if its audit record is never kept.
#[tokio::test]
async fn a_revocation_does_not_wait_for_an_audit_that_hangs() {
    let audit = Slow::new();
    audit.kept.add_permits(1);
    let fixture = Fixture::with(|builder, _| builder.audit(audit.clone())).await;
    let _client = fixture.alice().await;
    let principals = fixture.doorward.principals();
    let order = tokio::spawn(async move { principals.revoke(Revoke::User("alice".into())).await });
    in_time(audit.log.wait_for(2)).await;

    // The time a revocation waits for its record.
    fixture.clock.advance(Duration::from_secs(2));

    let done = in_time(order).await.unwrap().unwrap();
    assert_eq!((done.closed, done.missing.len()), (1, 0));
    let ended = Decision::Ended(DisconnectReason::Revoked);
    assert_eq!(audit.log.outcomes(), [Decision::Admitted, Decision::Revoked, ended]);
}

/// Without a record in time the client is not admitted, and the older socket keeps its seat.
#[tokio::test]
async fn a_client_whose_audit_record_times_out_replaces_no_socket() {
    let audit = Slow::new();
    audit.kept.add_permits(1);
    let fixture = Fixture::with(|builder, _| {
        builder.audit(audit.clone()).connections(PerUser::ReplaceOldest(1))
    })
    .await;
    let mut old = fixture.alice().await;
    let mut new = RawClient::open(fixture.address).await;
    new.text(GOOD).await;
    in_time(audit.log.wait_for(2)).await;

    fixture.clock.advance(Duration::from_secs(5));

    assert_eq!(in_time(new.packet()).await, None);
    old.text(r#"420["echo",1]"#).await;
    assert_eq!(in_time(old.packet()).await.as_deref(), Some("430[1]"));
    let expected = [
        Decision::Admitted,
        Decision::Admitted,
        Decision::Ended(DisconnectReason::Refused),
        Decision::Undecided(RefusalReason::DeadlinePassed),
    ];
    assert_eq!(audit.log.outcomes(), expected);
}

#[tokio::test]
async fn shutdown_records_the_end_of_a_client_whose_audit_record_is_pending() {
    let audit = Slow::new();
    let mut fixture = Fixture::with(|builder, _| builder.audit(audit.clone())).await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(GOOD).await;
    in_time(audit.log.wait_for(1)).await;

    fixture.stop.notify_one();
    in_time(client.rest()).await;
    drop(client);
    in_time(&mut fixture.task).await.unwrap();

    let expected = [
        Decision::Admitted,
        Decision::Ended(DisconnectReason::Shutdown),
        Decision::Undecided(RefusalReason::ShuttingDown),
    ];
    assert_eq!(audit.log.outcomes(), expected);
}

#[tokio::test]
async fn a_client_whose_audit_record_is_lost_is_not_admitted() {
    let audit = Slow::new();
    audit.loses.store(true, Ordering::SeqCst);
    audit.kept.add_permits(1);
    let fixture = Fixture::with(|builder, _| builder.audit(audit.clone())).await;
    let mut client = RawClient::open(fixture.address).await;

    client.text(GOOD).await;

    assert_eq!(client.packet().await, None);
    assert_eq!(fixture.doorward.connections(), 0);
}

/// Audit that panics, and claims that it has kept everything.
struct Panics;

impl Audit for Panics {
    fn record(&self, _: &AuditRecord<'_>) {
        panic!("an audit that panics");
    }

    fn kept_first(&self) -> Option<BoxFuture<'_, bool>> {
        Some(self.written())
    }
}

#[tokio::test]
async fn a_client_whose_record_makes_the_audit_panic_is_not_admitted() {
    let fixture = Fixture::with(|builder, _| builder.audit(Panics)).await;
    let mut client = RawClient::open(fixture.address).await;

    client.text(GOOD).await;

    assert_eq!(client.packet().await, None);
    assert_eq!(fixture.doorward.connections(), 0);
}

/// If the audit cannot record a decision, no decision is made. The link closes and the client
/// reconnects.
#[tokio::test]
async fn no_client_is_admitted_while_the_audit_has_no_room() {
    let audit = Slow::new();
    audit.kept.add_permits(1);
    audit.has_room.store(false, Ordering::SeqCst);
    let fixture = Fixture::with(|builder, _| builder.audit(audit.clone())).await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(GOOD).await;
    assert_eq!(client.packet().await, None);
    assert_eq!((fixture.doorward.connections(), fixture.authentications()), (0, 0));

    audit.has_room.store(true, Ordering::SeqCst);

    fixture.alice().await;
}
