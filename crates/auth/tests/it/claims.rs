//! Refuses bad claims that were signed with a genuine key.

use std::time::Duration;

use doorward_auth::{AuthenticateError, Jwt, RefusalReason};
use doorward_core::{SessionId, TokenId};
use serde_json::json;

use crate::forge::{
    NOW, SECRET, accepted, ask, at, fault, good, handshake_at_time, hmac, jwt, reason, reason_at,
    show, token, with, with_exp,
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
fn a_token_expires_at_its_second_without_leeway() {
    for exp in [NOW, NOW - 1, NOW - 3, NOW - 60, 1, 0] {
        let reason = reason(&jwt(), &token(&with("exp", exp)));
        assert_eq!(reason, Some(RefusalReason::TokenExpired), "{exp}");
    }
    assert_eq!(reason(&jwt(), &token(&with("exp", NOW + 1))), None);
}

/// Attack 10.
#[test]
fn an_expiry_that_is_not_a_time_is_refused() {
    for (text, problem) in [
        (r#""1800000060""#, "wrong_type"),
        ("null", "wrong_type"),
        ("true", "wrong_type"),
        ("[1800000060]", "wrong_type"),
        ("{}", "wrong_type"),
        ("-1", "out_of_range"),
        ("1800000060000", "out_of_range"),
        ("18446744073709551615", "out_of_range"),
        ("18446744073709551616", "out_of_range"),
    ] {
        let token = token(&with_exp(text));
        assert_eq!(reason(&jwt(), &token), Some(RefusalReason::TokenClaims), "{text}");
        assert_eq!(fault(&jwt(), &token), Some(format!("claim exp: {problem}")), "{text}");
    }
    assert_eq!(reason(&jwt(), &token(&with_exp("1e400"))), Some(RefusalReason::TokenMalformed));
    assert_eq!(fault(&jwt(), &token(r#"{"sub":"alice"}"#)).unwrap(), "claim exp: missing");
}

/// RFC 7519 section 2. Attack 10: a fraction does not prolong a token.
#[test]
fn a_time_with_a_fraction_is_exact() {
    let claims =
        format!(r#"{{"sub":"alice","iat":{NOW}.25,"nbf":{NOW}.25,"exp":1.80000006075e9}}"#);
    let token = token(&claims);
    let judge = |millis| {
        let auth = json!({ "token": token }).to_string();
        let time = at(NOW) + Duration::from_millis(millis);
        match ask(&jwt().leeway(Duration::ZERO), handshake_at_time(&auth, time)) {
            Ok(_) => None,
            Err(AuthenticateError::Refused(refusal)) => Some(refusal.fault().unwrap().to_string()),
            Err(error) => panic!("{error}"),
        }
    };

    assert_eq!(judge(249).unwrap(), "claim nbf: in_the_future");
    assert_eq!(judge(250), None);
    assert_eq!(judge(60_749), None);
    assert_eq!(judge(60_750).unwrap(), "claim exp: in_the_past");
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
fn a_start_or_issue_that_is_not_a_time_is_refused() {
    for name in ["nbf", "iat"] {
        for (value, problem) in [
            (json!("0"), "wrong_type"),
            (json!(null), "wrong_type"),
            (json!([0]), "wrong_type"),
            (json!(-1), "out_of_range"),
            (json!(u64::MAX), "out_of_range"),
        ] {
            let token = token(&with(name, value.clone()));
            assert_eq!(reason(&jwt(), &token), Some(RefusalReason::TokenClaims), "{name} {value}");
            assert_eq!(fault(&jwt(), &token), Some(format!("claim {name}: {problem}")));
        }
    }
}

/// Attack 12.
#[test]
fn an_issuer_equals_the_configured_one_exactly() {
    let jwt = jwt().issued_by("https://id.example.org");
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
fn a_malformed_subject_is_refused() {
    let long = "a".repeat(256);
    let values = [
        json!(""),
        json!(null),
        json!(true),
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

/// Some databases number their users, and `JwtService` signs the number as it is.
#[test]
fn a_whole_number_as_user_is_read_as_its_digits() {
    let user = |jwt: &Jwt, claims: &str| show(jwt, &token(claims)).unwrap().user;
    let by_id = jwt().user_claim("userId");

    for id in ["0", "1", "42", "9007199254740991"] {
        let claims = format!(r#"{{"sub":{id},"exp":1800000060}}"#);
        assert_eq!(user(&jwt(), &claims).as_str(), id);
        assert_eq!(user(&by_id, &claims.replace("sub", "userId")).as_str(), id);
    }
}

/// Attack 14: a number with two spellings would name two users, and JavaScript may round the
/// numbers of two users to the same number.
#[test]
fn any_other_number_as_user_is_refused() {
    for (number, problem) in [
        ("1.0", "wrong_type"),
        ("1e3", "wrong_type"),
        ("1.5", "wrong_type"),
        ("-0", "wrong_type"),
        ("-1", "out_of_range"),
        ("9007199254740992", "out_of_range"),
        ("18446744073709551615", "out_of_range"),
        ("18446744073709551616", "wrong_type"),
    ] {
        let token = token(&format!(r#"{{"sub":{number},"exp":1800000060}}"#));
        assert_eq!(fault(&jwt(), &token), Some(format!("claim sub: {problem}")), "{number}");
    }
}

#[test]
fn the_user_is_read_only_from_the_configured_claim() {
    let jwt = jwt().user_claim("userId");
    let both = json!({"sub": "alice", "userId": "u-7", "exp": NOW + 60}).to_string();

    assert_eq!(accepted(&jwt, &token(&both)).subject(), "u-7");
    assert_eq!(fault(&jwt, &token(&good())).unwrap(), "claim userId: missing");
    let empty = json!({"userId": "", "exp": NOW + 60}).to_string();
    assert_eq!(fault(&jwt, &token(&empty)).unwrap(), "claim userId: empty");
}

/// The tokens are those of `JwtService` with `expiresIn: '7d'` and `'30d'`.
#[test]
fn a_token_of_days_needs_a_longer_lifetime_as_the_audit_record_says() {
    let days =
        |days: u64| json!({"sub": "alice", "iat": NOW, "exp": NOW + days * 86_400}).to_string();
    let allow = |days: u64| jwt().max_lifetime(Duration::from_hours(24 * days));

    assert_eq!(fault(&jwt(), &token(&days(7))).unwrap(), "claim exp: too_long");
    assert_eq!(fault(&allow(7), &token(&days(7))), None);
    assert_eq!(fault(&allow(30), &token(&days(30))), None);
    assert_eq!(fault(&allow(90), &token(&days(31))).unwrap(), "claim exp: too_long");
}

/// The tokens are those of `jwt.sign({ sub })` without `expiresIn`.
#[test]
fn a_token_without_expiry_needs_a_danger_setting_and_expires_by_its_issue() {
    let endless = |iat: u64| token(&json!({"sub": "alice", "iat": iat}).to_string());
    let lax = jwt().max_lifetime(Duration::from_secs(900)).danger_without_exp();

    assert_eq!(fault(&jwt(), &endless(NOW)).unwrap(), "claim exp: missing");
    let grant = show(&lax, &endless(NOW - 100)).unwrap();
    assert_eq!(grant.expires_at, Some(at(NOW + 800)));
    assert_eq!(reason(&lax, &endless(NOW - 900)), Some(RefusalReason::TokenExpired));
    assert_eq!(fault(&lax, &endless(NOW - 900)).unwrap(), "claim iat: in_the_past");
    // If the lifetime were counted from the handshake, the token would never expire.
    let without_issue = token(&json!({"sub": "alice"}).to_string());
    assert_eq!(fault(&lax, &without_issue).unwrap(), "claim iat: missing");
    // An `exp` that is present is enforced.
    assert_eq!(reason(&lax, &token(&with("exp", NOW))), Some(RefusalReason::TokenExpired));
    assert_eq!(fault(&lax, &token(&with("exp", NOW + 901))).unwrap(), "claim exp: too_long");
}

/// Each refusal names one claim and its problem.
#[test]
fn a_refused_claim_is_named_with_its_problem() {
    let jwt = jwt().issued_by("https://id.example.org").audience("chat");
    let good = json!({
        "sub": "alice", "iss": "https://id.example.org", "aud": "chat", "exp": NOW + 60,
    });
    for (name, value, expected) in [
        ("iss", json!("https://id.example.org/"), "claim iss: mismatch"),
        ("iss", json!(["https://id.example.org"]), "claim iss: wrong_type"),
        ("aud", json!("mail"), "claim aud: mismatch"),
        ("aud", json!(7), "claim aud: wrong_type"),
        ("sub", json!(""), "claim sub: empty"),
        ("sub", json!("a\n"), "claim sub: malformed"),
        ("sub", json!(["a"]), "claim sub: wrong_type"),
        ("jti", json!(7), "claim jti: wrong_type"),
        ("sid", json!("s".repeat(256)), "claim sid: malformed"),
        ("auth_time", json!("today"), "claim auth_time: wrong_type"),
        ("auth_time", json!(NOW + 60), "claim auth_time: in_the_future"),
        ("nbf", json!(NOW + 60), "claim nbf: in_the_future"),
        ("iat", json!(NOW + 60), "claim iat: in_the_future"),
        ("exp", json!(NOW), "claim exp: in_the_past"),
    ] {
        let mut claims = good.clone();
        claims[name] = value;
        assert_eq!(fault(&jwt, &token(&claims.to_string())).unwrap(), expected);
    }
    for name in ["sub", "iss", "aud", "exp"] {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        let fault = fault(&jwt, &token(&claims.to_string())).unwrap();
        assert_eq!(fault, format!("claim {name}: missing"));
    }
    assert_eq!(
        fault(&self::jwt(), &token(&with("aud", "chat"))).unwrap(),
        "claim aud: not_allowed"
    );
}

/// Attack 29.
#[test]
fn a_wrong_clock_is_used_as_the_time() {
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

/// RFC 7800, RFC 9449 section 7.2.
#[test]
fn a_token_that_is_bound_to_a_key_is_refused_because_the_key_is_not_proved() {
    for confirmation in [
        json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
        json!({"x5t#S256": "a"}),
        json!(null),
    ] {
        let bound = token(&with("cnf", confirmation));
        assert_eq!(fault(&jwt(), &bound).unwrap(), "claim cnf: not_allowed");
    }
}
