//! Checks claims against a policy, rule by rule.

use serde_json::json;

use super::*;

#[test]
fn a_token_needs_at_least_a_subject_and_an_expiry() {
    let claims = check(&Policy::default(), json!({"sub": "alice", "exp": NOW + 60})).unwrap();

    assert_eq!(claims.subject(), "alice");
    assert_eq!(claims.expires_at(), at(NOW + 60));
    assert_eq!(claims.issued_at(), None);
    assert_eq!(claims.token_id(), None);
    assert_eq!(claims.session_id(), None);
}

#[test]
fn every_claim_is_kept_for_the_application() {
    let json = json!({
        "sub": "alice", "exp": NOW + 60, "iat": NOW, "iss": "login", "jti": "t-1", "sid": "s-1",
        "roles": ["admin"],
    });

    let claims = check(&Policy::default(), json).unwrap();

    assert_eq!(claims.issued_at(), Some(at(NOW)));
    assert_eq!(claims.issuer(), Some("login"));
    assert_eq!(claims.token_id().map(TokenId::as_str), Some("t-1"));
    assert_eq!(claims.session_id().map(SessionId::as_str), Some("s-1"));
    assert_eq!(claims.get("roles"), Some(&json!(["admin"])));
    assert_eq!(claims.get("sub"), Some(&json!("alice")));
    assert_eq!(claims.get("missing"), None);
}

#[test]
fn a_token_or_session_id_that_could_not_be_revoked_is_refused() {
    for name in ["jti", "sid"] {
        for value in [json!(7), json!(null), json!(""), json!("a\n"), json!("a".repeat(256))] {
            let mut claims = json!({"sub": "alice", "exp": NOW + 60});
            claims[name] = value;
            assert_eq!(reason(&Policy::default(), claims), Some(RefusalReason::TokenClaims));
        }
    }
}

/// The client reads that its token has expired only if the token is valid in every other respect.
#[test]
fn expiry_is_checked_last() {
    let policy = Policy { audience: Audience::OneOf(vec!["chat".to_owned()]), ..Policy::default() };
    let expired = json!({"sub": "alice", "exp": NOW - 1, "aud": "chat"});
    let with = |name: &str, value: Value| {
        let mut claims = expired.clone();
        claims[name] = value;
        reason(&policy, claims)
    };

    assert_eq!(reason(&policy, expired.clone()), Some(RefusalReason::TokenExpired));
    assert_eq!(with("sub", json!("")), Some(RefusalReason::TokenClaims));
    assert_eq!(with("aud", json!("mail")), Some(RefusalReason::TokenClaims));
    assert_eq!(with("jti", json!(1)), Some(RefusalReason::TokenClaims));
    assert_eq!(with("nbf", json!(NOW + 60)), Some(RefusalReason::TokenTooEarly));
    assert_eq!(with("iat", json!(NOW - 86_402)), Some(RefusalReason::TokenTooLong));
}

#[test]
fn a_lifetime_starts_at_the_issue_or_else_now() {
    let policy = Policy { max_lifetime: Duration::from_secs(900), ..Policy::default() };
    let check = |iat: Option<u64>, exp: u64| {
        let mut claims = json!({"sub": "alice", "exp": exp});
        if let Some(iat) = iat {
            claims["iat"] = json!(iat);
        }
        reason(&policy, claims)
    };

    assert_eq!(check(None, NOW + 900), None);
    assert_eq!(check(None, NOW + 901), Some(RefusalReason::TokenTooLong));
    assert_eq!(check(Some(NOW - 300), NOW + 600), None);
    assert_eq!(check(Some(NOW - 300), NOW + 601), Some(RefusalReason::TokenTooLong));
}

/// No setting and no time in a claim overflows the arithmetic.
#[test]
fn extreme_settings_and_times_do_not_panic() {
    for limit in [Duration::ZERO, Duration::MAX] {
        let policy = Policy { max_lifetime: limit, leeway: limit, ..Policy::default() };
        for time in [0, NOW, u64::MAX / 2, u64::MAX] {
            drop(check(&policy, json!({"sub": "a", "exp": time, "iat": time, "nbf": time})));
            drop(check(&policy, json!({"sub": "a", "exp": time})));
        }
    }
}

/// Attack 12.
#[test]
fn an_audience_equals_the_configured_one_exactly() {
    let policy = Policy { audience: Audience::OneOf(vec!["chat".to_owned()]), ..Policy::default() };
    let check = |aud: Value| reason(&policy, json!({"sub": "alice", "exp": NOW + 60, "aud": aud}));

    for aud in [json!("chat"), json!(["chat"]), json!(["mail", "chat"])] {
        assert_eq!(check(aud), None);
    }
    for aud in [
        json!("Chat"),
        json!("chat/"),
        json!("chat mail"),
        json!(""),
        json!([]),
        json!(["mail"]),
        json!([1, "chat"]),
        json!([["chat"]]),
        json!({"chat": true}),
        json!(7),
        json!(null),
    ] {
        assert_eq!(check(aud), Some(RefusalReason::TokenClaims));
    }
    assert_eq!(
        reason(&policy, json!({"sub": "alice", "exp": NOW + 60})),
        Some(RefusalReason::TokenClaims),
    );
}

/// A recipient that the `aud` does not name must refuse the token (RFC 7519 section 4.1.3).
#[test]
fn a_token_with_an_audience_is_refused_if_none_is_configured() {
    let claims = json!({"sub": "alice", "exp": NOW + 60, "aud": "chat"});
    let any = Policy { audience: Audience::Any, ..Policy::default() };

    assert_eq!(reason(&Policy::default(), claims.clone()), Some(RefusalReason::TokenClaims));
    assert_eq!(reason(&any, claims), None);
}

fn check(policy: &Policy, claims: Value) -> Result<Claims, Denied> {
    let Value::Object(claims) = claims else { panic!("claims are an object") };
    policy.check(claims, at(NOW))
}

fn reason(policy: &Policy, claims: Value) -> Option<RefusalReason> {
    check(policy, claims).err().map(|denied| denied.reason)
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

const NOW: u64 = 1_800_000_000;
