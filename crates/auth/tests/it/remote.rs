//! Reads the keys of issuers that rotate them, disappear and lie.

use std::{future::Future, time::Duration};

use doorward_auth::{AuthenticateError, Authenticator, Claims, Jwt, RefusalReason, RsaAlgorithm};
use doorward_testkit::{Answer, Log, LyingIssuer};
use serde_json::{Value, json};
use tracing::Level;

use crate::{
    forge::{AnySigner, NOW, at, base64url, handshake_at, hmac},
    key_set::jwk,
};

/// An issuer with its signing keys, and an authenticator of its tokens.
struct World {
    issuer: LyingIssuer,
    jwt: Jwt,
}

impl World {
    async fn new() -> Self {
        let issuer = LyingIssuer::start().await.unwrap();
        let jwt = Jwt::issuer(issuer.url()).audience("chat").unwrap();
        Self { issuer, jwt }
    }

    /// Returns a token of this issuer, signed by `key` as `kid`.
    fn token(&self, key: &AnySigner, kid: impl Into<Value>) -> String {
        let claims = json!({"iss": self.issuer.url(), "aud": "chat", "sub": "alice", "exp": NOW + 80_000, "iat": NOW});
        key.token(&json!({"alg": "ES256", "kid": kid.into()}).to_string(), &claims.to_string())
    }

    /// Returns the outcome for a client that shows the token at this second.
    async fn show(&self, token: &str, seconds: u64) -> Outcome {
        outcome(self.jwt.verify(token, at(seconds)).await)
    }
}

/// Outcome of a verification, without details.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Accepted,
    Refused(String),
    Unavailable,
    /// Neither accepted nor refused, because the key may be published soon.
    Undecided,
}

fn outcome(result: Result<Claims, AuthenticateError>) -> Outcome {
    match result {
        Ok(_) => Outcome::Accepted,
        Err(AuthenticateError::Refused(refusal)) => {
            Outcome::Refused(refusal.fault().unwrap().to_string())
        }
        Err(AuthenticateError::Undecided(RefusalReason::KeyUnknown)) => Outcome::Undecided,
        Err(AuthenticateError::Unavailable(_)) => Outcome::Unavailable,
        Err(other) => panic!("{other:?}"),
    }
}

fn unknown() -> Outcome {
    Outcome::Refused("token_header kid: unknown".to_owned())
}

fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// Waits until the issuer was asked this many times for `path`.
async fn asked(issuer: &LyingIssuer, path: &str, times: usize) {
    while issuer.asked(path) < times {
        tokio::task::yield_now().await;
    }
}

const METADATA: &str = "/.well-known/openid-configuration";

#[tokio::test]
async fn keys_are_read_at_the_first_token_and_then_kept() {
    let (world, key) = (World::new().await, AnySigner::generate());
    world.issuer.publish(&set(&[jwk(&key, "a")]));
    let token = world.token(&key, "a");

    assert_eq!(world.issuer.requests().len(), 0);
    for second in 0..200 {
        assert_eq!(world.show(&token, NOW + second).await, Outcome::Accepted);
    }
    assert_eq!((world.issuer.asked(METADATA), world.issuer.asked("/keys")), (1, 1));
}

#[tokio::test]
async fn clients_that_arrive_together_share_one_request() {
    let (world, key) = (World::new().await, AnySigner::generate());
    world.issuer.publish(&set(&[jwk(&key, "a")]));
    let (answer, permits) = Answer::json(set(&[jwk(&key, "a")])).held();
    world.issuer.answer("/keys", answer);
    let token = world.token(&key, "a");

    let all = futures(50, || world.show(&token, NOW));
    let release = async {
        asked(&world.issuer, "/keys", 1).await;
        permits.add_permits(50);
    };
    let (outcomes, ()) = tokio::join!(all, release);

    assert_eq!(outcomes, vec![Outcome::Accepted; 50]);
    assert_eq!(world.issuer.requests().len(), 2);
}

