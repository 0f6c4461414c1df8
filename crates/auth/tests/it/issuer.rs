//! Writes tokens that are accepted, and rejects bad arguments.

use std::time::{Duration, SystemTime};

use doorward_auth::{IssueError, Issuer, Jwt, RefusalReason, SigningKey};
use doorward_core::TokenId;

use serde_json::json;

use crate::forge::{NOW, SECRET, accepted, at, fault, jwt, reason, show};

#[test]
fn an_issued_token_is_accepted_by_its_audience() {
    let (issuer, pem) = issuer();
    let jwt = Jwt::es256(&pem).unwrap().bound_to(ISSUER, "chat");

    let token = issuer.issue("alice", MINUTE, at(NOW), "t-1").unwrap();
    let grant = show(&jwt.token_type("at+jwt"), &token).unwrap();

    assert_eq!(grant.user.as_str(), "alice");
    assert_eq!(grant.token, Some(TokenId::new("t-1")));
    assert_eq!(grant.expires_at, Some(at(NOW + 60)));
    assert_eq!(grant.principal.issued_at(), Some(at(NOW)));
    assert_eq!(grant.principal.issuer(), Some(ISSUER));
}

#[test]
fn an_issued_token_is_refused_everywhere_else() {
    let (issuer, pem) = issuer();
    let token = issuer.issue("alice", MINUTE, at(NOW), "t-1").unwrap();
    let judge = |issuer, audience| {
        let jwt = Jwt::es256(&pem).unwrap().bound_to(issuer, audience);
        reason(&jwt, &token)
    };

    assert_eq!(judge(ISSUER, "chat"), None);
    assert_eq!(judge(ISSUER, "mail"), Some(RefusalReason::TokenClaims));
    assert_eq!(judge("https://evil.example", "chat"), Some(RefusalReason::TokenClaims));
    assert_eq!(judge("chat", ISSUER), Some(RefusalReason::TokenClaims));
}

#[test]
fn parts_of_a_second_never_lengthen_a_token() {
    let (issuer, pem) = issuer();
    let jwt = Jwt::es256(&pem).unwrap().danger_unbound();
    let now = at(NOW) + Duration::from_millis(900);

    let token = issuer.issue("alice", Duration::from_millis(1_900), now, "t-1").unwrap();

    assert_eq!(show(&jwt, &token).unwrap().expires_at, Some(at(NOW + 1)));
}

#[test]
fn a_token_that_the_verifier_would_refuse_is_not_written() {
    let (issuer, _) = issuer();
    let issue = |subject: &str, ttl, now, jti: &str| issuer.issue(subject, ttl, now, jti).err();
    let before_1970 = SystemTime::UNIX_EPOCH - Duration::from_secs(1);

    for subject in ["", "a\n", "ali\u{200b}ce", &"a".repeat(256)] {
        assert_eq!(issue(subject, MINUTE, at(NOW), "t-1"), Some(IssueError::Subject));
    }
    for jti in ["", "t\0", &"t".repeat(256)] {
        assert_eq!(issue("alice", MINUTE, at(NOW), jti), Some(IssueError::TokenId));
    }
    for ttl in [Duration::ZERO, Duration::from_millis(999)] {
        assert_eq!(issue("alice", ttl, at(NOW), "t-1"), Some(IssueError::Lifetime));
    }
    assert_eq!(issue("alice", MINUTE, before_1970, "t-1"), Some(IssueError::Time));
    assert_eq!(issue("alice", Duration::MAX, at(NOW), "t-1"), Some(IssueError::Time));
}

fn issuer() -> (Issuer, String) {
    let key = SigningKey::generate().unwrap();
    let pem = key.public_pem();
    (Issuer::new(key, ISSUER, "chat"), pem)
}

const ISSUER: &str = "https://id.example.org";
const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_token_that_was_signed_with_a_secret_is_accepted_with_the_same_secret() {
    let issuer = Issuer::hs256(SECRET).unwrap().claim("role", "admin").claim("rooms", json!(["a"]));
    let token = issuer.issue("7", Duration::from_secs(60), at(NOW), "t-1").unwrap();

    let claims = accepted(&jwt(), &token);

    assert_eq!((claims.subject(), claims.token_id().unwrap().as_str()), ("7", "t-1"));
    assert_eq!(
        (claims.get("role"), claims.get("rooms")),
        (Some(&json!("admin")), Some(&json!(["a"])))
    );
    assert_eq!((claims.get("iss"), claims.get("aud"), claims.get("gen")), (None, None, None));
    let bound = issuer.issued_by("https://app").audience("chat");
    let token = bound.issue("7", Duration::from_secs(60), at(NOW), "t-1").unwrap();
    assert_eq!(fault(&jwt(), &token).unwrap(), "claim aud: not_allowed");
    assert_eq!(fault(&jwt().issued_by("https://app").audience("chat"), &token), None);
    let other = Jwt::hs256("another secret of at least thirty-two bytes: 7f31").unwrap();
    assert_eq!(fault(&other, &token).unwrap(), "segment signature: mismatch");
}

#[test]
fn a_secret_that_can_be_guessed_signs_nothing() {
    assert_eq!(Issuer::hs256("short").err(), Jwt::hs256("short").err());
    assert_eq!(Issuer::hs256("a".repeat(32)).err(), Jwt::hs256("a".repeat(32)).err());
    assert!(!format!("{:?}", Issuer::hs256(SECRET).unwrap()).contains(SECRET));
}

#[test]
fn claims_of_the_issuer_itself_cannot_be_replaced() {
    for name in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "gen", "auth_time"] {
        let issuer = Issuer::hs256(SECRET).unwrap().claim(name, "mallory");
        let issued = issuer.issue("7", Duration::from_secs(60), at(NOW), "t-1");
        assert_eq!(issued, Err(IssueError::Claim), "{name}");
    }
}
