//! Asks an authorization server about opaque tokens, while it answers, lies and is away.

use std::{net::IpAddr, sync::Arc, time::Duration};

use doorward_auth::{
    AuthenticateError, Authenticator, Claims, Grant, HasUserId as _, Introspection, RefusalReason,
};
use doorward_core::{
    Causes, Handshake, HandshakeRequest, HasScopes as _, Headers, Lease, LeaseError,
};
use doorward_testkit::{Answer, Asked, Log, LyingIssuer};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use tracing::Level;

use crate::{
    forge::{NOW, at, handshake_at},
    world::done,
};

const PATH: &str = "/introspect";

async fn world() -> (LyingIssuer, Introspection) {
    let issuer = LyingIssuer::start().await.unwrap();
    let url = format!("{}{PATH}", issuer.url());
    let tokens = Introspection::at(url, "chat:1", "s3cret/+").audience("chat").unwrap();
    (issuer, tokens)
}

/// Returns the answer about an active token of `alice`, with further members.
fn active(more: &Value) -> Answer {
    let mut answer = json!({
        "active": true, "sub": "alice", "aud": "chat", "scope": "read write",
        "exp": NOW + 100_000, "iat": NOW - 60, "client_id": "shop", "token_type": "Bearer",
    });
    for (name, value) in more.as_object().unwrap() {
        answer[name] = value.clone();
    }
    answer.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    Answer::json(answer.to_string())
}

fn inactive() -> Answer {
    Answer::json(r#"{"active": false}"#)
}

async fn show(tokens: &Introspection, token: &str, seconds: u64) -> Result<Grant<Claims>, String> {
    let auth = json!({ "token": token }).to_string();
    tokens.authenticate(handshake_at(&auth, seconds)).await.map_err(|error| match error {
        AuthenticateError::Refused(refusal) => {
            format!("{} {}", refusal.reason(), refusal.fault().unwrap())
        }
        AuthenticateError::Unavailable(_) => "away".to_owned(),
        other => panic!("{other:?}"),
    })
}

async fn renew(lease: &Arc<dyn Lease>, seconds: u64) -> &'static str {
    match lease.renew(at(seconds)).await {
        Ok(()) => "active",
        Err(LeaseError::Outdated) => "outdated",
        Err(LeaseError::Issuer(_)) => "away",
        Err(other) => panic!("{other:?}"),
    }
}

