//! Reads `Cookie` headers of browsers, and ambiguous headers of attackers.

use http::{HeaderMap, HeaderValue, header::COOKIE};
use proptest::prelude::*;

use super::*;

fn headers(values: &[&[u8]]) -> Headers {
    let mut map = HeaderMap::new();
    for value in values {
        map.append(COOKIE, HeaderValue::from_bytes(value).unwrap());
    }
    Headers::from(&map)
}

#[test]
fn a_cookie_is_found_among_others() {
    for values in [
        &[&b"__Host-a=1"[..]][..],
        &[b"x=2; __Host-a=1; y=3"],
        &[b"x=2;__Host-a=1;y=3"],
        &[b"x=2;  __Host-a=1 ; y=3"],
        &[b"x=2", b"__Host-a=1"],
        &[b"; ;__Host-a=1;;"],
        &[b"broken; __Host-a=1"],
        &[b"x=\xff; __Host-a=1"],
    ] {
        assert_eq!(find_cookie(&headers(values), "__Host-a"), FoundCookie::One(b"1"), "{values:?}");
    }
}

#[test]
fn a_value_is_not_decoded() {
    for value in ["\"1\"", "a=b", "%31", "", "1 2"] {
        let header = format!("__Host-a={value}; x=2");
        let found = headers(&[header.as_bytes()]);
        assert_eq!(find_cookie(&found, "__Host-a"), FoundCookie::One(value.as_bytes()));
    }
}

#[test]
fn another_name_is_another_cookie() {
    for value in [
        "",
        "a=1",
        "__host-a=1",
        "__HOST-A=1",
        "__Host-ab=1",
        "x__Host-a=1",
        "__Host-a",
        "__Host-a =1",
        "=__Host-a=1",
        "x=__Host-a=1",
        "%5F%5FHost-a=1",
        "$Version=1",
    ] {
        assert_eq!(
            find_cookie(&headers(&[value.as_bytes()]), "__Host-a"),
            FoundCookie::Nothing,
            "{value}"
        );
    }
    assert_eq!(find_cookie(&Headers::default(), "__Host-a"), FoundCookie::Nothing);
}

#[test]
fn quotes_do_not_hide_a_cookie() {
    let sandwich = b"$Version=1; x=\"; __Host-a=1; y=\"";

    assert_eq!(find_cookie(&headers(&[sandwich]), "__Host-a"), FoundCookie::One(b"1"));
}

#[test]
fn two_cookies_of_one_name_are_not_used() {
    for values in [
        &[&b"__Host-a=1; __Host-a=2"[..]][..],
        &[b"__Host-a=1; __Host-a=1"],
        &[b"__Host-a=1", b"__Host-a=2"],
        &[b"__Host-a=1; x=2; __Host-a="],
    ] {
        assert_eq!(find_cookie(&headers(values), "__Host-a"), FoundCookie::Several, "{values:?}");
    }
}

#[test]
fn only_the_cookie_header_is_read() {
    let mut map = HeaderMap::new();
    map.append("authorization", HeaderValue::from_static("__Host-a=1"));

    assert_eq!(find_cookie(&Headers::from(&map), "__Host-a"), FoundCookie::Nothing);
}

proptest! {
    #[test]
    fn a_cookie_among_any_others_is_found_once(
        before in "[ -:<-~;]{0,40}",
        after in "[ -:<-~;]{0,40}",
        value in "[A-Za-z0-9_=-]{0,44}",
    ) {
        // `before` and `after` may contain other cookies. They are random, so none has the name
        // `__Host-a`.
        let header = format!("{before};__Host-a={value};{after}");

        let headers = headers(&[header.as_bytes()]);

        prop_assert_eq!(find_cookie(&headers, "__Host-a"), FoundCookie::One(value.as_bytes()));
    }
}
