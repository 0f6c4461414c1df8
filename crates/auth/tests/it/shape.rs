//! Refuses text that is not a token, and tokens in other spellings.

use doorward_auth::RefusalReason;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::forge::{
    AnySigner, ES256, HS256, NOW, SECRET, at, base64url, fault, good, hmac, hmac_segments, jwt,
    reason, show, token,
};

#[test]
fn a_token_has_exactly_three_segments_with_content() {
    let good = token(&good());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();

    for shape in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        header.to_owned(),
        signed.to_owned(),
        format!("{signed}."),
        format!(".{claims}.{signature}"),
        format!("{header}..{signature}"),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{signature}"),
        format!("{good}.{claims}.{signature}"),
        r#"{"payload":"e30","signatures":[]}"#.to_owned(),
    ] {
        assert_eq!(reason(&jwt(), &shape), Some(RefusalReason::TokenMalformed), "{shape}");
    }
}

/// Clients that share code with their HTTP requests send the scheme before the token.
#[test]
fn a_scheme_before_the_token_is_accepted_if_configured() {
    let token = token(&good());
    let bearer = jwt().bearer();

    assert_eq!(fault(&jwt(), &format!("Bearer {token}")).unwrap(), "member auth.token: prefixed");
    for good in [format!("Bearer {token}"), format!("bearer {token}"), token.clone()] {
        assert_eq!(reason(&bearer, &good), None, "{good}");
    }
    for bad in [
        format!("Bearer  {token}"),
        format!("Bearer\t{token}"),
        format!("Bearer {token} "),
        format!(" Bearer {token}"),
        format!("Bearer{token}"),
        format!("Bearer Bearer {token}"),
        format!("Basic {token}"),
        "Bearer ".to_owned(),
    ] {
        assert_eq!(reason(&bearer, &bad), Some(RefusalReason::TokenMalformed), "{bad}");
    }
}

/// Each refusal names the malformed part of the token.
#[test]
fn a_malformed_token_is_named_with_its_problem() {
    let good = token(&good());
    let (signed, _) = good.rsplit_once('.').unwrap();
    for (token, expected) in [
        ("a".repeat(8_193), "member auth.token: too_long"),
        ("not-a-token".to_owned(), "member auth.token: malformed"),
        (format!("{good}.{good}"), "member auth.token: malformed"),
        (format!("e30=.{good}"), "member auth.token: malformed"),
        (format!("!{good}"), "segment header: malformed"),
        (format!("{signed}.!"), "segment signature: malformed"),
        (token("[]"), "segment claims: malformed"),
    ] {
        assert_eq!(fault(&jwt(), &token).unwrap(), expected);
    }
}

/// Attack 18.
#[test]
fn a_token_is_at_most_8_kib() {
    let of_size = |size: usize| {
        (0..size)
            .rev()
            .map(|filler| {
                token(&format!(
                    r#"{{"sub":"alice","exp":1800000060,"a":"{}"}}"#,
                    "a".repeat(filler)
                ))
            })
            .find(|token| token.len() <= size)
            .unwrap()
    };

    let largest = of_size(8_192);
    let too_large = of_size(8_193);

    assert_eq!((largest.len(), too_large.len()), (8_192, 8_193));
    assert_eq!(reason(&jwt(), &largest), None);
    assert_eq!(reason(&jwt(), &too_large), Some(RefusalReason::TokenMalformed));
    assert_eq!(reason(&jwt(), &"a".repeat(1 << 20)), Some(RefusalReason::TokenMalformed));
    assert_eq!(reason(&jwt(), &".".repeat(8_192)), Some(RefusalReason::TokenMalformed));
}

