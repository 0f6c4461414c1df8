//! The session store does not answer: no client is admitted on a guess.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use doorward::{
    BoxFuture, Clock as _, Decision, Epoch, Epochs, Guard, GuardContext, LeaseError, Limits,
    RefusalReason, Revoke, SessionId, StoreError, TokenId, UserId, Verdict,
    auth::MemoryStore,
    test::{ManualClock, TestEnd},
};
use doorward_testkit::Log;
use serde_json::{Value, json};

use crate::{
    fixture::while_time_passes,
    lasting::{Lasting, Member, echo},
};
use tracing::Level;

/// A store that can be cut off.
#[derive(Clone, Default)]
struct Cut {
    store: MemoryStore,
    is_away: Arc<AtomicBool>,
    hangs: Arc<AtomicBool>,
    /// The clock, and how many milliseconds each answer takes.
    slow: Arc<Mutex<Option<(ManualClock, u64)>>>,
    /// How many questions were asked.
    asked: Arc<AtomicUsize>,
    /// How many questions were answered.
    answers: Arc<AtomicUsize>,
}

impl Cut {
    fn away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }

    /// Passes a question on, unless the store is away.
    fn pass<'a, T: Send + 'a>(
        &'a self,
        answer: BoxFuture<'a, Result<T, StoreError>>,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.hangs.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            if self.is_away.load(Ordering::SeqCst) {
                return Err(StoreError::Unavailable("connection refused".into()));
            }
            let slow = self.slow.lock().unwrap().clone();
            if let Some((clock, millis)) = slow {
                clock.sleep_until(clock.now() + Duration::from_millis(millis)).await;
                self.answers.fetch_add(1, Ordering::SeqCst);
            }
            answer.await
        })
    }
}

impl Epochs for Cut {
    fn read<'a>(
        &'a self,
        user: &'a UserId,
        session: Option<&'a SessionId>,
        token: Option<&'a TokenId>,
    ) -> BoxFuture<'a, Result<Epoch, StoreError>> {
        self.pass(self.store.read(user, session, token))
    }

    fn bump<'a>(
        &'a self,
        user: &'a UserId,
        at: SystemTime,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        self.pass(self.store.bump(user, at))
    }

    fn end_session<'a>(
        &'a self,
        session: &'a SessionId,
        at: SystemTime,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.pass(self.store.end_session(session, at))
    }

    fn end_token<'a>(
        &'a self,
        token: &'a TokenId,
        at: SystemTime,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.pass(self.store.end_token(token, at))
    }
}

async fn start() -> (Lasting, Cut) {
    let cut = Cut::default();
    let own = cut.clone();
    (Lasting::with(|builder| builder.epochs(own).gateway(echo())).await, cut)
}

/// Lets the tasks of the server have their turns between two steps of the clock.
async fn pass_time(lasting: &Lasting, seconds: u64) {
    pass(lasting, seconds, Duration::from_secs(1)).await;
}

