//! Outages of the session store: clients are neither admitted on a guess nor refused for good.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use doorward::{
    Limits, Revoke, UserId,
    audit::Decision,
    auth::{RefusalReason, TokenId},
    guard::{Guard, GuardContext, Verdict},
    server::Clock as _,
    session::{LeaseError, MemoryStore, SessionId},
    store::{RevocationState, RevocationStore, StoreError, StoreFuture},
    test::{ManualClock, TestEnd},
};
use doorward_testkit::Log;
use serde_json::{Value, json};

use crate::{
    fixture::while_time_passes,
    lasting::{Lasting, Member, echo},
};
use tracing::Level;

/// Revocation store that can fail, hang or answer slowly.
#[derive(Clone, Default)]
struct Cut {
    store: MemoryStore,
    /// Each question fails.
    is_away: Arc<AtomicBool>,
    /// Questions get no answer.
    hangs: Arc<AtomicBool>,
    /// The clock, and how many milliseconds each answer takes.
    slow: Arc<Mutex<Option<(ManualClock, u64)>>>,
    /// Number of questions asked.
    asked: Arc<AtomicUsize>,
    /// Number of slow answers.
    answers: Arc<AtomicUsize>,
}

impl Cut {
    fn away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }

    /// Passes a question on to the store in memory, unless this one is unavailable.
    fn pass<'a, T: Send + 'a>(&'a self, answer: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
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

impl RevocationStore for Cut {
    fn read<'a>(
        &'a self,
        user: &'a UserId,
        session: Option<&'a SessionId>,
        token: Option<&'a TokenId>,
    ) -> StoreFuture<'a, RevocationState> {
        self.pass(self.store.read(user, session, token))
    }

    fn bump<'a>(&'a self, user: &'a UserId, at: SystemTime) -> StoreFuture<'a, u64> {
        self.pass(self.store.bump(user, at))
    }

    fn end_session<'a>(&'a self, session: &'a SessionId, at: SystemTime) -> StoreFuture<'a, ()> {
        self.pass(self.store.end_session(session, at))
    }

    fn end_token<'a>(&'a self, token: &'a TokenId, at: SystemTime) -> StoreFuture<'a, ()> {
        self.pass(self.store.end_token(token, at))
    }
}

async fn start() -> (Lasting, Cut) {
    let cut = Cut::default();
    let own = cut.clone();
    (Lasting::with(|builder| builder.revocations(own).gateway(echo())).await, cut)
}

/// Advances the clock by seconds, with turns for the tasks of the server in between.
async fn pass_time(lasting: &Lasting, seconds: u64) {
    pass(lasting, seconds, Duration::from_secs(1)).await;
}

