//! Issues and verifies the server's own tokens, which end with their session.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_auth::{
    AuthenticateError, Claims, Grant, IssueError, Issuer, Jwt, KeyRing, RefusalReason, SigningKey,
};
use doorward_core::{CredentialRef, Issued, RefusalCode, Session, SessionId, UserId};
use serde_json::{Value, json};

use crate::{
    forge::{AnySigner, NOW, ask, at, handshake_at_time, reason_at, show},
    world::{HOUR, MINUTE, SECOND, World, done},
};

pub(crate) const ISSUER: &str = "https://id.example.org";

/// Makes an issuer and an authenticator of the same ring.
pub(crate) fn pair(ring: &Arc<KeyRing>) -> (Issuer, Jwt) {
    let issuer = Issuer::with_ring(Arc::clone(ring), ISSUER, "chat");
    (issuer, Jwt::key_ring(Arc::clone(ring), ISSUER, "chat"))
}

pub(crate) fn ring() -> Arc<KeyRing> {
    Arc::new(KeyRing::new(SigningKey::generate().unwrap()).max_lifetime(5 * MINUTE))
}

pub(crate) fn session() -> Session {
    let mut session = Session::new(SessionId::new("s-1"), "alice", at(NOW - 60), HOUR, 12 * HOUR);
    session.generation = 1_700_000_000_123;
    session
}

pub(crate) fn parts(token: &str) -> [Value; 2] {
    let mut segments = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    [(); 2].map(|()| serde_json::from_slice(&segments.next().unwrap()).unwrap())
}

fn show_at(jwt: &Jwt, token: &str, time: SystemTime) -> Result<Grant<Claims>, AuthenticateError> {
    ask(jwt, handshake_at_time(&json!({ "token": token }).to_string(), time))
}

#[test]
fn a_token_names_its_session_and_generation() {
    for key in [SigningKey::generate().unwrap(), SigningKey::generate_ed25519().unwrap()] {
        let id = key.id().to_owned();
        let ring = Arc::new(KeyRing::new(key));
        let (issuer, jwt) = pair(&ring);

        let token = issuer.issue_for(&session(), 5 * MINUTE, at(NOW), "t-1").unwrap();
        let [header, claims] = parts(&token);
        let grant = show(&jwt, &token).unwrap();

        assert_eq!(header["typ"], "at+jwt");
        assert_eq!(header["kid"], id);
        assert_eq!(
            claims,
            json!({
                "iss": ISSUER, "aud": "chat", "sub": "alice", "sid": "s-1", "jti": "t-1",
                "gen": 1_700_000_000_123_u64, "iat": NOW, "nbf": NOW, "exp": NOW + 300,
                "auth_time": NOW - 60,
            }),
        );
        assert_eq!(grant.user.as_str(), "alice");
        assert_eq!(grant.session, Some(SessionId::new("s-1")));
        assert_eq!(grant.issued, Some(Issued::Generation(1_700_000_000_123)));
        assert_eq!(grant.signed_in_at, Some(at(NOW - 60)));
        assert_eq!(grant.expires_at, Some(at(NOW + 300)));
    }
}

#[test]
fn a_token_outlives_neither_its_session_nor_the_limit_of_the_ring() {
    let (issuer, jwt) = pair(&ring());
    let mut session = session();
    session.ends_at = at(NOW + 90) + Duration::from_millis(900);

    let token = issuer.issue_for(&session, 5 * MINUTE, at(NOW), "t-1").unwrap();
    assert_eq!(show(&jwt, &token).unwrap().expires_at, Some(at(NOW + 90)));

    let too_long = issuer.issue_for(&self::session(), 5 * MINUTE + SECOND, at(NOW), "t-1");
    assert_eq!(too_long, Err(IssueError::Lifetime));
    let ended = issuer.issue_for(&session, 5 * MINUTE, session.ends_at, "t-1");
    assert_eq!(ended, Err(IssueError::Lifetime));
}