async fn pass(lasting: &Lasting, steps: u64, step: Duration) {
    for _ in 0..steps {
        lasting.clock.advance(step);
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
}

/// Attack 92: nobody is let in on a guess, and nobody is refused for good.
#[tokio::test]
async fn nobody_is_admitted_while_the_store_is_away() {
    let (lasting, cut) = start().await;
    cut.away(true);

    let outcome = lasting.server.visitor().try_connect("/", json!({ "user": "alice" })).await;

    assert!(matches!(outcome, Err(None)), "{outcome:?}");
    assert_eq!(lasting.audit.outcomes(), [Decision::Undecided(RefusalReason::Unavailable)]);
    cut.away(false);
    lasting.connect(json!({ "user": "alice" })).await;
}

#[tokio::test]
async fn sockets_go_on_for_half_a_minute_without_the_store_and_no_longer() {
    let (lasting, cut) = start().await;
    let mut client = lasting.connect(json!({ "user": "alice" })).await;
    cut.away(true);

    pass_time(&lasting, 26).await;
    assert_eq!(client.emit_with_ack::<u8>("echo", 1).await, 1);
    pass_time(&lasting, 4).await;

    assert_eq!(client.ended().await, TestEnd::Passing);
    let ended: Value = client.expect_event("session_ended").await;
    assert_eq!((&ended["code"], &ended["retry"]), (&json!("unavailable"), &json!("later")));
}

/// A store that does not even say no.
#[tokio::test]
async fn sockets_end_in_time_when_the_store_hangs() {
    let (lasting, cut) = start().await;
    let mut client = lasting.connect(json!({ "user": "alice" })).await;
    cut.hangs.store(true, Ordering::SeqCst);

    pass_time(&lasting, 30).await;

    assert_eq!(client.has_ended().await, Some(TestEnd::Passing));
}

#[tokio::test]
async fn a_store_that_comes_back_in_time_ends_nobody() {
    let (lasting, cut) = start().await;
    let mut client = lasting.connect(json!({ "user": "alice" })).await;

    for _ in 0..3 {
        cut.away(true);
        pass_time(&lasting, 15).await;
        cut.away(false);
        pass_time(&lasting, 10).await;
    }

    assert_eq!(client.emit_with_ack::<u8>("echo", 1).await, 1);
}

/// What was revoked while this server could not ask is found when it can.
#[tokio::test]
async fn what_was_revoked_during_the_outage_ends_when_the_store_is_back() {
    let (lasting, cut) = start().await;
    let mut client = lasting.connect(json!({ "user": "alice" })).await;
    cut.away(true);
    pass_time(&lasting, 15).await;
    cut.store.bump(&"alice".into(), doorward::Clock::wall(&lasting.clock)).await.unwrap();
    cut.away(false);

    pass_time(&lasting, 10).await;

    assert_eq!(client.has_ended().await, Some(TestEnd::Final));
}

#[tokio::test]
async fn a_revocation_that_the_store_does_not_take_is_an_error() {
    let (lasting, cut) = start().await;
    let mut client = lasting.connect(json!({ "user": "alice" })).await;
    cut.away(true);

    let error = lasting.principals().revoke(Revoke::User("alice".into())).await.unwrap_err();

    assert_eq!(error.to_string(), "the revocation was not written down");
    assert_eq!(client.ended().await, TestEnd::Final);
}

/// A store that is slow is asked more at a time, and no socket ends because its turn has not come yet.
#[tokio::test]
async fn a_store_that_answers_slowly_ends_nobody() {
    const CLIENTS: usize = 1_000;
    let (lasting, cut) = start().await;
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        clients.push(lasting.connect(json!({ "user": format!("user{number}") })).await);
    }
    *cut.slow.lock().unwrap() = Some((lasting.clock.clone(), 1_900));

    for _ in 0..120 {
        pass_time(&lasting, 1).await;
    }

    assert_eq!(lasting.server.doorward().connections(), CLIENTS);
    for client in &mut clients {
        assert_eq!(client.has_ended().await, None);
    }
    // Each was asked after in time, ten times or so.
    let answers = cut.answers.load(Ordering::SeqCst);
    assert!(answers >= 8 * CLIENTS, "{answers}");
}

/// The store is back before the time is over, and a slow sweep has not reached every socket when it is.
#[tokio::test]
async fn a_store_that_comes_back_slowly_ends_no_socket() {
    const CLIENTS: usize = 400;
    let limits = Limits { sweep_interval: Duration::from_secs(2), ..Limits::default() };
    let cut = Cut::default();
    let own = cut.clone();
    let lasting = Lasting::with(|builder| builder.epochs(own).limits(limits).gateway(echo())).await;
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        clients.push(lasting.connect(json!({ "user": format!("user{number}") })).await);
    }
    cut.away(true);
    pass_time(&lasting, 25).await;

    *cut.slow.lock().unwrap() = Some((lasting.clock.clone(), 1_900));
    cut.away(false);
    pass_time(&lasting, 30).await;

    assert_eq!(lasting.server.doorward().connections(), CLIENTS);
    for client in &mut clients {
        assert_eq!(client.has_ended().await, None);
    }
}

/// A store that answers other questions is no reason to go on without an answer to this one.
#[tokio::test]
async fn a_socket_whose_own_question_fails_ends_while_the_store_answers_others() {
    let (lasting, _) = start().await;
    let mut alice = lasting.connect(json!({ "user": "alice", "session": "s" })).await;
    let mut bob = lasting.connect(json!({ "user": "bob" })).await;
    lasting.lease.answers(|_| Err(LeaseError::Unavailable("no answer".into())));

    pass_time(&lasting, 40).await;

    assert_eq!(alice.has_ended().await, Some(TestEnd::Passing));
    assert_eq!(bob.has_ended().await, None);
}

/// The questions that were left are no reason to ask again at once.
#[tokio::test]
async fn a_store_that_is_away_is_asked_every_two_seconds_however_many_sockets_there_are() {
    let (lasting, cut) = start().await;
    let mut clients = Vec::new();
    for number in 0..300 {
        clients.push(lasting.connect(json!({ "user": format!("user{number}") })).await);
    }
    cut.away(true);
    pass_time(&lasting, 12).await;
    cut.asked.store(0, Ordering::SeqCst);

    pass(&lasting, 100, Duration::from_millis(100)).await;

    // In ten seconds there are five sweeps or six. When 64 questions have failed, 63 more are open at most.
    let asked = cut.asked.load(Ordering::SeqCst);
    assert!((4 * 64..=6 * 127).contains(&asked), "{asked}");
}

