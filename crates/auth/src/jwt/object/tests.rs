//! Reads plain JSON objects, and rejects everything else.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::*;

#[test]
fn a_plain_object_is_read_with_all_its_members() {
    let object = read(r#" {"a": [1, {"b": "]}{["}], "c": "\"{[\\", "d": {}} "#).unwrap();

    assert_eq!(object.keys().collect::<Vec<_>>(), ["a", "c", "d"]);
}

#[test]
fn text_that_is_not_an_object_is_refused() {
    for json in ["", " ", "null", "7", "\"a\"", "[]", "{", "{}}", "{} {}", "{a:1}", "{\"a\":1,}"] {
        assert!(read(json).is_none(), "{json}");
    }
    assert!(decode(&URL_SAFE_NO_PAD.encode(b"{\"a\":\"\xff\"}")).is_none());
    assert!(decode(&URL_SAFE_NO_PAD.encode("\u{feff}{}")).is_none());
}

/// Attack 10.
#[test]
fn a_malformed_number_is_refused() {
    for number in ["1e400", "01", "+1", "0x10", "NaN", "Infinity", "1."] {
        assert!(read(&format!(r#"{{"exp":{number}}}"#)).is_none(), "{number}");
    }
}

#[test]
fn a_duplicate_member_is_refused_even_if_it_is_not_read() {
    for json in [
        r#"{"sub":"alice","sub":"alice"}"#,
        r#"{"sub":"alice","\u0073ub":"admin"}"#,
        r#"{"unknown":1,"unknown":2}"#,
        r#"{"":1,"":1}"#,
        r#"{"realm_access":{"roles":["user"],"roles":["admin"]}}"#,
        r#"{"groups":[{"name":"user","name":"admin"}]}"#,
    ] {
        assert!(read(json).is_none(), "{json}");
    }
}

/// Attack 18.
#[test]
fn objects_are_at_most_32_deep() {
    let nested = |arrays| format!(r#"{{"a":{}{}}}"#, "[".repeat(arrays), "]".repeat(arrays));

    assert!(read(&nested(31)).is_some());
    assert!(read(&nested(32)).is_none());
    assert!(read(&nested(5_000)).is_none());
    assert!(read(&format!(r#"{{"a":{}"#, "[".repeat(5_000))).is_none());
}

#[test]
fn brackets_in_strings_do_not_count_as_depth() {
    let json = format!(r#"{{"a":"\\","b":"\"{}"}}"#, "[{".repeat(100));

    assert!(read(&json).is_some());
}

fn read(json: &str) -> Option<Map<String, Value>> {
    decode(&URL_SAFE_NO_PAD.encode(json))
}

#[test]
fn arrays_beside_each_other_are_no_deeper_than_one() {
    let json = format!(r#"{{"a":[{}[]]}}"#, "[],".repeat(100));

    assert!(read(&json).is_some());
}

/// Attack 18: brackets in strings could make the nesting look shallow.
#[test]
fn closing_brackets_in_strings_do_not_hide_the_depth() {
    let nested =
        |arrays| format!(r#"{{"a":{}1{}}}"#, r#"["]}",["#.repeat(arrays), "]]".repeat(arrays));

    assert!(read(&nested(15)).is_some());
    assert!(read(&nested(16)).is_none());
}