/// Attack 18.
#[test]
fn deep_json_is_refused() {
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!(r#"{{"sub":"alice","exp":1800000060,"a":{open}{close}}}"#)
    };
    let header = |depth: usize| {
        format!(r#"{{"alg":"HS256","a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth))
    };

    assert_eq!(reason(&jwt(), &token(&nested(31))), None);
    for depth in [32, 127, 128, 2_900] {
        let token_of = |header: &str, claims: &str| hmac(SECRET.as_bytes(), header, claims);
        for token in [token(&nested(depth)), token_of(&header(depth), &good())] {
            assert_eq!(reason(&jwt(), &token), Some(RefusalReason::TokenMalformed), "{depth}");
        }
    }
}

/// Attack 19. Every variant has a genuine signature over exactly the bytes that are sent.
#[test]
fn base64_in_any_other_form_is_refused() {
    let (header, claims) = (base64url(HS256), base64url(good()));
    let signed = |header: &str, claims: &str| hmac_segments(SECRET.as_bytes(), header, claims);

    for bad in [
        |segment: &str| format!("{segment}="),
        |segment: &str| format!("{segment}=="),
        |segment: &str| format!("{segment} "),
        |segment: &str| format!(" {segment}"),
        |segment: &str| format!("{segment}\n"),
        |segment: &str| segment.replacen('e', "e?", 1),
        |segment: &str| segment.replacen('e', "e\u{0}", 1),
        |segment: &str| segment.replacen('e', "é", 1),
        |segment: &str| format!("{segment}A"),
    ] {
        for token in [signed(&bad(&header), &claims), signed(&header, &bad(&claims))] {
            assert_eq!(reason(&jwt(), &token), Some(RefusalReason::TokenMalformed), "{token}");
        }
        let good = token(&good());
        let (rest, signature) = good.rsplit_once('.').unwrap();
        let token = format!("{rest}.{}", bad(&format!("e{signature}")));
        assert_eq!(reason(&jwt(), &token), Some(RefusalReason::TokenMalformed), "{token}");
    }
}

/// Attack 19.
#[test]
fn the_standard_alphabet_is_refused() {
    let claims = r#"{"sub":"alice","exp":1800000060,"a":"???>>>~~~"}"#;
    let (url, standard) =
        (base64url(claims), base64url(claims).replace('-', "+").replace('_', "/"));
    assert_ne!(url, standard);

    let signed = |claims: &str| hmac_segments(SECRET.as_bytes(), &base64url(HS256), claims);

    assert_eq!(reason(&jwt(), &signed(&url)), None);
    assert_eq!(reason(&jwt(), &signed(&standard)), Some(RefusalReason::TokenMalformed));
}

/// Attack 19: in the last character of a 32-byte signature, two bits are unused.
#[test]
fn bits_that_are_left_over_must_be_zero() {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut good = token(&good());
    let last = ALPHABET.find(good.pop().unwrap()).unwrap();

    for twin in last + 1..last + 4 {
        let token = format!("{good}{}", ALPHABET.chars().nth(twin).unwrap());
        assert_eq!(reason(&jwt(), &token), Some(RefusalReason::TokenMalformed), "{token}");
    }
}

#[test]
fn a_duplicate_member_is_refused() {
    for (header, claims) in [
        (r#"{"alg":"none","alg":"HS256"}"#, good()),
        (r#"{"alg":"HS256","alg":"HS256"}"#, good()),
        (r#"{"alg":"HS256","x":1,"x":1}"#, good()),
        (HS256, r#"{"sub":"admin","sub":"alice","exp":1800000060}"#.to_owned()),
        (HS256, r#"{"sub":"alice","exp":1,"exp":1800000060}"#.to_owned()),
        (HS256, r#"{"sub":"alice","exp":1800000060,"role":"a","role":"b"}"#.to_owned()),
    ] {
        let token = hmac(SECRET.as_bytes(), header, &claims);
        assert_eq!(reason(&jwt(), &token), Some(RefusalReason::TokenMalformed), "{claims}");
    }
}

#[test]
fn claims_that_are_not_an_object_are_refused() {
    for claims in ["", "[]", "7", "null", "\"alice\"", "{", "sub=alice"] {
        let reason = reason(&jwt(), &token(claims));
        assert_eq!(reason, Some(RefusalReason::TokenMalformed), "{claims}");
    }
}

proptest! {
    #[test]
    fn no_string_is_accepted_by_luck(text in any::<String>()) {
        prop_assert!(show(&jwt(), &text).is_err());
    }

    #[test]
    fn no_three_segments_are_accepted_by_luck(
        text in "[A-Za-z0-9_=-]{0,40}(\\.[A-Za-z0-9_=-]{0,90}){2}",
    ) {
        prop_assert!(show(&jwt(), &text).is_err());
    }

    #[test]
    fn no_changed_character_goes_unnoticed(
        index: prop::sample::Index,
        other in "[A-Za-z0-9_.=?-]",
    ) {
        let signer = AnySigner::generate();
        for (jwt, token) in [
            (jwt(), token(&good())),
            (signer.jwt(), signer.token(ES256, &good())),
        ] {
            let at = index.index(token.len());
            let mut changed = token.clone();
            changed.replace_range(at..=at, &other);

            prop_assert_eq!(show(&jwt, &changed).is_ok(), changed == token);
        }
    }

    #[test]
    fn a_genuine_signature_is_accepted_only_with_a_user_and_an_expiry(
        header in object(&["typ", "kid", "crit", "cty"]),
        claims in object(&["sub", "exp", "nbf", "iat", "iss", "aud", "jti", "sid", "role"]),
    ) {
        let header = header.replacen('{', r#"{"alg":"HS256","#, 1).replace(",}", "}");

        if let Ok(grant) = show(&jwt(), &hmac(SECRET.as_bytes(), &header, &claims)) {
            prop_assert!(!grant.user.as_str().is_empty());
            prop_assert!(grant.expires_at > Some(at(NOW)));
            prop_assert!(grant.expires_at <= Some(at(NOW + 86_400)));
            prop_assert!(grant.principal.get("aud").is_none());
        }
    }
}

/// Generates objects of known members, mostly with invalid values.
fn object(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    let value = prop_oneof![
        any::<String>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (NOW - 10..NOW + 10).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!(null)),
        Just(json!(["alice"])),
        Just(json!("alice")),
        Just(json!("JWT")),
    ];
    prop::collection::btree_map(prop::sample::select(names), value, 0..=names.len())
        .prop_map(|members| json!(members).to_string())
}