/// A server without sockets asks its store when it is asked itself.
#[tokio::test]
async fn an_outage_that_a_revocation_has_met_is_over_when_the_store_answers() {
    for is_revoked_again in [true, false] {
        let log = Log::default();
        let _kept = log.keep(Level::INFO);
        let (lasting, cut) = start().await;
        cut.away(true);
        let revoke = async || lasting.principals().revoke(Revoke::User("alice".into())).await;
        assert!(revoke().await.is_err());
        cut.away(false);
        pass_time(&lasting, 5).await;

        if is_revoked_again {
            revoke().await.unwrap();
        } else {
            lasting.connect(json!({ "user": "bob" })).await;
        }

        assert_eq!(log.lines_with(r#"Available again. what="store""#).len(), 1);
    }
}

/// What does not even fail is told as well.
/// A service with one account and many links comes back every few seconds.
#[tokio::test]
async fn a_user_whose_budget_is_used_up_is_no_work_for_the_store() {
    let cut = Cut::default();
    let (own, limits) = (cut.clone(), Limits { max_user_attempts: 1, ..Limits::default() });
    let lasting = Lasting::with(|builder| builder.epochs(own).limits(limits).gateway(echo())).await;
    lasting.connect(json!({ "user": "alice" })).await;
    let asked = cut.asked.load(Ordering::SeqCst);

    lasting.server.expect_turned_away("/", json!({ "user": "alice" })).await;

    assert_eq!(cut.asked.load(Ordering::SeqCst), asked);
}

#[tokio::test]
async fn a_store_that_hangs_is_told_when_admissions_wait_for_it() {
    let log = Log::default();
    let _kept = log.keep(Level::INFO);
    let (lasting, cut) = start().await;
    cut.hangs.store(true, Ordering::SeqCst);

    let visitor = lasting.server.visitor();
    let entering = visitor.try_connect("/", json!({ "user": "alice" }));
    assert!(while_time_passes(&lasting.clock, entering).await.is_err());

    let told = log.lines_with(r#"Unavailable. what="admission" cause="no answer in time""#);
    assert_eq!(told.len(), 1);
    let undecided = Decision::Undecided(RefusalReason::DeadlinePassed);
    assert_eq!(lasting.audit.outcomes(), [undecided]);
}

/// Asks a service that hangs.
struct Hangs;

impl Guard<Member> for Hangs {
    async fn check(&self, _: GuardContext<'_, Member>) -> Verdict {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_guard_that_hangs_is_told_when_admissions_wait_for_it() {
    let log = Log::default();
    let _kept = log.keep(Level::INFO);
    let lasting = Lasting::with(|builder| builder.guard(Hangs).gateway(echo())).await;

    let visitor = lasting.server.visitor();
    let entering = visitor.try_connect("/", json!({ "user": "alice" }));
    assert!(while_time_passes(&lasting.clock, entering).await.is_err());

    let told = log.lines_with(r#"Unavailable. what="admission" cause="no answer in time""#);
    assert_eq!(told.len(), 1);
    let undecided = Decision::Undecided(RefusalReason::GuardTimeout);
    assert_eq!(lasting.audit.outcomes(), [undecided]);
}

/// One line when it begins, with the cause, and one when it is over, however many sockets there are.
#[tokio::test]
async fn an_outage_is_told_once_and_so_is_its_end() {
    let log = Log::default();
    let _kept = log.keep(Level::INFO);
    let (lasting, cut) = start().await;
    let mut clients = Vec::new();
    for number in 0..200 {
        clients.push(lasting.connect(json!({ "user": format!("user{number}") })).await);
    }

    cut.away(true);
    pass_time(&lasting, 20).await;
    for _ in 0..20 {
        let refused = lasting.server.visitor().try_connect("/", json!({ "user": "late" })).await;
        assert!(refused.is_err());
    }
    cut.away(false);
    pass_time(&lasting, 10).await;
    lasting.connect(json!({ "user": "late" })).await;

    let begun = log.lines_with("Unavailable.");
    assert_eq!(begun.len(), 2, "{begun:?}");
    assert!(begun[0].contains(r#"what="store""#) && begun[0].contains("connection refused"));
    assert!(begun[1].contains(r#"what="admission""#) && begun[1].contains("connection refused"));
    let over = log.lines_with("Available again.");
    assert_eq!(over.len(), 2, "{over:?}");
    assert!(over[0].contains("seconds=1") && over[0].contains("failures="), "{over:?}");
    assert_eq!(log.lines_with("ERROR").len(), 2);
}