/// Runs `count` futures together.
async fn futures<F: Future>(count: usize, make: impl Fn() -> F) -> Vec<F::Output> {
    let mut pinned: Vec<_> = (0..count).map(|_| Box::pin(make())).collect();
    let mut done: Vec<Option<F::Output>> = (0..count).map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in pinned.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(cx)
            {
                *done = Some(output);
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// The client that causes a request may leave at any time.
#[tokio::test]
async fn a_request_goes_on_when_the_client_that_caused_it_has_left() {
    let (world, key) = (World::new().await, AnySigner::generate());
    world.issuer.publish(&set(&[jwk(&key, "a")]));
    let (answer, permits) = Answer::json(set(&[jwk(&key, "a")])).held();
    world.issuer.answer("/keys", answer);
    let token = world.token(&key, "a");

    tokio::select! {
        biased;
        outcome = world.show(&token, NOW) => panic!("{outcome:?}"),
        () = asked(&world.issuer, "/keys", 1) => {}
    }
    permits.add_permits(1);

    assert_eq!(world.show(&token, NOW + 1).await, Outcome::Accepted);
    assert_eq!(world.issuer.requests().len(), 2);
}

#[tokio::test]
async fn a_rotated_key_is_picked_up_without_a_refusal() {
    let world = World::new().await;
    let keys: Vec<_> = (0..4).map(|_| AnySigner::generate()).collect();
    let mut now = NOW;
    for (index, key) in keys.iter().enumerate() {
        let kid = format!("key-{index}");
        world.issuer.publish(&set(&[jwk(key, &kid)]));
        let token = world.token(key, &*kid);
        // The issuer may be asked at most every 10 seconds, so a client may have to come again.
        let mut waits = 0;
        loop {
            match world.show(&token, now).await {
                Outcome::Accepted => break,
                Outcome::Undecided => (now, waits) = (now + 1, waits + 1),
                other => panic!("{other:?}"),
            }
        }
        assert!(waits <= 10, "{waits}");
        // The next rotation follows soon, so that its first client is too early.
        now += 3;
    }
    assert_eq!(world.issuer.asked("/keys"), 4);
}

/// An issuer that does not name its keys gives no other sign of a rotation.
#[tokio::test]
async fn a_rotated_key_without_a_name_is_picked_up_without_a_refusal() {
    let (world, old, new) = (World::new().await, AnySigner::generate(), AnySigner::generate());
    let nameless = |key: &AnySigner| {
        let mut jwk = jwk(key, "");
        jwk.as_object_mut().unwrap().remove("kid");
        set(&[jwk])
    };
    let token = |key: &AnySigner| {
        let claims =
            json!({"iss": world.issuer.url(), "aud": "chat", "sub": "alice", "exp": NOW + 600});
        key.token(r#"{"alg":"ES256"}"#, &claims.to_string())
    };
    world.issuer.publish(&nameless(&old));
    assert_eq!(world.show(&token(&old), NOW).await, Outcome::Accepted);

    world.issuer.publish(&nameless(&new));

    assert_eq!(world.show(&token(&new), NOW + 9).await, Outcome::Undecided);
    assert_eq!(world.show(&token(&new), NOW + 10).await, Outcome::Accepted);
    assert_eq!(world.show(&token(&old), NOW + 11).await, Outcome::Undecided);
    assert_eq!(
        world.show(&token(&old), NOW + 20).await,
        Outcome::Refused("token_header kid: missing".to_owned())
    );
}

#[tokio::test]
async fn a_key_that_was_replaced_under_the_same_name_is_picked_up() {
    let (world, old, new) = (World::new().await, AnySigner::generate(), AnySigner::generate());
    world.issuer.publish(&set(&[jwk(&old, "a")]));
    assert_eq!(world.show(&world.token(&old, "a"), NOW).await, Outcome::Accepted);

    world.issuer.publish(&set(&[jwk(&new, "a")]));

    assert_eq!(world.show(&world.token(&new, "a"), NOW + 10).await, Outcome::Accepted);
    assert_eq!(
        world.show(&world.token(&old, "a"), NOW + 11).await,
        Outcome::Refused("segment signature: mismatch".to_owned())
    );
}

#[tokio::test]
async fn a_key_that_changes_its_kind_under_the_same_name_is_picked_up() {
    let (world, key) = (World::new().await, AnySigner::generate());
    let rsa = json!({"kty": "RSA", "alg": "RS256", "kid": "a", "e": "AQAB", "n": modulus()});
    world.issuer.publish(&set(&[rsa]));
    let token = world.token(&key, "a");
    assert_eq!(world.show(&token, NOW).await, unknown());

    world.issuer.publish(&set(&[jwk(&key, "a")]));

    assert_eq!(world.show(&token, NOW + 9).await, Outcome::Undecided);
    assert_eq!(world.show(&token, NOW + 10).await, Outcome::Accepted);
}

/// Returns the modulus of an RSA key, in base64url.
fn modulus() -> String {
    use aws_lc_rs::{
        rsa::KeySize,
        signature::{KeyPair as _, RsaKeyPair},
    };
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    base64url(pair.public_key().modulus().big_endian_without_leading_zero())
}

/// Attack 7.
#[tokio::test]
async fn strangers_with_made_up_keys_cost_the_issuer_three_requests_in_ten_seconds_at_most() {
    let (world, key, forger) = (World::new().await, AnySigner::generate(), AnySigner::generate());
    world.issuer.publish(&set(&[jwk(&key, "a")]));
    let good = world.token(&key, "a");

    for second in 0..10 {
        for stranger in 0..20 {
            let forged = world.token(&forger, format!("made-up-{second}-{stranger}"));
            let outcome = world.show(&forged, NOW + second).await;
            // Only the request for the first stranger proves that there is no such key: it was made
            // after the strangers of the same moment had shown their tokens, and before all others.
            assert_eq!(outcome, if second == 0 { unknown() } else { Outcome::Undecided });
            assert_eq!(world.show(&good, NOW + second).await, Outcome::Accepted);
        }
    }
    assert!(world.issuer.requests().len() <= 3, "{}", world.issuer.requests().len());
}

/// Attack 7.
#[tokio::test]
async fn strangers_do_not_keep_out_a_client_with_a_new_key() {
    let (world, old, new) = (World::new().await, AnySigner::generate(), AnySigner::generate());
    let forger = AnySigner::generate();
    world.issuer.publish(&set(&[jwk(&old, "a")]));
    let mut admitted = None;
    for second in 0..60 {
        if second == 25 {
            world.issuer.publish(&set(&[jwk(&old, "a"), jwk(&new, "b")]));
        }
        // The stranger is always first.
        let forged = world.token(&forger, format!("made-up-{second}"));
        assert_ne!(world.show(&forged, NOW + second).await, Outcome::Accepted);
        if second >= 25 && admitted.is_none() {
            match world.show(&world.token(&new, "b"), NOW + second).await {
                Outcome::Accepted => admitted = Some(second - 25),
                Outcome::Undecided => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(admitted.unwrap() <= 10, "{admitted:?}");
}

/// Attacks 1, 2 and 3.
#[tokio::test]
async fn a_token_with_another_kind_of_algorithm_is_refused_and_the_issuer_is_not_asked() {
    let (world, key) = (World::new().await, AnySigner::generate());
    world.issuer.publish(&set(&[jwk(&key, "a")]));
    let claims = json!({"iss": world.issuer.url(), "aud": "chat", "sub": "alice", "exp": NOW + 60})
        .to_string();

    for alg in ["none", "None", "HS256", "HS512", "RS1", ""] {
        let header = json!({"alg": alg, "kid": "a"}).to_string();
        let forged = hmac(key.public_pem.as_bytes(), &header, &claims);
        let refused = Outcome::Refused("token_header alg: mismatch".to_owned());
        assert_eq!(world.show(&forged, NOW).await, refused, "{alg}");
    }
    assert_eq!(world.issuer.requests().len(), 0);
}

/// Attacks 4, 5 and 9.
#[tokio::test]
async fn no_address_in_a_token_is_requested() {
    let (world, other, key) = (World::new().await, World::new().await, AnySigner::generate());
    world.issuer.publish(&set(&[jwk(&key, "a")]));
    other.issuer.publish(&set(&[jwk(&key, "b")]));
    let url = other.issuer.url();
    let claims =
        |iss: &str| json!({"iss": iss, "aud": "chat", "sub": "alice", "exp": NOW + 60}).to_string();

    for name in ["jku", "x5u", "jwk", "x5c"] {
        let header = json!({"alg": "ES256", "kid": "a", (name): format!("{url}/keys")}).to_string();
        let outcome = world.show(&key.token(&header, &claims(&world.issuer.url())), NOW).await;
        assert_eq!(outcome, Outcome::Refused(format!("token_header {name}: not_allowed")));
    }
    for kid in ["a", "b", &*format!("{url}/keys")] {
        let header = json!({"alg": "ES256", "kid": kid}).to_string();
        let outcome = world.show(&key.token(&header, &claims(&url)), NOW).await;
        assert!(!matches!(outcome, Outcome::Accepted), "{kid}");
    }
    assert_eq!(other.issuer.requests().len(), 0);
}

/// GHSA-g6vg-wj8f-48cj: a key was looked up by its `kid` alone.
#[tokio::test]
async fn two_issuers_with_the_same_key_names_are_kept_apart() {
    let (one, two) = (World::new().await, World::new().await);
    let (key, other) = (AnySigner::generate(), AnySigner::generate());
    one.issuer.publish(&set(&[jwk(&key, "a")]));
    two.issuer.publish(&set(&[jwk(&other, "a")]));

    assert_eq!(one.show(&one.token(&key, "a"), NOW).await, Outcome::Accepted);
    assert_eq!(two.show(&two.token(&other, "a"), NOW).await, Outcome::Accepted);
    let mismatch = Outcome::Refused("segment signature: mismatch".to_owned());
    assert_eq!(one.show(&two.token(&other, "a"), NOW + 1).await, mismatch);
    assert_eq!(two.show(&one.token(&key, "a"), NOW + 1).await, mismatch);
    // The issuers share a key, but a token of one is not for the other.
    two.issuer.publish(&set(&[jwk(&key, "a")]));
    assert_eq!(two.show(&two.token(&key, "a"), NOW + 10).await, Outcome::Accepted);
    let foreign = Outcome::Refused("claim iss: mismatch".to_owned());
    assert_eq!(two.show(&one.token(&key, "a"), NOW + 11).await, foreign);
}

#[tokio::test]
async fn a_withdrawn_key_is_not_trusted_for_longer_than_ten_minutes() {
    let (world, old, new) = (World::new().await, AnySigner::generate(), AnySigner::generate());
    world.issuer.publish(&set(&[jwk(&old, "a")]));
    let token = world.token(&old, "a");
    assert_eq!(world.show(&token, NOW).await, Outcome::Accepted);
    world.issuer.publish(&set(&[jwk(&new, "b")]));

    assert_eq!(world.show(&token, NOW + 299).await, Outcome::Accepted);
    assert_eq!(world.issuer.asked("/keys"), 1);
    // Nothing was asked in between. The keys are read before they are used again.
    assert_eq!(world.show(&token, NOW + 600).await, unknown());
}

#[tokio::test]
async fn keys_in_use_are_read_again_in_the_background() {
    let (world, old, new) = (World::new().await, AnySigner::generate(), AnySigner::generate());
    world.issuer.publish(&set(&[jwk(&old, "a")]));
    let token = world.token(&old, "a");
    assert_eq!(world.show(&token, NOW).await, Outcome::Accepted);
    let (answer, permits) = Answer::json(set(&[jwk(&old, "a"), jwk(&new, "b")])).held();
    world.issuer.answer("/keys", answer);

    // The client is not kept waiting.
    assert_eq!(world.show(&token, NOW + 300).await, Outcome::Accepted);
    asked(&world.issuer, "/keys", 2).await;
    permits.add_permits(1);

    // This client waits for the running request.
    assert_eq!(world.show(&world.token(&new, "b"), NOW + 301).await, Outcome::Accepted);
    assert_eq!((world.issuer.asked(METADATA), world.issuer.asked("/keys")), (1, 2));
}

/// Attack 30.
#[tokio::test]
async fn keys_are_kept_for_an_hour_while_the_issuer_gives_no_usable_answer() {
    let huge = format!(r#"{{"keys": [], "padding": "{}"}}"#, "a".repeat(2 * 1024 * 1024));
    let lies = [
        Answer::status(500),
        Answer::status(204),
        Answer::redirect("http://169.254.169.254/latest/meta-data/"),
        Answer::Hangup,
        Answer::json("<html>"),
        Answer::json(set(&[])),
        Answer::json(
            r#"{"keys": [{"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNl", "alg": "HS256"}]}"#,
        ),
        Answer::json(r#"{"keys": [{"kty": "EC", "use": "enc"}]}"#),
        Answer::json(huge),
    ];
    for lie in lies {
        let (world, key) = (World::new().await, AnySigner::generate());
        world.issuer.publish(&set(&[jwk(&key, "a")]));
        let token = world.token(&key, "a");
        assert_eq!(world.show(&token, NOW).await, Outcome::Accepted);
        let shown = format!("{lie:?}").chars().take(60).collect::<String>();
        world.issuer.answer("/keys", lie);

        for second in [400, 700, 1_800, 3_599] {
            assert_eq!(
                world.show(&token, NOW + second).await,
                Outcome::Accepted,
                "{shown} {second}"
            );
        }
        assert_eq!(world.show(&token, NOW + 3_600).await, Outcome::Unavailable, "{shown}");
        // Meanwhile nothing is decided about a key that is not known.
        let new = world.token(&AnySigner::generate(), "new");
        assert_eq!(world.show(&new, NOW + 3_601).await, Outcome::Unavailable, "{shown}");

        world.issuer.publish(&set(&[jwk(&key, "a")]));
        assert_eq!(world.show(&token, NOW + 3_610).await, Outcome::Accepted, "{shown}");
    }
}

/// Attack 30.
#[tokio::test]
async fn without_an_answer_no_client_waits_for_long_and_none_is_refused() {
    let (world, key) = (World::new().await, AnySigner::generate());
    world.issuer.publish(&set(&[jwk(&key, "a")]));
    world.issuer.answer("/keys", Answer::Never);
    let token = world.token(&key, "a");

    let first = tokio::time::timeout(Duration::from_secs(30), world.show(&token, NOW)).await;
    assert_eq!(first.unwrap(), Outcome::Unavailable);
    // Until the issuer may be asked again, clients do not wait at all.
    assert_eq!(world.show(&token, NOW + 9).await, Outcome::Unavailable);
    assert_eq!(world.issuer.asked("/keys"), 1);
}

/// OpenID Connect Discovery 1.0, section 4.3.
#[tokio::test]
async fn metadata_that_names_another_issuer_or_a_private_key_set_is_not_used() {
    let (world, key) = (World::new().await, AnySigner::generate());
    world.issuer.publish(&set(&[jwk(&key, "a")]));
    let (url, token) = (world.issuer.url(), world.token(&key, "a"));
    let metadata = |issuer: &str, key_set: &str| {
        Answer::json(json!({"issuer": issuer, "jwks_uri": key_set}).to_string())
    };
    let mut now = NOW;
    for (answer, cause) in [
        (metadata(&format!("{url}/"), &format!("{url}/keys")), "configure its name"),
        (metadata("https://other.example", &format!("{url}/keys")), "configure its name"),
        (metadata(&url, "http://169.254.169.254/keys"), "network could read and change"),
        (metadata(&url, "https://10.0.0.1/keys"), "not a public address"),
        (metadata(&url, "file:///etc/passwd"), "scheme must be https"),
        (metadata(&url, "keys"), "write a URL"),
        (Answer::json(r#"{"issuer": 7}"#), "not the metadata of an issuer"),
        (Answer::redirect(&format!("{url}/other")), "redirect"),
    ] {
        world.issuer.answer(METADATA, answer);
        let error = world.jwt.verify(&token, at(now)).await.unwrap_err();
        let AuthenticateError::Unavailable(error) = error else { panic!("{error:?}") };
        let text = doorward_core::Causes(&*error).to_string();
        assert!(text.contains(cause), "{text}");
        now += 10;
    }
    assert_eq!((world.issuer.asked("/keys"), world.issuer.asked("/other")), (0, 0));

    world.issuer.publish(&set(&[jwk(&key, "a")]));
    assert_eq!(world.show(&token, now).await, Outcome::Accepted);
}

#[tokio::test]
async fn a_key_set_without_metadata_is_read_from_its_own_address() {
    let (issuer, key) = (LyingIssuer::start().await.unwrap(), AnySigner::generate());
    issuer.answer("/jwks.json", Answer::json(set(&[jwk(&key, "a")])));
    let jwt = Jwt::issuer(issuer.url()).key_set(format!("{}/jwks.json", issuer.url()));
    let world = World { jwt: jwt.audience("chat").unwrap(), issuer };

    assert_eq!(world.show(&world.token(&key, "a"), NOW).await, Outcome::Accepted);
    assert_eq!(world.issuer.asked(METADATA), 0);
}

#[tokio::test]
async fn keys_without_an_algorithm_are_used_if_it_is_configured() {
    let (world, key) = (World::new().await, AnySigner::generate());
    let rsa = json!({"kty": "RSA", "kid": "rsa", "e": "AQAB", "n": modulus()});
    world.issuer.publish(&set(&[rsa, jwk(&key, "a")]));
    let named =
        Jwt::issuer(world.issuer.url()).algorithm(RsaAlgorithm::Rs256).audience("chat").unwrap();
    let claims = json!({"iss": world.issuer.url(), "aud": "chat", "sub": "alice", "exp": NOW + 60})
        .to_string();
    let forged = key.token(r#"{"alg":"RS256","kid":"rsa"}"#, &claims);

    assert_eq!(world.show(&forged, NOW).await, unknown());
    // The key is known, so the signature is checked.
    let wrong = Outcome::Refused("segment signature: mismatch".to_owned());
    assert_eq!(outcome(named.verify(&forged, at(NOW)).await), wrong);
}

#[tokio::test]
async fn a_client_is_authenticated_with_a_remote_key_and_recognised_afterwards() {
    let (world, key) = (World::new().await, AnySigner::generate());
    world.issuer.publish(&set(&[jwk(&key, "a")]));
    let handshake = || {
        let auth = json!({ "token": world.token(&key, "a") }).to_string();
        handshake_at(&auth, NOW)
    };

    // Without keys, no client is recognised. They are read in the background.
    assert_eq!(world.jwt.recognise(&handshake()), None);
    asked(&world.issuer, "/keys", 1).await;
    let grant = world.jwt.authenticate(handshake()).await.unwrap();
    assert_eq!(grant.user.as_str(), "alice");
    assert_eq!(world.jwt.recognise(&handshake()).unwrap().as_str(), "alice");
}

/// A clock that is set back must neither keep a withdrawn key alive, nor stop the requests.
#[tokio::test]
async fn a_clock_that_is_set_back_makes_the_keys_be_read_again() {
    let (world, old, new) = (World::new().await, AnySigner::generate(), AnySigner::generate());
    world.issuer.publish(&set(&[jwk(&old, "a")]));
    assert_eq!(world.show(&world.token(&old, "a"), NOW + 7_200).await, Outcome::Accepted);
    world.issuer.publish(&set(&[jwk(&new, "b")]));

    assert_eq!(world.show(&world.token(&old, "a"), NOW).await, unknown());
    assert_eq!(world.show(&world.token(&new, "b"), NOW).await, Outcome::Accepted);
    assert_eq!(world.issuer.asked("/keys"), 2);
}

#[tokio::test]
async fn the_log_names_the_keys_and_each_outage_once_and_no_token() {
    let (world, key) = (World::new().await, AnySigner::generate());
    let log = Log::default();
    let kept = log.keep(Level::INFO);
    let token = world.token(&key, "a");

    for second in 0..30 {
        assert_eq!(world.show(&token, NOW + second).await, Outcome::Unavailable);
    }
    world.issuer.publish(&set(&[jwk(&key, "a"), json!({"kty": "RSA", "use": "enc", "kid": "e"})]));
    for second in 30..2_000 {
        assert_eq!(world.show(&token, NOW + second).await, Outcome::Accepted);
        tokio::task::yield_now().await;
    }
    assert_eq!(log.lines_with("could not be read").len(), 1);
    assert_eq!(log.lines_with("answers again").len(), 0);

    world.issuer.answer("/keys", Answer::status(500));
    let mut second = 2_000;
    while log.lines_with("could not be read").len() < 2 {
        assert_eq!(world.show(&token, NOW + second).await, Outcome::Accepted);
        tokio::task::yield_now().await;
        second = (second + 1).min(3_000);
    }
    world.issuer.publish(&set(&[jwk(&key, "a")]));
    while log.lines_with("An issuer answers again").is_empty() {
        assert_eq!(world.show(&token, NOW + second).await, Outcome::Accepted);
        tokio::task::yield_now().await;
        second = (second + 1).min(5_000);
    }
    drop(kept);

    assert_eq!(log.lines_with("could not be read").len(), 2);
    assert_eq!(log.lines_with("answers again").len(), 1);
    assert_eq!(log.lines_with("The keys of an issuer were read").len(), 1);
    assert_eq!(log.lines_with("A key of the set is not used").len(), 1);
    let text = log.lines().join("\n");
    assert!(text.contains(r#"keys={"a"}"#) && text.contains("status 404"), "{text}");
    for part in token.split('.') {
        assert!(!text.contains(part), "{text}");
    }
}

#[test]
fn an_issuer_that_cannot_be_used_is_refused_when_it_is_configured() {
    let error = |url: &str| Jwt::issuer(url).audience("chat").unwrap_err().to_string();

    assert!(error("http://id.example.org").contains("https"));
    assert!(error("id.example.org").contains("write a URL"));
    assert!(error("https://").contains("write a URL"));
    assert!(error("https://a:secret@id.example.org").contains("remove the user name"));
    assert!(error("https://id.example.org?a=b").contains("remove the query"));
    for document in ["openid-configuration", "jwks.json"] {
        let url = format!("https://id.example.org/.well-known/{document}");
        assert!(error(&url).contains("write the issuer"));
    }
    assert!(error("https://169.254.169.254").contains("not a public address"));
    assert!(error("https://10.1.2.3").contains("not a public address"));
    let inside = Jwt::issuer("https://10.1.2.3").allow_networks(["10.1.2.3"]);
    assert!(inside.clone().audience("chat").is_ok());
    assert!(inside.key_set("https://10.1.2.4/keys").audience("chat").is_err());
    let typo = Jwt::issuer("https://id.example.org").allow_networks(["10.1.2"]).audience("chat");
    assert!(typo.unwrap_err().to_string().contains("a network is malformed"));
}

/// An address with too many refused attempts cannot make a client wait for the issuer, but a client with
/// a new key must not be locked out until others show the key.
#[tokio::test]
async fn an_unknown_key_of_a_client_that_is_to_be_recognised_is_read_in_the_background() {
    let (world, old, new) = (World::new().await, AnySigner::generate(), AnySigner::generate());
    world.issuer.publish(&set(&[jwk(&old, "a")]));
    assert_eq!(world.show(&world.token(&old, "a"), NOW).await, Outcome::Accepted);
    world.issuer.publish(&set(&[jwk(&new, "b")]));
    let handshake =
        |seconds| handshake_at(&json!({ "token": world.token(&new, "b") }).to_string(), seconds);

    assert_eq!(world.jwt.recognise(&handshake(NOW + 20)), None);
    asked(&world.issuer, "/keys", 2).await;
    while world.jwt.recognise(&handshake(NOW + 21)).is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.issuer.asked("/keys"), 2);
}

/// The query of a URL, and a text that is not a URL, may be secrets.
#[tokio::test]
async fn no_error_and_no_log_line_contains_a_secret_of_the_configuration() {
    let issuer = LyingIssuer::start().await.unwrap();
    let log = Log::default();
    let kept = log.keep(Level::TRACE);
    let url = format!("{}/keys?key=s3cret", issuer.url());
    let jwt = Jwt::issuer(issuer.url()).key_set(url).audience("chat").unwrap();

    let error = jwt.prepare(at(NOW)).await.unwrap_err();
    let malformed = Jwt::issuer("s3cret").audience("chat").unwrap_err();
    let refused =
        Jwt::issuer("http://u:s3cret@id.example.org/?s3cret").audience("chat").unwrap_err();
    drop(kept);

    let own = log.lines_with("doorward_auth");
    assert_eq!(own.len(), 1, "{own:?}");
    let text = format!("{}{malformed}{refused}{own:?}", doorward_core::Causes(&*error));
    assert!(!text.contains("s3cret"), "{text}");
}
