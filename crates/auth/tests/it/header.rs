//! Refuses bad headers that were signed with a genuine key.

use std::{io::ErrorKind, net::TcpListener};

use doorward_auth::RefusalReason;
use serde_json::json;

use crate::forge::{
    AnySigner, ES256, HS256, SECRET, base64url, fault, good, hmac, jwt, reason, signed, token, with,
};

/// Attack 1.
#[test]
fn a_token_without_an_algorithm_is_refused() {
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let header = json!({ "alg": alg }).to_string();
        let signed = signed(&header, &good());

        let with_signature = hmac(SECRET.as_bytes(), &header, &good());
        let without = format!("{signed}.");
        let with_any = format!("{signed}.AA");

        assert_eq!(reason(&jwt(), &with_signature), Some(RefusalReason::TokenHeader), "{alg}");
        assert_eq!(reason(&jwt(), &without), Some(RefusalReason::TokenMalformed), "{alg}");
        assert_eq!(reason(&jwt(), &with_any), Some(RefusalReason::TokenHeader), "{alg}");
    }
}

/// Attack 3.
#[test]
fn the_algorithm_belongs_to_the_key() {
    let signer = AnySigner::generate();
    let others = ["ES384", "ES512", "RS256", "RS512", "PS256", "PS384", "HS256", "EdDSA", "es256"];
    for alg in others {
        let token = signer.token(&json!({ "alg": alg }).to_string(), &good());
        assert_eq!(reason(&signer.jwt(), &token), Some(RefusalReason::TokenHeader), "{alg}");
    }
    for alg in ["HS384", "HS512", "ES256", "RS256", "hs256"] {
        let token = hmac(SECRET.as_bytes(), &json!({ "alg": alg }).to_string(), &good());
        assert_eq!(reason(&jwt(), &token), Some(RefusalReason::TokenHeader), "{alg}");
    }
    assert_eq!(reason(&signer.jwt(), &signer.token(ES256, &good())), None);
}

/// Each refusal names one parameter and its problem.
#[test]
fn a_refused_header_is_named_with_its_problem() {
    for (header, expected) in [
        (json!({}), "token_header alg: missing"),
        (json!({"alg": 7}), "token_header alg: wrong_type"),
        (json!({"alg": "none"}), "token_header alg: mismatch"),
        (json!({"alg": "RS256"}), "token_header alg: mismatch"),
        (json!({"alg": "HS256", "typ": "logout+jwt"}), "token_header typ: not_allowed"),
        (json!({"alg": "HS256", "typ": 1}), "token_header typ: wrong_type"),
        (json!({"alg": "HS256", "jku": "https://evil.example"}), "token_header jku: not_allowed"),
        (json!({"alg": "HS256", "crit": ["exp"]}), "token_header crit: not_allowed"),
        (json!({"alg": "HS256", "kid": "a\n"}), "token_header kid: malformed"),
        (json!({"alg": "HS256", "kid": 7}), "token_header kid: wrong_type"),
    ] {
        let token = hmac(SECRET.as_bytes(), &header.to_string(), &good());
        assert_eq!(fault(&jwt(), &token).unwrap(), expected);
    }
    let untyped = hmac(SECRET.as_bytes(), r#"{"alg":"HS256"}"#, &good());
    let typed = jwt().token_type("at+jwt");
    assert_eq!(fault(&typed, &untyped).unwrap(), "token_header typ: missing");
    let other = hmac(b"another secret", HS256, &good());
    assert_eq!(fault(&jwt(), &other).unwrap(), "segment signature: mismatch");
}

/// Attack 4, attack 5.
#[test]
fn a_token_that_brings_its_key_is_refused_and_nothing_is_fetched() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let key = json!({"kty": "oct", "k": base64url([7; 32])});

    for (name, value) in [
        ("jwk", key),
        ("jwk", json!(null)),
        ("jku", json!(url)),
        ("x5u", json!(url)),
        ("x5c", json!(["MIIB"])),
    ] {
        let header = json!({"alg": "HS256", name: value}).to_string();
        for secret in [SECRET.as_bytes(), &[7; 32]] {
            let reason = reason(&jwt(), &hmac(secret, &header, &good()));
            assert_eq!(reason, Some(RefusalReason::TokenHeader), "{header}");
        }
    }

    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

/// Attack 9.
#[test]
fn an_issuer_that_is_an_address_is_not_called() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());

    let accepted = reason(&jwt(), &token(&with("iss", url)));

    assert_eq!(accepted, None);
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