/// RFC 7662, sections 2.1 and 2.2.
#[tokio::test]
async fn an_active_token_grants_what_the_answer_says() {
    let (issuer, tokens) = world().await;
    issuer.answer(PATH, active(&json!({"jti": "t-1", "sid": "s-1", "auth_time": NOW - 60})));

    let grant = show(&tokens, "opaque/token+~=", NOW).await.unwrap();

    assert_eq!((grant.user.as_str(), grant.principal.user_id().as_str()), ("alice", "alice"));
    assert_eq!(grant.session.unwrap().as_str(), "s-1");
    assert_eq!(grant.token.unwrap().as_str(), "t-1");
    assert_eq!(grant.expires_at, Some(at(NOW + 100_000)));
    assert!(grant.issued.is_some() && grant.signed_in_at.is_some());
    assert!(grant.principal.has_scope("write") && !grant.principal.has_scope("admin"));
    let asked = issuer.requests().remove(0);
    assert_eq!(asked.line, format!("POST {PATH} HTTP/1.1"));
    assert_eq!(asked.body, "token=opaque%2Ftoken%2B%7E%3D&token_type_hint=access_token");
    // The client id and the secret are encoded before they are joined (RFC 6749 section 2.3.1).
    let head = asked.head.to_ascii_lowercase();
    let pair = base64("chat%3A1:s3cret%2F%2B").to_ascii_lowercase();
    assert!(head.contains(&format!("authorization: basic {pair}")), "{head}");
    assert!(head.contains("content-type: application/x-www-form-urlencoded"), "{head}");
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[tokio::test]
async fn a_token_is_refused_if_it_is_inactive_or_its_answer_breaks_a_rule() {
    let (issuer, tokens) = world().await;
    for (answer, expected) in [
        (inactive(), "token_inactive member auth.token: unknown"),
        (active(&json!({"aud": "shop"})), "token_claims claim aud: mismatch"),
        (active(&json!({"aud": null})), "token_claims claim aud: missing"),
        (active(&json!({"sub": null})), "token_claims claim sub: missing"),
        (active(&json!({"sub": "a\nb"})), "token_claims claim sub: malformed"),
        (active(&json!({"exp": NOW - 1})), "token_expired claim exp: in_the_past"),
        (active(&json!({"nbf": NOW + 60})), "token_too_early claim nbf: in_the_future"),
        (active(&json!({"exp": "soon"})), "token_claims claim exp: wrong_type"),
        (
            Answer::Full(400, String::new(), br#"{"error":"unsupported_token_type"}"#.to_vec()),
            "token_inactive member auth.token: unknown",
        ),
    ] {
        issuer.answer(PATH, answer);
        let token = format!("token-{}", issuer.requests().len());
        assert_eq!(show(&tokens, &token, NOW).await.unwrap_err(), expected);
    }
    let strict = Introspection::at(format!("{}{PATH}", issuer.url()), "a", "b")
        .issued_by("https://id")
        .user_claim("username")
        .danger_any_audience()
        .unwrap();
    issuer.answer(PATH, active(&json!({"iss": "https://other", "username": "al"})));
    assert_eq!(show(&strict, "x", NOW).await.unwrap_err(), "token_claims claim iss: mismatch");
    issuer.answer(PATH, active(&json!({"iss": "https://id", "username": "al", "aud": "any"})));
    assert_eq!(show(&strict, "y", NOW).await.unwrap().user.as_str(), "al");
}

#[tokio::test]
async fn text_that_is_no_token_is_not_sent_to_the_authorization_server() {
    let (issuer, tokens) = world().await;
    issuer.answer(PATH, active(&json!({})));

    for (token, problem) in [
        ("", "malformed"),
        ("a b", "malformed"),
        ("a\r\nb", "malformed"),
        ("ä", "malformed"),
        ("bearer abc", "prefixed"),
        (&*"a".repeat(8 * 1024 + 1), "too_long"),
    ] {
        let expected = format!("token_malformed member auth.token: {problem}");
        assert_eq!(show(&tokens, token, NOW).await.unwrap_err(), expected);
    }
    assert_eq!(issuer.requests().len(), 0);
}

#[tokio::test]
async fn an_answer_is_used_for_ten_seconds_and_shared_by_clients_that_arrive_together() {
    let (issuer, tokens) = world().await;
    let (answer, permits) = active(&json!({})).held();
    issuer.answer(PATH, answer);

    let all = async {
        tokio::join!(show(&tokens, "a", NOW), show(&tokens, "a", NOW), show(&tokens, "a", NOW))
    };
    let release = async {
        while issuer.asked(PATH) == 0 {
            tokio::task::yield_now().await;
        }
        permits.add_permits(100);
    };
    let ((one, two, three), ()) = tokio::join!(all, release);
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert!(show(&tokens, "a", NOW + 10).await.is_ok());
    assert_eq!(issuer.asked(PATH), 1);
    assert!(show(&tokens, "b", NOW + 10).await.is_ok());
    assert!(show(&tokens, "a", NOW + 11).await.is_ok());
    assert_eq!(issuer.asked(PATH), 3);
    // A refusal is remembered as well.
    issuer.answer(PATH, inactive());
    for second in 20..30 {
        assert!(show(&tokens, "c", NOW + second).await.is_err());
    }
    assert_eq!(issuer.asked(PATH), 4);
}

#[tokio::test]
async fn a_lease_ends_when_the_token_is_no_longer_active() {
    let (issuer, tokens) = world().await;
    issuer.answer(PATH, active(&json!({})));
    let lease = show(&tokens, "a", NOW).await.unwrap().lease.unwrap();

    assert_eq!(lease.expires_at(), None);
    assert_eq!(renew(&lease, NOW + 10).await, "active");
    issuer.answer(PATH, inactive());
    // An answer for clients that connect is not new enough for a lease.
    assert_eq!(renew(&lease, NOW + 12).await, "outdated");
    // The answer names another user or another audience, or the token has expired.
    for more in [json!({"sub": "bob"}), json!({"aud": "shop"}), json!({"exp": NOW})] {
        issuer.answer(PATH, active(&json!({})));
        let token = format!("t-{}", issuer.asked(PATH));
        let lease = show(&tokens, &token, NOW).await.unwrap().lease.unwrap();
        issuer.answer(PATH, active(&more));
        assert_eq!(renew(&lease, NOW + 5).await, "outdated");
    }
}

#[tokio::test]
async fn sockets_with_one_token_share_one_question_in_a_sweep() {
    let (issuer, tokens) = world().await;
    issuer.answer(PATH, active(&json!({})));
    let mut leases = Vec::new();
    for _ in 0..20 {
        leases.push(show(&tokens, "a", NOW).await.unwrap().lease.unwrap());
    }

    for lease in &leases {
        assert_eq!(renew(lease, NOW + 10).await, "active");
    }
    assert_eq!(issuer.asked(PATH), 2);
}

#[tokio::test]
async fn while_the_server_is_away_nothing_is_decided_and_it_is_asked_rarely() {
    let (issuer, tokens) = world().await;
    issuer.answer(PATH, active(&json!({})));
    let lease = show(&tokens, "a", NOW).await.unwrap().lease.unwrap();
    let log = Log::default();
    let kept = log.keep(Level::INFO);
    for answer in [503, 429, 401, 503, 503] {
        issuer.answer(PATH, Answer::status(answer));
        let token = format!("t-{}", issuer.asked(PATH));
        assert_eq!(show(&tokens, &token, NOW + 20).await.unwrap_err(), "away");
    }
    let before = issuer.asked(PATH);

    // Five questions have failed, so none is asked for 5 seconds.
    for second in 20..25 {
        assert_eq!(show(&tokens, "b", NOW + second).await.unwrap_err(), "away");
    }
    assert_eq!(issuer.asked(PATH), before);
    // Connected sockets have a circuit breaker of their own.
    for second in 20..25 {
        assert_eq!(renew(&lease, NOW + second).await, "away");
    }
    assert_eq!(renew(&lease, NOW + 25).await, "away");
    assert_eq!(issuer.asked(PATH), before + 5);
    issuer.answer(PATH, active(&json!({})));
    assert_eq!(renew(&lease, NOW + 30).await, "active");
    assert!(show(&tokens, "b", NOW + 25).await.is_ok());
    drop(kept);
    // One outage is logged once, although the two circuit breakers open and close by themselves.
    assert_eq!(log.lines_with("does not answer").len(), 1);
    assert_eq!(log.lines_with("answers again").len(), 1);
}

/// Returns the address of a server that was ended.
async fn ended() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_asked_rarely() {
    let url = format!("http://{}{PATH}", ended().await);
    let tokens = Introspection::at(url, "chat", "secret").audience("chat").unwrap();
    let cause = async |token: &str, seconds: u64| {
        let error = tokens.verify(token, at(seconds)).await.unwrap_err();
        Causes(&error).to_string()
    };
    let log = Log::default();
    let kept = log.keep(Level::ERROR);

    for token in ["a", "b", "c", "d", "e"] {
        let cause = cause(token, NOW).await;
        assert!(cause.contains("the connection or the request failed"), "{cause}");
    }
    let cause = cause("f", NOW + 4).await;
    drop(kept);

    assert!(cause.contains("it has failed several times"), "{cause}");
    assert_eq!(log.lines_with("does not answer").len(), 1);
}

/// A runtime that shuts down drops a spawned task at once. The request of the task then takes a lock,
/// which its caller must have released.
#[test]
fn requests_on_a_runtime_that_shuts_down_end() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (issuer, tokens) = runtime.block_on(world());
    let keys = doorward_auth::Jwt::issuer(issuer.url()).audience("chat").unwrap();
    let closed = runtime.handle().clone();
    drop(runtime);
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _entered = closed.enter();
        let introspected = done(Box::pin(tokens.verify("a", at(NOW))));
        done(Box::pin(keys.prepare(at(NOW)))).unwrap_err();
        sender.send(introspected.is_err()).unwrap();
    });

    assert_eq!(receiver.recv_timeout(Duration::from_secs(30)), Ok(true));
}