/// Attack 28: a token without a session is compared with revocations by its time of issue.
#[test]
fn an_own_token_without_a_generation_is_compared_by_time() {
    let (issuer, jwt) = pair(&ring());

    let token = issuer.issue("alice", MINUTE, at(NOW), "t-1").unwrap();

    assert_eq!(
        show(&jwt, &token).unwrap().issued,
        Some(Issued::Claimed { at: at(NOW), ahead: Duration::ZERO })
    );
    // A token without a generation is compared by time, so its time of issue must not be in the
    // future. With a generation, a small difference is tolerated.
    let ahead = issuer.issue("alice", MINUTE, at(NOW + 1), "t-2").unwrap();
    let refused = show(&jwt, &ahead).unwrap_err().reason();
    assert_eq!(refused, RefusalReason::TokenTooEarly);
    let generation = issuer.issue_for(&session(), MINUTE, at(NOW + 4), "t-3").unwrap();
    assert!(show(&jwt, &generation).is_ok());
}

/// Attack 29: a sign-in in the future would count as recent forever.
#[test]
fn a_sign_in_in_the_future_is_refused() {
    let (issuer, jwt) = pair(&ring());
    let ahead = |seconds| {
        let mut session = session();
        session.signed_in_at = at(NOW + seconds);
        issuer.issue_for(&session, MINUTE, at(NOW), "t-1").unwrap()
    };

    assert_eq!(reason_at(&jwt, &ahead(6), NOW), Some(RefusalReason::TokenClaims));
    assert!(show(&jwt, &ahead(5)).is_ok());
}

#[test]
fn a_generation_is_a_whole_number() {
    let signer = AnySigner::generate();
    let key = SigningKey::from_pkcs8_pem(&signer.private_pem).unwrap();
    let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": key.id()}).to_string();
    let (_, jwt) = pair(&Arc::new(KeyRing::new(key)));
    let judge = |generation: Value| {
        let claims = json!({
            "iss": ISSUER, "aud": "chat", "sub": "alice", "exp": NOW + 60, "gen": generation,
        });
        reason_at(&jwt, &signer.token(&header, &claims.to_string()), NOW)
    };

    assert_eq!(judge(json!(0)), None);
    for generation in [json!(-1), json!(1.5), json!("7"), json!(null), json!([7]), json!(1e30)] {
        assert_eq!(judge(generation), Some(RefusalReason::TokenClaims));
    }
}

/// A `gen` of a foreign issuer is not a generation of this server.
#[test]
fn a_foreign_generation_is_ignored() {
    let signer = AnySigner::generate();
    let grant = |claims: Value| {
        show(&signer.jwt(), &signer.token(crate::forge::ES256, &claims.to_string())).unwrap()
    };
    let with_iat = json!({"sub": "alice", "iat": NOW - 60, "exp": NOW + 60, "gen": u64::MAX});
    let without = json!({"sub": "alice", "exp": NOW + 60, "gen": u64::MAX});
    let ahead = json!({"sub": "alice", "iat": NOW + 5, "exp": NOW + 60, "gen": "x"});

    let claimed =
        |seconds| Some(Issued::Claimed { at: at(seconds), ahead: Duration::from_secs(5) });
    assert_eq!(grant(with_iat).issued, claimed(NOW - 60));
    // Without an `iat`, the token counts as old as possible. It lives for at most a day, so this is
    // a day before its expiry.
    assert_eq!(grant(without).issued, claimed(NOW + 60 - 86_400));
    assert_eq!(grant(ahead).issued, claimed(NOW + 5));
}

#[test]
fn the_time_of_the_sign_in_is_a_time() {
    let judge = |value: Value| {
        let token = crate::forge::token(&crate::forge::with("auth_time", value));
        show(&crate::forge::jwt(), &token).map(|grant| grant.signed_in_at)
    };

    assert_eq!(judge(json!(NOW - 5)).unwrap(), Some(at(NOW - 5)));
    assert_eq!(
        judge(json!(1.5)).unwrap(),
        Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1_500))
    );
    for value in [json!("1800000000"), json!(-1), json!(null), json!([1])] {
        assert_eq!(judge(value).unwrap_err().reason(), RefusalReason::TokenClaims);
    }
}

/// A store deletes a revocation after some time, and no token may be valid longer.
#[test]
fn no_setting_lets_a_token_outlive_the_memory_of_revocations() {
    let longest = doorward_core::MAX_LIFETIME.as_secs();
    let jwt = crate::forge::jwt().max_lifetime(Duration::MAX);
    let judge =
        |seconds| reason_at(&jwt, &crate::forge::token(&crate::forge::with("exp", seconds)), NOW);

    assert_eq!(judge(NOW + longest), None);
    assert_eq!(judge(NOW + longest + 1), Some(RefusalReason::TokenTooLong));
    let ring = KeyRing::new(SigningKey::generate().unwrap()).max_lifetime(Duration::MAX);
    assert_eq!(ring.longest_lifetime(), doorward_core::MAX_LIFETIME);
}

