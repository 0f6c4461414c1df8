//! Claims that a genuine key has signed and that must not let anybody in.

use std::time::Duration;

use doorward_auth::RefusalReason;
use doorward_core::{SessionId, TokenId};
use serde_json::json;

use crate::forge::{
    NOW, SECRET, accepted, at, good, hmac, jwt, reason, reason_at, show, token, with, with_exp,
};

#[test]
fn a_plain_nestjs_token_is_accepted_by_the_default_policy() {
    let claims = json!({"sub": "42", "iss": "nest", "exp": NOW + 3_600}).to_string();
    let token = hmac(SECRET.as_bytes(), r#"{"alg":"HS256"}"#, &claims);

    let grant = show(&jwt(), &token).unwrap();

    assert_eq!(grant.user.as_str(), "42");
    assert_eq!(grant.principal.subject(), "42");
    assert_eq!(grant.expires_at, Some(at(NOW + 3_600)));
    assert_eq!(grant.session, None);
    assert_eq!(grant.token, None);
}

#[test]
fn a_grant_names_token_and_session() {
    let claims = json!({"sub": "alice", "exp": NOW + 60, "jti": "t-1", "sid": "s-1"}).to_string();

    let grant = show(&jwt(), &token(&claims)).unwrap();

    assert_eq!(grant.token, Some(TokenId::new("t-1")));
    assert_eq!(grant.session, Some(SessionId::new("s-1")));
}

/// Attack 10.
#[test]
fn a_token_ends_at_its_second_and_without_leeway() {
    for exp in [NOW, NOW - 1, NOW - 3, NOW - 60, 1, 0] {
        let reason = reason(&jwt(), &token(&with("exp", exp)));
        assert_eq!(reason, Some(RefusalReason::TokenExpired), "{exp}");
    }
    assert_eq!(reason(&jwt(), &token(&with("exp", NOW + 1))), None);
}

/// Attack 10.
#[test]
fn an_end_that_is_no_whole_number_is_refused() {
    let texts = [
        r#""1800000060""#,
        "null",
        "true",
        "[1800000060]",
        "{}",
        "-1",
        "-0",
        "1800000060.0",
        "1800000060.5",
        "1.80000006e9",
        "18446744073709551615",
        "18446744073709551616",
    ];
    for text in texts {
        let reason = reason(&jwt(), &token(&with_exp(text)));
        assert_eq!(reason, Some(RefusalReason::TokenClaims), "{text}");
    }
    assert_eq!(reason(&jwt(), &token(&with_exp("1e400"))), Some(RefusalReason::TokenMalformed),);
    assert_eq!(reason(&jwt(), &token(r#"{"sub":"alice"}"#)), Some(RefusalReason::TokenClaims),);
}

/// Attack 10.
#[test]
fn a_token_that_lives_too_long_is_refused() {
    let short = jwt().max_lifetime(Duration::from_secs(15 * 60));

    assert_eq!(reason(&short, &token(&with("exp", NOW + 900))), None);
    assert_eq!(reason(&short, &token(&with("exp", NOW + 901))), Some(RefusalReason::TokenTooLong));
    assert_eq!(reason(&jwt(), &token(&with("exp", NOW + 86_400))), None);
    assert_eq!(
        reason(&jwt(), &token(&with("exp", NOW + 86_401))),
        Some(RefusalReason::TokenTooLong),
    );
}

/// Attack 11.
#[test]
fn a_token_from_the_future_is_refused() {
    for name in ["nbf", "iat"] {
        assert_eq!(reason(&jwt(), &token(&with(name, NOW + 5))), None, "{name}");
        assert_eq!(
            reason(&jwt(), &token(&with(name, NOW + 6))),
            Some(RefusalReason::TokenTooEarly),
            "{name}",
        );
        assert_eq!(
            reason(&jwt().leeway(Duration::ZERO), &token(&with(name, NOW + 1))),
            Some(RefusalReason::TokenTooEarly),
            "{name}",
        );
    }
}

/// Attack 11.
#[test]
fn a_token_older_than_the_longest_lifetime_is_refused() {
    let old = token(&with("iat", NOW - 86_400));

    assert_eq!(reason(&jwt(), &old), Some(RefusalReason::TokenTooLong));
}

/// Attack 11.
#[test]
fn a_start_or_issue_that_is_no_whole_number_is_refused() {
    for name in ["nbf", "iat"] {
        for value in [json!("0"), json!(null), json!(-1), json!(1.5), json!(u64::MAX), json!([0])] {
            let reason = reason(&jwt(), &token(&with(name, value.clone())));
            assert_eq!(reason, Some(RefusalReason::TokenClaims), "{name} {value}");
        }
    }
}

/// Attack 12.
#[test]
fn an_issuer_is_exactly_the_one_that_is_configured() {
    let jwt = jwt().issuer("https://id.example.org");
    let values = [
        json!(null),
        json!(7),
        json!({"https://id.example.org": true}),
        json!(["https://id.example.org"]),
        json!(["https://evil.example", "https://id.example.org"]),
        json!("https://id.example.org/"),
        json!("https://ID.example.org"),
        json!("HTTPS://id.example.org"),
        json!(" https://id.example.org"),
        json!("https://id.example.org.evil.example"),
        json!(""),
    ];

    for iss in values {
        let reason = reason(&jwt, &token(&with("iss", iss.clone())));
        assert_eq!(reason, Some(RefusalReason::TokenClaims), "{iss}");
    }
    assert_eq!(reason(&jwt, &token(&good())), Some(RefusalReason::TokenClaims));
    assert_eq!(reason(&jwt, &token(&with("iss", "https://id.example.org"))), None);
}

/// Attack 12.
#[test]
fn a_token_for_another_service_is_refused() {
    let for_chat = token(&with("aud", "chat"));
    let for_mail = token(&with("aud", json!(["mail", "calendar"])));
    let chat = jwt().audience("chat");

    assert_eq!(reason(&chat, &for_chat), None);
    assert_eq!(reason(&chat, &for_mail), Some(RefusalReason::TokenClaims));
    assert_eq!(reason(&chat, &token(&good())), Some(RefusalReason::TokenClaims));
    assert_eq!(reason(&jwt(), &for_chat), Some(RefusalReason::TokenClaims));
}

/// Attack 14.
#[test]
fn a_subject_that_is_no_name_is_refused() {
    let long = "a".repeat(256);
    let values = [
        json!(""),
        json!(null),
        json!(7),
        json!(["alice"]),
        json!({"id": "alice"}),
        json!(long),
        json!("alice\0"),
        json!("alice\nlevel=error"),
        json!("\u{1b}[31malice"),
        json!("alice\u{2028}"),
        json!("\u{202e}ecila"),
        json!("ali\u{200b}ce"),
    ];

    for sub in values {
        let reason = reason(&jwt(), &token(&with("sub", sub.clone())));
        assert_eq!(reason, Some(RefusalReason::TokenClaims), "{sub}");
    }
    assert_eq!(
        reason(&jwt(), &token(&with_exp(&(NOW + 60).to_string()).replace("sub", "user"))),
        Some(RefusalReason::TokenClaims),
    );
    assert_eq!(accepted(&jwt(), &token(&with("sub", "山田 太郎"))).subject(), "山田 太郎");
}

/// Attack 29.
#[test]
fn a_clock_that_is_wrong_counts_as_the_time() {
    let claims = json!({"sub": "alice", "iat": NOW, "nbf": NOW, "exp": NOW + 6}).to_string();
    let at = |seconds| reason_at(&jwt(), &token(&claims), seconds);

    assert_eq!(at(NOW), None);
    assert_eq!(at(NOW - 5), None);
    assert_eq!(at(NOW - 6), Some(RefusalReason::TokenTooEarly));
    assert_eq!(at(NOW - 3_600), Some(RefusalReason::TokenTooEarly));
    assert_eq!(at(NOW + 5), None);
    assert_eq!(at(NOW + 6), Some(RefusalReason::TokenExpired));
    assert_eq!(at(0), Some(RefusalReason::TokenTooEarly));
}