/// A stranger chooses the token, and may find one for which the authorization server fails.
#[tokio::test]
async fn a_failure_that_a_token_may_have_caused_does_not_stop_the_questions_about_others() {
    let large = format!(r#"{{"active": true, "padding": "{}"}}"#, "a".repeat(64 * 1024));
    for answer in [
        Answer::Full(400, String::new(), br#"{"error":"invalid_request"}"#.to_vec()),
        Answer::status(403),
        Answer::status(500),
        Answer::redirect("http://169.254.169.254/"),
        Answer::json("<html>"),
        Answer::json(r#"{"active": "true"}"#),
        Answer::json(r#"{"active": true, "active": false}"#),
        Answer::json(large),
        Answer::Hangup,
    ] {
        let (issuer, tokens) = world().await;
        let lie = answer.clone();
        issuer.answer_with(PATH, move |asked: &Asked| {
            if asked.body.contains("odd") { lie.clone() } else { active(&json!({})) }
        });
        let lease = show(&tokens, "good", NOW).await.unwrap().lease.unwrap();

        for index in 0..50 {
            assert_eq!(show(&tokens, &format!("odd{index}"), NOW).await.unwrap_err(), "away");
        }

        let shown = format!("{answer:?}").chars().take(60).collect::<String>();
        assert!(show(&tokens, "new", NOW).await.is_ok(), "{shown}");
        assert_eq!(renew(&lease, NOW + 10).await, "active", "{shown}");
    }
}

/// RFC 7662, section 2.2: all members but `active` are optional.
#[tokio::test]
async fn a_token_without_an_expiry_is_accepted_with_and_without_a_time_of_issue() {
    let (issuer, tokens) = world().await;
    for (index, issued) in
        [json!(null), json!(NOW - 60), json!(NOW), json!(1)].into_iter().enumerate()
    {
        issuer.answer(PATH, active(&json!({"exp": null, "iat": issued})));
        let grant = show(&tokens, &format!("t{index}"), NOW).await.unwrap();
        assert_eq!(grant.expires_at, None);
        assert_eq!(renew(&grant.lease.unwrap(), NOW + 20).await, "active");
    }
}

#[tokio::test]
async fn a_wrong_client_secret_is_reported_and_no_client_is_refused() {
    let (issuer, tokens) = world().await;
    let log = Log::default();
    let kept = log.keep(Level::INFO);
    issuer.answer(PATH, Answer::status(401));

    for index in 0..10 {
        assert_eq!(show(&tokens, &format!("t-{index}"), NOW).await.unwrap_err(), "away");
    }
    drop(kept);

    let lines = log.lines_with("refused the client id or the client secret");
    assert_eq!(lines.len(), 1, "{:?}", log.lines());
    assert!(!lines[0].contains("s3cret") && !lines[0].contains("t-1"), "{lines:?}");
}

/// Makes the handshake of a client at this address.
fn from(address: &str, token: &str) -> Handshake {
    let shown = handshake_at(&json!({ "token": token }).to_string(), NOW);
    let peer = (address.parse::<IpAddr>().unwrap(), 1).into();
    let request = HandshakeRequest::new(Headers::default(), "", Some(peer));
    Handshake::new(Arc::new(request), "/", shown.auth, shown.at)
}

/// Questions of one network have a bound, and questions about connected sockets have places of their own.
#[tokio::test]
async fn strangers_with_made_up_tokens_keep_out_neither_others_nor_connected_sockets() {
    let (issuer, tokens) = world().await;
    issuer.answer_with(PATH, |asked: &Asked| {
        if asked.body.contains("madeup") { Answer::Never } else { active(&json!({})) }
    });
    let lease = show(&tokens, "a", NOW).await.unwrap().lease.unwrap();
    let strangers: Vec<_> = (0..500)
        .map(|index| {
            // Addresses of one IPv6 network.
            let shown = from(&format!("2001:db8::{index:x}"), &format!("madeup{index}"));
            let tokens = tokens.clone();
            tokio::spawn(async move { tokens.authenticate(shown).await })
        })
        .collect();
    while issuer.asked(PATH) < 33 {
        tokio::task::yield_now().await;
    }

    assert_eq!(renew(&lease, NOW + 20).await, "active");
    for stranger in &strangers {
        stranger.abort();
    }
    // The questions of the strangers end after 2 seconds. This one waits for a place.
    assert!(tokens.authenticate(from("192.0.2.1", "good")).await.is_ok());
    assert_eq!(issuer.requests().iter().filter(|asked| asked.body.contains("madeup")).count(), 32);
}

/// A client that leaves at once must not fill the queue.
#[tokio::test]
async fn a_question_whose_clients_have_left_is_not_sent() {
    let (issuer, tokens) = world().await;
    let (answer, permits) = active(&json!({})).held();
    issuer.answer_with(PATH, move |asked: &Asked| {
        if asked.body.contains("slow") { answer.clone() } else { active(&json!({})) }
    });
    let ask = |address: String, token: String| {
        let tokens = tokens.clone();
        tokio::spawn(async move { tokens.authenticate(from(&address, &token)).await.is_ok() })
    };
    // All places are taken.
    let slow: Vec<_> =
        (0..32).map(|index| ask(format!("192.0.2.{index}"), format!("slow{index}"))).collect();
    while issuer.asked(PATH) < 32 {
        tokio::task::yield_now().await;
    }
    for index in 0..100 {
        let left = ask(format!("198.51.100.{index}"), format!("left{index}"));
        tokio::task::yield_now().await;
        left.abort();
    }
    let staying = ask("203.0.113.1".to_owned(), "good".to_owned());
    tokio::task::yield_now().await;

    permits.add_permits(32);

    assert!(staying.await.unwrap());
    for slow in slow {
        assert!(slow.await.unwrap());
    }
    assert!(issuer.requests().iter().all(|asked| !asked.body.contains("left")));
}

/// All places are taken by slow tokens. A connected socket does not wait for the place of a client that
/// connects with its token.
#[tokio::test]
async fn requests_have_a_bound_and_those_of_connected_sockets_do_not_wait_for_others() {
    let (issuer, tokens) = world().await;
    let (answer, permits) = active(&json!({})).held();
    issuer.answer_with(PATH, move |asked: &Asked| {
        if asked.body.contains("slow") { answer.clone() } else { active(&json!({})) }
    });
    let lease = show(&tokens, "own", NOW - 20).await.unwrap().lease.unwrap();
    let ask = |address: String, token: String| {
        let tokens = tokens.clone();
        tokio::spawn(async move { tokens.authenticate(from(&address, &token)).await.map(drop) })
    };
    let mut waiting: Vec<_> =
        (0..255).map(|index| ask(format!("192.0.2.{index}"), format!("slow{index}"))).collect();
    waiting.push(ask("198.51.100.1".to_owned(), "own".to_owned()));
    while issuer.asked(PATH) < 33 {
        tokio::task::yield_now().await;
    }

    assert_eq!(renew(&lease, NOW).await, "active");
    // 32 are sent at a time, and that of the socket.
    assert_eq!(issuer.asked(PATH), 1 + 32 + 1);
    let beyond = tokens.authenticate(from("198.51.100.2", "good")).await.map(drop).unwrap_err();
    let AuthenticateError::Unavailable(cause) = beyond else { panic!("{beyond:?}") };
    assert!(Causes(&*cause).to_string().contains("too many requests wait"), "{cause:?}");
    permits.add_permits(255);
    for answered in waiting {
        answered.await.unwrap().unwrap();
    }
    assert!(tokens.authenticate(from("198.51.100.2", "good")).await.is_ok());
}

#[tokio::test]
async fn a_question_goes_on_when_the_client_that_caused_it_has_left() {
    let (issuer, tokens) = world().await;
    let (answer, permits) = active(&json!({})).held();
    issuer.answer(PATH, answer);

    let asked = async {
        while issuer.asked(PATH) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        result = show(&tokens, "a", NOW) => panic!("{:?}", result.map(drop)),
        () = asked => {}
    }
    permits.add_permits(1);

    assert!(show(&tokens, "a", NOW + 1).await.is_ok());
    assert_eq!(issuer.asked(PATH), 1);
}

/// An alert about an endpoint begins after five failures, and ends with the next answer, or when the
/// endpoint is no longer configured.
#[tokio::test]
async fn metrics_show_the_answers_and_the_health_of_an_endpoint() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let (issuer, tokens) = world().await;
    let url = format!("{}{PATH}", issuer.url());
    let shown = |line: String| metrics.render().lines().any(|own| own == line);
    let is_away =
        |value: u8| shown(format!(r#"doorward_introspection_away{{url="{url}"}} {value}"#));
    let count = |outcome: &str, value: u8| {
        shown(format!(
            r#"doorward_introspections_total{{url="{url}",outcome="{outcome}"}} {value}"#
        ))
    };
    issuer.answer(PATH, active(&json!({})));
    drop(show(&tokens, "a", NOW).await.unwrap());
    issuer.answer(PATH, inactive());
    show(&tokens, "b", NOW).await.unwrap_err();
    // A client chooses its token, and may find one for which the endpoint fails.
    issuer.answer(PATH, Answer::status(500));
    for token in ["c", "d", "e", "f", "g", "h"] {
        show(&tokens, token, NOW).await.unwrap_err();
    }
    issuer.answer(PATH, Answer::status(503));
    for token in ["i", "j", "k", "l"] {
        show(&tokens, token, NOW).await.unwrap_err();
    }
    assert!(is_away(0));
    show(&tokens, "m", NOW).await.unwrap_err();
    assert!(is_away(1) && count("active", 1) && count("inactive", 1) && count("failed", 11));

    issuer.answer(PATH, inactive());
    show(&tokens, "n", NOW + 10).await.unwrap_err();
    assert!(is_away(0));
    issuer.answer(PATH, Answer::status(503));
    for token in ["o", "p", "q", "r", "s"] {
        show(&tokens, token, NOW + 10).await.unwrap_err();
    }
    assert!(is_away(1));
    drop(tokens);
    assert!(is_away(0), "{}", metrics.render());
}

/// Each recheck of a socket takes 1.5 seconds, so the rechecks of other sockets would be late.
#[tokio::test]
async fn an_endpoint_that_hangs_slows_few_rechecks() {
    let (issuer, tokens) = world().await;
    issuer.answer(PATH, active(&json!({})));
    let mut leases = Vec::new();
    for token in 0..9 {
        let shown = show(&tokens, &format!("t-{token}"), NOW).await.unwrap();
        leases.push(shown.lease.unwrap());
    }
    issuer.answer(PATH, Answer::Never);

    let last = leases.pop().unwrap();
    let waiting: Vec<_> = leases
        .into_iter()
        .map(|lease| tokio::spawn(async move { renew(&lease, NOW + 20).await }))
        .collect();
    for answer in waiting {
        assert_eq!(answer.await.unwrap(), "away");
    }
    loop {
        let Err(LeaseError::Issuer(cause)) = last.renew(at(NOW + 21)).await else { panic!() };
        // The circuit breaker answers at once.
        if Causes(&*cause).to_string().contains("it has failed several times") {
            break;
        }
    }
    // Clients that connect choose their tokens, so a timeout does not keep others out.
    issuer.answer(PATH, active(&json!({})));
    assert!(show(&tokens, "new", NOW + 22).await.is_ok());
}

#[tokio::test]
async fn an_answer_that_does_not_arrive_is_not_waited_for() {
    let (issuer, tokens) = world().await;
    issuer.answer(PATH, active(&json!({})));
    let lease = show(&tokens, "a", NOW).await.unwrap().lease.unwrap();
    issuer.answer(PATH, Answer::Never);

    let (client, socket) = tokio::time::timeout(Duration::from_secs(30), async {
        tokio::join!(show(&tokens, "b", NOW + 20), renew(&lease, NOW + 20))
    })
    .await
    .unwrap();

    assert_eq!((client.unwrap_err(), socket), ("away".to_owned(), "away"));
}

#[test]
fn neither_tokens_nor_the_secret_are_printed() {
    let endpoint = Introspection::at("https://id.example.org/i", "chat", "s3cret");
    let printed = format!("{endpoint:?}");
    let tokens = endpoint.audience("chat").unwrap();

    assert!(!format!("{printed}{tokens:?}").contains("s3cret"), "{printed}");
    let error = Introspection::at("http://a:s3cret@id.example.org", "chat", "s3cret").audience("a");
    assert!(!error.unwrap_err().to_string().contains("s3cret"));
    assert_eq!(RefusalReason::TokenInactive.as_str(), "token_inactive");
}