/// Attack 7.
#[test]
fn a_malformed_key_id_is_refused() {
    let values = [
        json!("key\0"),
        json!("k".repeat(5_000)),
        json!("k\n"),
        json!(""),
        json!(7),
        json!(null),
        json!(["a"]),
        json!({"a": 1}),
    ];
    for kid in values {
        let header = json!({"alg": "HS256", "kid": kid}).to_string();
        let reason = reason(&jwt(), &hmac(SECRET.as_bytes(), &header, &good()));
        assert_eq!(reason, Some(RefusalReason::TokenHeader), "{kid}");
    }
}

/// Attack 7: a key id is neither a path nor part of a query, and an empty file is not a secret.
#[test]
fn a_key_id_locates_no_other_key() {
    for kid in ["../../../../dev/null", "' OR 1=1 --", "2026-11"] {
        let header = json!({"alg": "HS256", "kid": kid}).to_string();

        assert_eq!(
            reason(&jwt(), &hmac(b"", &header, &good())),
            Some(RefusalReason::TokenSignature),
            "{kid}",
        );
        assert_eq!(reason(&jwt(), &hmac(SECRET.as_bytes(), &header, &good())), None, "{kid}");
    }
}

/// Attack 15.
#[test]
fn another_kind_of_token_of_the_same_issuer_is_refused() {
    let signer = AnySigner::generate();
    for typ in
        ["id+jwt", "ID", "refresh", "rt+jwt", "logout+jwt", "ticket", "ticket+jwt", "dpop+jwt"]
    {
        let header = json!({"alg": "ES256", "typ": typ}).to_string();
        let reason = reason(&signer.jwt(), &signer.token(&header, &good()));
        assert_eq!(reason, Some(RefusalReason::TokenHeader), "{typ}");
    }
}

/// Attack 15.
#[test]
fn a_required_type_excludes_all_others() {
    let strict = jwt().token_type("at+jwt");
    let typed = |typ: &str| {
        let header = json!({"alg": "HS256", "typ": typ}).to_string();
        reason(&strict, &hmac(SECRET.as_bytes(), &header, &good()))
    };

    assert_eq!(typed("at+jwt"), None);
    assert_eq!(typed("application/AT+JWT"), None);
    assert_eq!(typed("JWT"), Some(RefusalReason::TokenHeader));
    assert_eq!(
        reason(&strict, &hmac(SECRET.as_bytes(), r#"{"alg":"HS256"}"#, &good())),
        Some(RefusalReason::TokenHeader),
    );
}

/// Attack 16.
#[test]
fn critical_extensions_are_refused() {
    for header in [
        json!({"alg": "HS256", "crit": ["exp"], "exp": 1}),
        json!({"alg": "HS256", "crit": ["urn:example:unknown"], "urn:example:unknown": true}),
        json!({"alg": "HS256", "crit": ["b64"], "b64": false}),
        json!({"alg": "HS256", "crit": []}),
        json!({"alg": "HS256", "crit": null}),
        json!({"alg": "HS256", "b64": false}),
        json!({"alg": "HS256", "b64": true}),
    ] {
        let reason = reason(&jwt(), &hmac(SECRET.as_bytes(), &header.to_string(), &good()));
        assert_eq!(reason, Some(RefusalReason::TokenHeader), "{header}");
    }
}

#[test]
fn unknown_members_are_ignored() {
    let header = r#"{"alg":"HS256","cty":"json","x5t":"a","later":{"a":1}}"#;

    assert_eq!(reason(&jwt(), &hmac(SECRET.as_bytes(), header, &good())), None);
    assert_eq!(reason(&jwt(), &hmac(SECRET.as_bytes(), HS256, &good())), None);
}
