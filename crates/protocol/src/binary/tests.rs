//! Encoding and decoding of payloads with bytes.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use serde::de::IgnoredAny;
use serde_json::{Value, json, value::RawValue};

use super::*;
use crate::{Args, RawArguments, decode_ack, decode_event};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Picture {
    name: String,
    pixels: Binary,
    frames: Vec<Binary>,
    mask: Option<Binary>,
    layers: BTreeMap<String, Binary>,
}

fn bytes(text: &str) -> Binary {
    Binary(text.as_bytes().to_vec().into())
}

fn picture() -> Picture {
    Picture {
        name: "cat".into(),
        pixels: bytes("pixels"),
        frames: vec![bytes(""), bytes("two")],
        mask: Some(bytes("mask")),
        layers: BTreeMap::from([("a".into(), bytes("layer"))]),
    }
}

fn placeholder(num: &Value) -> String {
    json!([{ "_placeholder": true, "num": num }]).to_string()
}

#[test]
fn bytes_are_restored_in_their_places() {
    let raw = RawArguments::new(&picture()).unwrap();

    assert_eq!(raw.attachments().len(), 5);
    assert!(raw.json().starts_with(
        r#"[{"name":"cat","pixels":{"_placeholder":true,"num":0},"frames":[{"_placeholder":true,"num":1},"#
    ));
    assert_eq!(raw.decode::<Picture>().unwrap(), picture());
    let several = RawArguments::new(&Args((1, picture(), bytes("last")))).unwrap();
    assert_eq!(several.decode::<(u8, Picture, Binary)>().unwrap(), (1, picture(), bytes("last")));
}

#[test]
fn bytes_are_found_in_values_that_serde_buffers() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u8),
        Bytes(Binary),
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Flat {
        id: u8,
        #[serde(flatten)]
        rest: BTreeMap<String, Either>,
    }
    let flat = Flat { id: 1, rest: BTreeMap::from([("b".into(), Either::Bytes(bytes("x")))]) };

    let raw = RawArguments::new(&flat).unwrap();

    assert_eq!(raw.decode::<Flat>().unwrap(), flat);
}

#[test]
fn two_placeholders_may_share_an_attachment() {
    let json = r#"["e",[{"_placeholder":true,"num":0},{"num":0,"_placeholder":true}]]"#;

    let read: Vec<Binary> = decode_event(json, &[bytes("x").0]).unwrap();

    assert_eq!(read, [bytes("x"), bytes("x")]);
}

/// Decodes `json`, in which `num: 0` refers to bytes, and returns the path and the description of
/// the error.
fn refused<T: serde::de::DeserializeOwned + fmt::Debug>(json: &str) -> (String, String) {
    let error = decode_ack::<T>(json, &[bytes("x").0]).unwrap_err();
    (error.path, error.source.to_string())
}

#[test]
fn a_type_without_bytes_fails_with_their_path_and_never_sees_a_placeholder() {
    const NESTED: &str = r#"[{"files":[{"name":"a","body":{"_placeholder":true,"num":0}}]}]"#;
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its decoding is looked at")]
    struct Raw {
        files: Box<RawValue>,
    }
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its decoding is looked at")]
    struct Text {
        files: Vec<BTreeMap<String, String>>,
    }
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its decoding is looked at")]
    struct Number(u64);

    let body = "files[0].body".to_owned();
    let any = "expected any valid JSON value, not bytes".to_owned();
    assert_eq!(refused::<Value>(NESTED), (body.clone(), any.clone()));
    assert_eq!(refused::<Text>(NESTED), (body, "expected a string, not bytes".to_owned()));
    assert_eq!(refused::<Raw>(NESTED), ("files".into(), "expected JSON, not bytes".into()));

    let alone = placeholder(&json!(0));
    assert_eq!(refused::<Value>(&alone), (String::new(), any));
    assert_eq!(refused::<Box<RawValue>>(&alone).1, "expected JSON, not bytes");
    assert_eq!(refused::<String>(&alone).1, "expected a string, not bytes");
    assert_eq!(refused::<Vec<u8>>(&alone).1, "expected a sequence, not bytes");
    assert_eq!(refused::<Number>(&alone).1, "expected u64, not bytes");
    assert_eq!(refused::<Option<bool>>(&alone).1, "expected a boolean, not bytes");
    assert_eq!(refused::<()>(&alone).1, "expected unit, not bytes");
}

/// A type that is not [`Binary`] must not receive attachments as bytes. If each placeholder gave
/// such a type a copy, a small message would use much memory.
#[test]
fn no_other_type_takes_bytes_or_sees_their_stand_in() {
    #[derive(Debug)]
    struct Bytes;

    impl<'de> Deserialize<'de> for Bytes {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Any;

            impl Visitor<'_> for Any {
                type Value = Bytes;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("bytes")
                }

                fn visit_bytes<E>(self, _: &[u8]) -> Result<Bytes, E> {
                    Ok(Bytes)
                }

                fn visit_byte_buf<E>(self, _: Vec<u8>) -> Result<Bytes, E> {
                    Ok(Bytes)
                }
            }

            deserializer.deserialize_byte_buf(Any)
        }
    }

    #[derive(Debug, Deserialize)]
    struct Newtype(Bytes);

    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Newtype(Newtype),
        Plain(Bytes),
    }

    let alone = placeholder(&json!(0));

    assert_eq!(refused::<Bytes>(&alone).1, "expected bytes, not bytes");
    refused::<Newtype>(&alone);
    refused::<Untagged>(&alone);
}

