//! Accepts plain headers, and refuses all others.

use serde_json::json;

use super::*;

#[test]
fn the_plain_headers_of_honest_issuers_are_accepted() {
    for header in [
        json!({"alg": "ES256"}),
        json!({"alg": "ES256", "typ": "JWT"}),
        json!({"alg": "ES256", "typ": "at+jwt", "kid": "2026-11"}),
        json!({"alg": "ES256", "typ": "application/at+jwt", "x5t": "unused"}),
    ] {
        assert!(is_good(&header, None), "{header}");
    }
}

/// Attack 1, attack 3.
#[test]
fn only_the_algorithm_of_the_key_is_accepted() {
    for alg in ["none", "None", "nOnE", "", "es256", "ES256 ", "ES384", "RS256", "PS256", "HS256"] {
        assert!(!is_good(&json!({ "alg": alg }), None), "{alg}");
    }
    for header in [json!({}), json!({"alg": null}), json!({"alg": ["ES256"]}), json!({"alg": 7})] {
        assert!(!is_good(&header, None), "{header}");
    }
}

/// Attack 15.
#[test]
fn a_type_of_another_kind_of_token_is_refused() {
    for typ in
        ["id+jwt", "rt+jwt", "logout+jwt", "dpop+jwt", "secevent+jwt", "ticket+jwt", "", "JWE"]
    {
        assert!(!is_good(&json!({"alg": "ES256", "typ": typ}), None), "{typ}");
    }
    for typ in [json!(null), json!(["JWT"]), json!(1), json!({"JWT": true})] {
        assert!(!is_good(&json!({"alg": "ES256", "typ": typ}), None), "{typ}");
    }
}

#[test]
fn a_required_type_is_the_only_accepted_one() {
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/at+JWT"] {
        assert!(is_good(&json!({"alg": "ES256", "typ": typ}), Some("at+jwt")), "{typ}");
        assert!(is_good(&json!({"alg": "ES256", "typ": "at+jwt"}), Some(typ)), "{typ}");
    }
    for typ in ["JWT", "at+jwt2", "text/at+jwt", "application/application/at+jwt", ""] {
        assert!(!is_good(&json!({"alg": "ES256", "typ": typ}), Some("at+jwt")), "{typ}");
    }
    assert!(!is_good(&json!({"alg": "ES256"}), Some("at+jwt")));
}

fn is_good(header: &Value, token_type: Option<&str>) -> bool {
    check(header.as_object().unwrap(), Algorithm::Es256, token_type).is_ok()
}