async fn pass(lasting: &Lasting, steps: u64, step: Duration) {
    for _ in 0..steps {
        lasting.clock.advance(step);
        // A sweep takes several turns: each answer of the store resumes it.
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
}

/// Attack 92: the transport ends without an answer, so a stock client reconnects.
#[tokio::test]
async fn no_client_is_admitted_while_the_store_is_unavailable() {
    let (lasting, cut) = start().await;
    cut.away(true);

    let outcome = lasting.server.visitor().try_connect("/", json!({ "user": "alice" })).await;

    assert!(matches!(outcome, Err(None)), "{outcome:?}");
    assert_eq!(lasting.audit.outcomes(), [Decision::Undecided(RefusalReason::Unavailable)]);
    cut.away(false);
    lasting.connect(json!({ "user": "alice" })).await;
}

#[tokio::test]
async fn sockets_outlive_an_outage_of_the_store_for_thirty_seconds() {
    let (lasting, cut) = start().await;
    let mut client = lasting.connect(json!({ "user": "alice" })).await;
    cut.away(true);

    // The default `store_grace` is 30 s. Its last three seconds are for ending sockets in groups.
    pass_time(&lasting, 26).await;
    assert_eq!(client.emit_with_ack::<u8>("echo", 1).await, 1);
    pass_time(&lasting, 1).await;

    assert_eq!(client.ended().await, TestEnd::Passing);
    let ended: Value = client.expect_event("session_ended").await;
    assert_eq!((&ended["code"], &ended["retry"]), (&json!("unavailable"), &json!("later")));
}

/// A store that neither answers nor fails must not keep sockets alive for longer.
#[tokio::test]
async fn sockets_end_after_the_same_time_when_the_store_hangs() {
    let (lasting, cut) = start().await;
    let mut client = lasting.connect(json!({ "user": "alice" })).await;
    cut.hangs.store(true, Ordering::SeqCst);

    pass_time(&lasting, 30).await;

    assert_eq!(client.has_ended().await, Some(TestEnd::Passing));
}

#[tokio::test]
async fn short_outages_of_the_store_end_no_socket() {
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

/// Another server has stored the revocation while this one could not read it.
#[tokio::test]
async fn a_socket_revoked_during_an_outage_ends_after_it() {
    let (lasting, cut) = start().await;
    let mut client = lasting.connect(json!({ "user": "alice" })).await;
    cut.away(true);
    pass_time(&lasting, 15).await;
    cut.store.bump(&"alice".into(), doorward::server::Clock::wall(&lasting.clock)).await.unwrap();
    cut.away(false);

    pass_time(&lasting, 10).await;

    assert_eq!(client.has_ended().await, Some(TestEnd::Final));
}

#[tokio::test]
async fn a_revocation_that_cannot_be_stored_is_an_error_and_ends_local_sockets() {
    let (lasting, cut) = start().await;
    let mut client = lasting.connect(json!({ "user": "alice" })).await;
    cut.away(true);

    let error = lasting.principals().revoke(Revoke::User("alice".into())).await.unwrap_err();

    assert_eq!(error.to_string(), "the revocation was not stored");
    assert_eq!(client.ended().await, TestEnd::Final);
}

/// The sweep asks a slow store more questions at a time. A socket that was not asked about yet does not end.
#[tokio::test]
async fn a_slow_store_ends_no_socket() {
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
    // In 120 s each socket is asked about roughly ten times.
    let answers = cut.answers.load(Ordering::SeqCst);
    assert!(answers >= 8 * CLIENTS, "{answers}");
}

/// The store recovers within `store_grace`, but its slow sweep reaches some sockets only afterwards.
#[tokio::test]
async fn a_store_that_recovers_slowly_ends_no_socket() {
    const CLIENTS: usize = 400;
    let limits = |limits: &mut Limits| limits.sweep_interval = Duration::from_secs(2);
    let cut = Cut::default();
    let own = cut.clone();
    let lasting =
        Lasting::with(|builder| builder.revocations(own).limits(limits).gateway(echo())).await;
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

/// Answers about other sockets must not keep a socket alive whose own questions fail.
#[tokio::test]
async fn a_socket_whose_own_check_fails_ends_although_others_succeed() {
    let (lasting, _) = start().await;
    let mut alice = lasting.connect(json!({ "user": "alice", "session": "s" })).await;
    let mut bob = lasting.connect(json!({ "user": "bob" })).await;
    lasting.lease.answers(|_| Err(LeaseError::Unavailable("no answer".into())));

    pass_time(&lasting, 40).await;

    assert_eq!(alice.has_ended().await, Some(TestEnd::Passing));
    assert_eq!(bob.has_ended().await, None);
}

/// A socket whose own lookup fails right after an outage has waited since the outage began.
#[tokio::test]
async fn an_outage_counts_for_a_socket_that_gets_no_answer_after_it() {
    let (lasting, cut) = start().await;
    let mut alice = lasting.connect(json!({ "user": "alice", "session": "s" })).await;
    let mut bob = lasting.connect(json!({ "user": "bob" })).await;
    cut.away(true);
    pass_time(&lasting, 20).await;
    lasting.lease.answers(|_| Err(LeaseError::Unavailable("no answer".into())));
    cut.away(false);

    pass_time(&lasting, 20).await;

    assert_eq!(alice.has_ended().await, Some(TestEnd::Passing));
    assert_eq!(bob.has_ended().await, None);
}

/// Between two sweeps, a store that answers is left alone.
#[tokio::test]
async fn a_store_that_answers_is_asked_once_in_an_interval() {
    let (lasting, cut) = start().await;
    let _alice = lasting.connect(json!({ "user": "alice" })).await;
    pass_time(&lasting, 60).await;
    cut.asked.store(0, Ordering::SeqCst);

    pass_time(&lasting, 60).await;

    let sweeps = 60 / Limits::default().sweep_interval.as_secs();
    let asked = cut.asked.load(Ordering::SeqCst) as u64;
    assert!((sweeps - 1..=sweeps + 1).contains(&asked), "{asked}");
}

/// A sweep that gave up must not start again at once for the sockets that it did not reach.
#[tokio::test]
async fn an_unavailable_store_is_asked_every_two_seconds_for_any_number_of_sockets() {
    let (lasting, cut) = start().await;
    let mut clients = Vec::new();
    for number in 0..300 {
        clients.push(lasting.connect(json!({ "user": format!("user{number}") })).await);
    }
    cut.away(true);
    pass_time(&lasting, 12).await;
    cut.asked.store(0, Ordering::SeqCst);

    pass(&lasting, 100, Duration::from_millis(100)).await;

    // Ten seconds have five or six sweeps. A sweep gives up after 64 failures, with at most 63 more
    // questions open.
    let asked = cut.asked.load(Ordering::SeqCst);
    assert!((4 * 64..=6 * 127).contains(&asked), "{asked}");
}

/// A server without sockets has no sweep to notice that the store is back. The next revocation or
/// admission notices it.
#[tokio::test]
async fn an_outage_found_by_a_revocation_ends_with_the_next_answer() {
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

/// A client program with one account and many links reconnects every few seconds.
#[tokio::test]
async fn a_user_over_budget_causes_no_query_to_the_store() {
    let cut = Cut::default();
    let (own, limits) = (cut.clone(), |limits: &mut Limits| limits.max_user_attempts = 1);
    let lasting =
        Lasting::with(|builder| builder.revocations(own).limits(limits).gateway(echo())).await;
    lasting.connect(json!({ "user": "alice" })).await;
    let asked = cut.asked.load(Ordering::SeqCst);

    lasting.server.expect_turned_away("/", json!({ "user": "alice" })).await;

    assert_eq!(cut.asked.load(Ordering::SeqCst), asked);
}

/// A store that hangs never returns an error that could be logged, so the deadline of the admission is.
#[tokio::test]
async fn a_store_that_hangs_is_logged_when_an_admission_times_out() {
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

/// Guard that waits for a service that hangs.
struct Hangs;

impl Guard<Member> for Hangs {
    async fn check(&self, _: GuardContext<'_, Member>) -> Verdict {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_guard_that_hangs_is_logged_when_an_admission_times_out() {
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

/// One line with the cause at the beginning and one at the end, for any number of sockets.
#[tokio::test]
async fn an_outage_is_logged_once_and_so_is_its_end() {
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

    // The sweep and the admissions are logged apart.
    let begun = log.lines_with("Unavailable.");
    assert_eq!(begun.len(), 2, "{begun:?}");
    assert!(begun[0].contains(r#"what="store""#) && begun[0].contains("connection refused"));
    assert!(begun[1].contains(r#"what="admission""#) && begun[1].contains("connection refused"));
    let over = log.lines_with("Available again.");
    assert_eq!(over.len(), 2, "{over:?}");
    assert!(over[0].contains("seconds=1") && over[0].contains("failures="), "{over:?}");
    assert_eq!(log.lines_with("ERROR").len(), 2);
}

/// The issuer of some tokens does not answer, and the stores do. More sockets fail than a sweep looks
/// up at a time, and they are looked up first.
#[tokio::test]
async fn an_issuer_that_is_away_ends_the_sockets_of_its_tokens_and_no_others() {
    let (lasting, _) = start().await;
    let mut of_the_issuer = Vec::new();
    for number in 0..100 {
        let auth = json!({ "user": format!("user-{number}"), "session": "shared" });
        of_the_issuer.push(lasting.connect(auth).await);
    }
    let mut other = lasting.connect(json!({ "user": "alice" })).await;
    let log = Log::default();
    let kept = log.keep(Level::INFO);
    lasting.lease.answers(|_| Err(LeaseError::Issuer("the issuer is away".into())));

    pass_time(&lasting, 26).await;
    assert_eq!(of_the_issuer[0].emit_with_ack::<u8>("echo", 1).await, 1);
    // They end one after the other, over three seconds.
    pass(&lasting, 300, Duration::from_millis(20)).await;

    for client in &mut of_the_issuer {
        assert_eq!(client.ended().await, TestEnd::Passing);
    }
    pass_time(&lasting, 120).await;
    assert_eq!(other.emit_with_ack::<u8>("echo", 1).await, 1);
    drop(kept);
    // It is no outage of the store.
    assert!(log.lines_with("what=\"store\"").is_empty(), "{:?}", log.lines());
    assert!(log.lines_with("session store").is_empty(), "{:?}", log.lines());
    assert!(!log.lines_with("The issuer of the tokens does not answer").is_empty());
}

/// The sweep keeps its interval, and notices that a store answers again.
#[tokio::test]
async fn an_issuer_that_is_away_does_not_hide_the_health_of_the_store() {
    let (lasting, cut) = start().await;
    let _of_the_issuer = lasting.connect(json!({ "user": "bob", "session": "shared" })).await;
    let _other = lasting.connect(json!({ "user": "alice" })).await;
    lasting.lease.answers(|_| Err(LeaseError::Issuer("the issuer is away".into())));
    let log = Log::default();
    let kept = log.keep(Level::INFO);

    let before = cut.asked.load(Ordering::SeqCst);
    pass_time(&lasting, 21).await;
    // Two sweeps of two sockets, and one for the end of the grace period.
    let asked = cut.asked.load(Ordering::SeqCst) - before;
    assert!((4..=6).contains(&asked), "{asked}");

    cut.away(true);
    pass_time(&lasting, 12).await;
    cut.away(false);
    pass_time(&lasting, 30).await;
    drop(kept);
    assert_eq!(log.lines_with("Unavailable.").len(), 1, "{:?}", log.lines());
    assert_eq!(log.lines_with("Available again.").len(), 1, "{:?}", log.lines());
}

#[tokio::test]
async fn an_issuer_that_answers_again_in_time_ends_no_socket() {
    let (lasting, _) = start().await;
    let mut client = lasting.connect(json!({ "user": "alice", "session": "shared" })).await;
    for _ in 0..5 {
        lasting.lease.answers(|_| Err(LeaseError::Issuer("the issuer is away".into())));
        // The last answer may be 10 s old, and a socket stays for 27 s after it.
        pass_time(&lasting, 16).await;
        lasting.lease.answers(|now| Ok(now + Duration::from_secs(3_600)));
        pass_time(&lasting, 20).await;
    }

    assert_eq!(client.emit_with_ack::<u8>("echo", 1).await, 1);
}

/// A client can cause such an answer, so it must not look like an outage.
#[tokio::test]
async fn an_undecided_credential_is_neither_refused_nor_an_outage() {
    let (lasting, _) = start().await;
    let log = Log::default();
    let kept = log.keep(Level::WARN);

    let undecided = json!({ "user": "alice", "error": "undecided" });
    for _ in 0..200 {
        let outcome = lasting.server.visitor().try_connect("/", undecided.clone()).await;
        assert!(matches!(outcome, Err(None)), "{outcome:?}");
    }
    let mut client = lasting.connect(json!({ "user": "alice" })).await;
    let answer: Value = client.emit_with_ack("auth:refresh", undecided).await;

    assert_eq!(answer["code"], "unavailable");
    assert_eq!(client.emit_with_ack::<u8>("echo", 1).await, 1);
    drop(kept);
    assert_eq!(log.lines(), Vec::<String>::new());
    let undecided = Decision::Undecided(RefusalReason::KeyUnknown);
    assert_eq!(lasting.audit.outcomes().iter().filter(|own| **own == undecided).count(), 200);
    assert_eq!(lasting.audit.outcomes().last(), Some(&Decision::Denied(RefusalReason::KeyUnknown)));
}