#[test]
fn bytes_that_a_type_does_not_read_are_no_error() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Named {
        name: String,
    }
    let json = r#"[{"name":"a","body":{"_placeholder":true,"num":0}}]"#;

    let named: Named = decode_ack(json, &[bytes("x").0]).unwrap();
    let ignored = decode_ack::<IgnoredAny>(json, &[bytes("x").0]);

    assert_eq!(named.name, "a");
    assert!(ignored.is_ok());
}

/// The documentation recommends this type to handlers that accept any JSON.
#[test]
fn an_untagged_enum_takes_bytes_or_any_json() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Anything {
        Bytes(Binary),
        Json(Value),
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Newtype(Binary);
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Wrapped {
        Number(u64),
        Bytes(Newtype),
    }
    let attachments = [bytes("x").0];
    let read = |json: &str| decode_ack::<Anything>(json, &attachments);
    let alone = placeholder(&json!(0));

    assert_eq!(read(&alone).unwrap(), Anything::Bytes(bytes("x")));
    assert_eq!(read(r#"[{"a":[1]}]"#).unwrap(), Anything::Json(json!({ "a": [1] })));
    assert!(read(&format!(r#"[{{"a":{alone}}}]"#)).is_err());
    assert_eq!(
        decode_ack::<Wrapped>(&alone, &attachments).unwrap(),
        Wrapped::Bytes(Newtype(bytes("x")))
    );
}

/// Types are deserialized from a tree if there are attachments, and from the text otherwise.
#[test]
fn json_beside_bytes_is_read_as_json_without_them() {
    #[derive(Debug, PartialEq, Deserialize)]
    enum Shape {
        Unit,
        Newtype(u8),
        Tuple(u8, String),
        Struct { a: Option<i64> },
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "type", rename_all = "camelCase")]
    enum Tagged {
        One { value: f32 },
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        #[serde(default)]
        a: u8,
    }
    fn same<T: serde::de::DeserializeOwned + fmt::Debug>(jsons: &[&str]) {
        for json in jsons {
            let read = |attachments: &[Bytes]| {
                decode_ack::<T>(json, attachments).ok().map(|value| format!("{value:?}"))
            };
            assert_eq!(read(&[]), read(&[Bytes::from_static(b"unused")]), "{json}");
        }
    }

    let all = [
        "[]",
        "[null]",
        "[1]",
        "[-1]",
        "[1.5]",
        "[18446744073709551615]",
        "[300]",
        r#"["a"]"#,
        "[true]",
        "[[1,2]]",
        "[[1,\"b\"]]",
        r#"[{"1":2}]"#,
        r#"[{"x":2}]"#,
        r#"[{"true":2}]"#,
        r#"[{"a":1,"a":2}]"#,
        r#"["Unit"]"#,
        r#"[{"Newtype":3}]"#,
        r#"[{"Tuple":[1,"b"]}]"#,
        r#"[{"Struct":{"a":null}}]"#,
        r#"[{"Struct":{"a":7},"Unit":null}]"#,
        r#"[{"type":"one","value":1}]"#,
        r#"[1,"b"]"#,
        r#"[1,"b",3]"#,
    ];
    same::<Value>(&all);
    same::<Box<RawValue>>(&all);
    same::<Shape>(&all);
    same::<Tagged>(&all);
    same::<Strict>(&all);
    same::<Option<u8>>(&all);
    same::<(u8, String)>(&all);
    same::<Vec<u8>>(&all);
    same::<BTreeMap<u8, u8>>(&all);
    same::<BTreeMap<bool, u8>>(&all);
    same::<BTreeMap<String, u8>>(&all);
    same::<f64>(&all);
    same::<u64>(&all);
    same::<char>(&all);
    same::<()>(&all);
}

/// Attack 41.
#[test]
fn a_placeholder_refers_to_an_attachment_or_is_wrong() {
    let nested = json!({ "_placeholder": true, "num": 0 });
    let numbers = [
        json!(1),
        json!(-1),
        json!(1e9),
        json!(0.0),
        json!(1_000_000_000),
        json!(u64::MAX),
        json!("0"),
        json!(null),
        json!(true),
        json!([0]),
        nested,
    ];
    let forged = numbers.iter().map(placeholder).chain(
        [
            r#"[{"_placeholder":true}]"#,
            r#"[{"num":0}]"#,
            r#"[{"_placeholder":false,"num":0}]"#,
            r#"[{"_placeholder":1,"num":0}]"#,
            r#"[{"_placeholder":true,"num":0,"num":9}]"#,
            r#"[{"_placeholder":true,"_placeholder":{},"num":0}]"#,
            "[{}]",
            "[null]",
            "[[0]]",
            r#"["AAAA"]"#,
            "[]",
        ]
        .map(str::to_owned),
    );
    for json in forged {
        let error = decode_ack::<Binary>(&json, &[bytes("x").0]).unwrap_err();
        let text = error.source.to_string();
        let expected = ["expected binary", "expected an attachment for each placeholder"];
        assert!(expected.iter().any(|part| text.contains(part)), "{json}: {text}");
        assert_eq!(error.path, "", "{json}");
    }
}

#[test]
fn a_placeholder_in_a_text_packet_is_a_wrong_payload() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its decoding is looked at")]
    struct Holder {
        bytes: Vec<Binary>,
    }
    let json = r#"["e",{"bytes":[{"_placeholder":true,"num":0}]}]"#;

    let error = decode_event::<Holder>(json, &[]).unwrap_err();

    assert_eq!(error.path(), "bytes[0]");
    assert!(error.source.to_string().contains("expected binary"));
}

#[test]
fn outside_of_packets_there_are_no_attachments() {
    let json = r#"{"_placeholder":true,"num":0}"#;

    let written = serde_json::to_string(&bytes("x")).unwrap_err();
    let read = serde_json::from_str::<Binary>(json).unwrap_err();

    assert_eq!(written.to_string(), "binary can be written into packets only");
    assert_eq!(read.to_string(), "binary can be read from packets only");
}

/// Type whose `Serialize` impl serializes another packet and fails to deserialize one.
struct Nested;

impl Serialize for Nested {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = RawArguments::new(&Args((bytes("in"), bytes("ner"))));
        let read = inner.map(|inner| inner.decode::<Vec<Binary>>().ok());
        assert_eq!(read.ok().flatten(), Some(vec![bytes("in"), bytes("ner")]));
        assert!(serde_json::from_str::<Binary>("{}").is_err());
        serializer.serialize_str("nested")
    }
}

#[test]
fn a_packet_may_be_written_while_another_is() {
    let raw = RawArguments::new(&Args((bytes("a"), Nested, bytes("b")))).unwrap();

    assert_eq!(raw.attachments(), [&b"a"[..], b"b"]);
    assert_eq!(
        raw.json(),
        r#"[{"_placeholder":true,"num":0},"nested",{"_placeholder":true,"num":1}]"#
    );
}

#[test]
fn a_packet_may_be_read_while_another_is() {
    #[derive(Debug)]
    struct Inner;

    impl<'de> Deserialize<'de> for Inner {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            assert!(decode_ack::<Binary>(&placeholder(&json!(0)), &[]).is_err());
            IgnoredAny::deserialize(deserializer).map(|_| Self)
        }
    }
    let json = format!("[0,{}", placeholder(&json!(0)).strip_prefix('[').unwrap());

    let (_, read) = decode_ack::<(Inner, Binary)>(&json, &[bytes("x").0]).unwrap();

    assert_eq!(read, bytes("x"));
}

#[test]
fn a_payload_that_panics_leaves_no_attachments() {
    struct Panics;

    impl Serialize for Panics {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("on purpose")
        }
    }

    impl<'de> Deserialize<'de> for Panics {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("on purpose")
        }
    }

    let written =
        catch_unwind(AssertUnwindSafe(|| RawArguments::new(&Args((bytes("a"), Panics))).map(drop)));
    assert!(written.is_err());
    assert!(serde_json::to_string(&bytes("x")).is_err());

    let read = catch_unwind(|| decode_ack::<Panics>("[1]", &[Bytes::new()]).map(drop));
    assert!(read.is_err());
    assert!(serde_json::from_str::<Binary>(r#"{"_placeholder":true,"num":0}"#).is_err());
}

#[test]
fn a_payload_that_fails_leaves_no_attachments() {
    let no_json = BTreeMap::from([(vec![1], 1)]);

    assert!(RawArguments::new(&Args((bytes("a"), no_json))).is_err());

    assert_eq!(RawArguments::new(&bytes("b")).unwrap().attachments(), [&b"b"[..]]);
    assert!(serde_json::to_string(&bytes("x")).is_err());
}

#[test]
fn placeholders_are_checked_as_javascript_reads_them() {
    for (json, is_right) in [
        (r#"[]"#, true),
        (r#"[{"_placeholder":true,"num":1}]"#, true),
        (r#"[{"_placeholder":true,"num":2}]"#, false),
        (r#"{"a":[{"b":{"_placeholder":true,"num":-1}}]}"#, false),
        (r#"[{"_placeholder":true,"num":9,"num":0}]"#, true),
        (r#"[{"_placeholder":true,"num":0,"num":9}]"#, false),
        (r#"[{"_placeholder":true,"_placeholder":false,"num":9}]"#, true),
        (r#"[{"\u005fplaceholder":true,"num":9}]"#, false),
        (r#"[{"_placeholder":"true","num":9}]"#, true),
        (r#"[{"_placeholder":true}]"#, false),
        (r#"["_placeholder",true,1.5,null,-3,"\ud83d\ude00"]"#, true),
    ] {
        assert_eq!(check_placeholders(json.as_bytes(), 2).is_ok(), is_right, "{json}");
    }
}
