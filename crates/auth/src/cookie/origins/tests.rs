//! Accepts allowed origins, and refuses similar origins.

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;

fn origins() -> Origins {
    Origins::new("https://app.example.org")
        .unwrap()
        .allow("https://admin.example.org:8443")
        .unwrap()
}

fn headers(pairs: &[(&'static str, &[u8])]) -> Headers {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
    }
    Headers::from(&map)
}

const KINDS: [RequestKind; 3] = [RequestKind::Read, RequestKind::Upgrade, RequestKind::Write];

#[test]
fn a_page_of_an_allowed_origin_may_use_cookies() {
    for origin in ["https://app.example.org", "https://admin.example.org:8443"] {
        for kind in KINDS {
            let headers = headers(&[("origin", origin.as_bytes())]);
            assert!(origins().may_use_cookie(kind, &headers), "{origin} {kind:?}");
        }
    }
}

/// Attack 53.
#[test]
fn a_page_of_any_other_origin_may_not() {
    let others: [&[u8]; 34] = [
        b"https://evil.example",
        b"null",
        b"",
        b"*",
        b"https://app.example.org.evil.example",
        b"https://evil-app.example.org",
        b"https://app.example.org-evil.example",
        b"https://evil.example/https://app.example.org",
        b"https://evil.example?https://app.example.org",
        b"https://evil.example#https://app.example.org",
        b"https://sub.app.example.org",
        b"https://example.org",
        b"http://app.example.org",
        b"wss://app.example.org",
        b"app.example.org",
        b"//app.example.org",
        b"https:app.example.org",
        b"https:///app.example.org",
        b"https://app.example.org:8443",
        b"https://app.example.org:443",
        b"https://app.example.org:",
        b"https://app.example.org:0443",
        b"https://admin.example.org",
        b"https://user@app.example.org",
        b"https://app.example.org@evil.example",
        b"https://user:password@app.example.org",
        b"https://APP.example.org",
        b"HTTPS://app.example.org",
        b"https://app.example.org.",
        b"https://app.example.org/",
        b" https://app.example.org",
        b"https://app.example.org https://app.example.org",
        b"https://app.example.org,https://evil.example",
        b"https://app.example\xe3\x80\x82org",
    ];
    for origin in others {
        for kind in KINDS {
            let headers = headers(&[("origin", origin), ("sec-fetch-site", b"same-origin")]);
            let printed = String::from_utf8_lossy(origin);
            assert!(!origins().may_use_cookie(kind, &headers), "{printed} {kind:?}");
        }
    }
}

/// Attack 53.
#[test]
fn without_an_origin_only_a_read_of_the_same_origin_or_by_the_user_may() {
    let check =
        |kind, pairs: &[(&'static str, &[u8])]| origins().may_use_cookie(kind, &headers(pairs));

    assert!(check(RequestKind::Read, &[("sec-fetch-site", b"same-origin")]));
    for kind in [RequestKind::Upgrade, RequestKind::Write] {
        assert!(!check(kind, &[("sec-fetch-site", b"same-origin")]), "{kind:?}");
    }
    for site in ["same-site", "cross-site", "none", "Same-Origin", "same-origin, none", ""] {
        assert!(!check(RequestKind::Read, &[("sec-fetch-site", site.as_bytes())]), "{site}");
    }
    // The user has typed the address. A link on a page of another site has other headers.
    let typed: [(&str, &[u8]); 3] = [
        ("sec-fetch-site", b"none"),
        ("sec-fetch-mode", b"navigate"),
        ("sec-fetch-dest", b"document"),
    ];
    assert!(check(RequestKind::Read, &typed));
    for left_out in 0..3 {
        let others = typed.into_iter().enumerate().filter(|(number, _)| *number != left_out);
        let others: Vec<_> = others.map(|(_, header)| header).collect();
        assert!(!check(RequestKind::Read, &others), "{others:?}");
    }
    for kind in [RequestKind::Upgrade, RequestKind::Write] {
        assert!(!check(kind, &typed), "{kind:?}");
    }
    let framed = [typed[0], typed[1], ("sec-fetch-dest", b"iframe")];
    assert!(!check(RequestKind::Read, &framed));
    for kind in KINDS {
        assert!(!check(kind, &[]), "{kind:?}");
        assert!(!check(kind, &[("referer", b"https://app.example.org/")]), "{kind:?}");
    }
}

/// Attack 53.
#[test]
fn a_duplicate_header_allows_nothing() {
    let (good, same) =
        (("origin", &b"https://app.example.org"[..]), ("sec-fetch-site", &b"same-origin"[..]));
    for pairs in [
        &[good, good][..],
        &[good, ("origin", b"https://evil.example")],
        &[("origin", b"https://evil.example"), good],
        &[same, same],
        &[same, ("sec-fetch-site", b"cross-site")],
    ] {
        assert!(!origins().may_use_cookie(RequestKind::Read, &headers(pairs)));
    }
}

#[test]
fn an_origin_is_kept_as_browsers_write_it() {
    for (written, serialized) in [
        ("https://app.example.org", "https://app.example.org"),
        ("HTTPS://App.Example.ORG", "https://app.example.org"),
        ("https://app.example.org:443", "https://app.example.org"),
        ("https://app.example.org:8443", "https://app.example.org:8443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://localhost:80", "http://localhost"),
        ("http://chat.localhost:3000", "http://chat.localhost:3000"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://[0:0:0:0:0:0:0:1]:3000", "http://[::1]:3000"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://a_b.example", "https://a_b.example"),
    ] {
        let origins = Origins { allowed: Vec::new() }.allow(written).unwrap();
        assert!(origins.contains(serialized), "{written}");
    }
    assert!(Origins::new("http://localhost:3000/").unwrap().contains("http://localhost:3000"));
}

/// Attack 105.
#[test]
fn text_that_is_not_an_origin_cannot_be_allowed() {
    for origin in [
        "",
        "*",
        "null",
        "https://",
        "https://*",
        "https://*.example.org",
        "https://example.org/app",
        "https://example.org//",
        "https://example.org?a",
        "https://example.org#a",
        "https://user@example.org",
        "https://example.org.",
        "https://.example.org",
        "https://example..org",
        "https://example.org:0",
        "https://example.org:65536",
        "https://example.org:+443",
        "https://example.org:0443",
        "https://example.org:",
        "https://example.org:80:80",
        "https://bücher.example",
        "https://exa mple.org",
        "https://1.2.3",
        "https://01.2.3.4",
        "https://0x7f000001",
        "https://256.1.1.1",
        "https://[::1",
        "https://[::1]x",
        "https://[1.2.3.4]",
        "https://::1",
        "ftp://example.org",
        "file://",
        "example.org",
        "javascript://example.org",
    ] {
        let error = origins().allow(origin).err();
        assert_eq!(error, Some(OriginError::Malformed), "{origin}");
    }
}

/// Covers pages that are packaged in an application, and native applications.
#[test]
fn an_application_is_allowed_by_its_name_but_not_as_the_public_url() {
    for origin in [
        "capacitor://localhost",
        "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
        "ios:bundle-id:org.example.Chat",
    ] {
        let allowed = origins().allow(origin).unwrap();
        assert!(allowed.contains(origin) && !origins().contains(origin), "{origin}");
        assert!(!allowed.contains(&origin.to_ascii_uppercase()), "{origin}");
        assert!(origins().danger_allow_insecure(origin).unwrap().contains(origin), "{origin}");
        assert_eq!(Origins::new(origin).err(), Some(OriginError::Malformed), "{origin}");
    }
    let allowed = origins().allow("capacitor://localhost").unwrap();
    let shown = |origin: &str| headers(&[("origin", origin.as_bytes())]);
    assert!(allowed.may_use_cookie(RequestKind::Upgrade, &shown("capacitor://localhost")));
    for other in ["capacitor://localhost.evil", "ionic://localhost", "http://localhost", "null"] {
        assert!(!allowed.may_use_cookie(RequestKind::Upgrade, &shown(other)), "{other}");
    }
}

/// Attack 105.
#[test]
fn an_insecure_origin_is_allowed_only_on_this_machine() {
    for origin in [
        "http://app.example.org",
        "http://app.example.org:3000",
        "http://localhost.evil.example",
        "http://evillocalhost",
        "http://128.0.0.1",
        "http://[::2]",
    ] {
        assert_eq!(origins().allow(origin).err(), Some(OriginError::Insecure), "{origin}");
        assert_eq!(Origins::new(origin).err(), Some(OriginError::Insecure), "{origin}");
        assert!(origins().danger_allow_insecure(origin).unwrap().contains(origin), "{origin}");
    }
}

proptest! {
    #[test]
    fn a_serialized_origin_parses_to_itself(
        origin in "(?i)(https?|ftp)://([a-z0-9.:@*_-]{0,12}|\\[[0-9a-f:.]{0,12}\\])(:[0-9]{0,6})?/?",
    ) {
        if let Some(serialized) = parse(&origin) {
            prop_assert_eq!(parse(&serialized), Some(serialized.clone()));
            prop_assert!(serialized.is_ascii() && !serialized.ends_with('/'));
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(origin in any::<String>(), header in "[ -~]{0,40}") {
        drop(parse(&origin));
        let headers = headers(&[("origin", header.as_bytes())]);
        prop_assert!(
            !origins().may_use_cookie(RequestKind::Write, &headers) || origins().contains(&header)
        );
    }
}