/// Creates a server that has sessions and issues its own tokens.
fn with_sessions() -> (World, Issuer, Jwt) {
    let world = World::new();
    let (issuer, jwt) = pair(&ring());
    let jwt = jwt.sessions(Arc::clone(&world.sessions));
    (world, issuer, jwt)
}

#[test]
fn a_token_is_valid_while_its_session_is() {
    let (world, issuer, jwt) = with_sessions();
    let (_, session) = world.sign_in("alice");
    world.pass(30 * MINUTE);
    let token = issuer.issue_for(&session, 5 * MINUTE, world.now(), "t-1").unwrap();

    let grant = show_at(&jwt, &token, world.now()).unwrap();

    assert_eq!(grant.session, Some(session.id.clone()));
    let lease = grant.lease.unwrap();
    assert_eq!(lease.expires_at(), Some(world.now() + HOUR));
    assert!(Arc::ptr_eq(&lease, &world.sessions.lease(&session)));
}

/// Attack 28, attack 58.
#[test]
fn a_token_ends_with_its_session() {
    let (world, issuer, jwt) = with_sessions();
    let refused = |token: &str| match show_at(&jwt, token, world.now()) {
        Err(AuthenticateError::Refused(refusal)) => (refusal.code(), refusal.reason()),
        other => panic!("{other:?}"),
    };
    let (_, ended) = world.sign_in("alice");
    let token = issuer.issue_for(&ended, 5 * MINUTE, world.now(), "t-1").unwrap();
    done(world.sessions.end(&ended.id)).unwrap();
    assert_eq!(refused(&token), (RefusalCode::Unauthenticated, RefusalReason::SessionUnknown));

    let (_, idle) = world.sign_in("alice");
    world.pass(HOUR - MINUTE);
    let token = issuer.issue_for(&idle, 5 * MINUTE, world.now(), "t-2").unwrap();
    world.pass(MINUTE);
    assert_eq!(refused(&token), (RefusalCode::SessionExpired, RefusalReason::SessionExpired));
}

#[test]
fn a_token_for_the_session_of_another_user_is_refused() {
    let (world, issuer, jwt) = with_sessions();
    let (_, mut session) = world.sign_in("alice");
    session.user = UserId::new("mallory");

    let token = issuer.issue_for(&session, MINUTE, world.now(), "t-1").unwrap();

    let answer = show_at(&jwt, &token, world.now());
    let Err(AuthenticateError::Refused(refusal)) = answer else { panic!("{answer:?}") };
    assert_eq!(refusal.reason(), RefusalReason::SessionUnknown);
}

/// Attack 92.
#[test]
fn while_the_store_is_unavailable_tokens_with_a_session_are_not_decided() {
    let (world, issuer, jwt) = with_sessions();
    let (_, session) = world.sign_in("alice");
    let token = issuer.issue_for(&session, MINUTE, world.now(), "t-1").unwrap();
    world.store.set_away(true);

    let answer = show_at(&jwt, &token, world.now());

    assert!(matches!(answer, Err(AuthenticateError::Unavailable(_))), "{answer:?}");
}

/// Attack 28: the revocation is in the same millisecond as the tokens.
#[test]
fn a_token_from_before_a_revocation_is_invalid_and_one_from_after_is_valid() {
    let (world, issuer, jwt) = with_sessions();
    let (_, before) = world.sign_in("alice");
    let old = issuer.issue_for(&before, MINUTE, world.now(), "t-1").unwrap();
    let old = show_at(&jwt, &old, world.now()).unwrap();
    done(world.sessions.end_user(&before.user)).unwrap();
    let (_, after) = world.sign_in("alice");
    let new = issuer.issue_for(&after, MINUTE, world.now(), "t-2").unwrap();
    let new = show_at(&jwt, &new, world.now()).unwrap();

    let epoch = done(doorward_core::RevocationStore::read(&world.memory, &before.user, None, None))
        .unwrap();
    let holds = |grant: &Grant<Claims>| {
        CredentialRef {
            user: &grant.user,
            session: grant.session.as_ref(),
            token: grant.token.as_ref(),
            issued: grant.issued.unwrap(),
        }
        .holds(&epoch)
    };

    assert!(!holds(&old));
    assert!(holds(&new));
}
