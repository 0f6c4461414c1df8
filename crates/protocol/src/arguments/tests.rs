//! Encoding and decoding of arguments.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    marker::PhantomData,
    net::IpAddr,
    sync::Mutex,
};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::*;
use crate::{Binary, packet};

#[derive(Debug, PartialEq, Deserialize)]
struct Order {
    items: Vec<Item>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Item {
    name: String,
}

fn written(arguments: &(impl Arguments + ?Sized)) -> Option<String> {
    let mut out = Vec::new();
    arguments.write(&mut out).ok()?;
    Some(String::from_utf8(out).unwrap())
}

/// Returns the path and the description of the error of decoding a `T`.
fn wrong<T: serde::de::DeserializeOwned>(json: &str) -> (String, String) {
    let Err(error) = decode_event::<T>(json, &[]) else { panic!("{json} was read") };
    (error.path, error.source.to_string())
}

/// Checks the arguments that each value writes in an event and in an ack.
#[track_caller]
fn writes<const N: usize>(cases: [(&dyn Arguments, &str); N]) {
    for (arguments, expected) in cases {
        assert_eq!(written(arguments).unwrap(), expected);
        assert_eq!(RawArguments::new(arguments).unwrap().json(), format!("[{expected}]"));
        assert_eq!(RawArguments::for_ack(arguments).unwrap().json(), format!("[{expected}]"));
    }
}

#[test]
fn a_tuple_or_an_array_is_several_arguments() {
    #[derive(Serialize)]
    #[serde(transparent)]
    struct Transparent((u8, u8));

    writes([
        (&(1, "b"), r#"1,"b""#),
        (&(1,), "1"),
        (&((1, 2),), "[1,2]"),
        (&(1, (2, [3, 4]), ()), "1,[2,[3,4]],null"),
        (&(None::<u8>, vec![1, 2]), "null,[1,2]"),
        (&[1, 2], "1,2"),
        (&[[1, 2]], "[1,2]"),
        (&[(), ()], "null,null"),
        (&[0_u8; 0], ""),
        // Pointers to tuples and arrays.
        (&&(1, 2), "1,2"),
        (&&[1, 2], "1,2"),
        (&Box::new((1, 2)), "1,2"),
        (&Cow::<(u8, u8)>::Owned((1, 2)), "1,2"),
        (&Mutex::new((1, 2)), "1,2"),
        (&Transparent((1, 2)), "1,2"),
        // Lists of any length.
        (&Args(vec![1, 2]), "1,2"),
        (&Args((1, [2], "c")), r#"1,[2],"c""#),
        (&Args([1, 2]), "1,2"),
        (&Args(Vec::<u8>::new()), ""),
        (&Args(()), ""),
        (&Args(json!([{}, []])), "{},[]"),
    ]);
}

#[test]
fn a_list_is_one_argument() {
    let slice: &[u8] = &[1, 2];
    let raw = RawValue::from_string("[1, 2]".into()).unwrap();

    writes([
        (&vec![1, 2], "[1,2]"),
        (&vec![(1, 2)], "[[1,2]]"),
        (&Vec::<u8>::new(), "[]"),
        (&slice, "[1,2]"),
        (&vec![1, 2].into_boxed_slice(), "[1,2]"),
        (&BTreeSet::from([1, 2]), "[1,2]"),
        (&json!([1, 2]), "[1,2]"),
        (&raw, "[1, 2]"),
    ]);
}

#[test]
fn a_struct_an_enum_or_a_map_is_one_argument() {
    #[derive(Serialize)]
    struct Struct {
        pair: (u8, u8),
    }
    #[derive(Serialize)]
    struct TupleStruct(u8, (u8, u8));
    #[derive(Serialize)]
    struct Newtype((u8, u8));
    #[derive(Serialize)]
    enum Enum {
        Unit,
        Newtype((u8, u8)),
        Tuple(u8, u8),
        Struct { a: u8 },
    }
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Untagged {
        List(Vec<u8>),
        Tuple(u8, u8),
    }

    writes([
        (&Struct { pair: (1, 2) }, r#"{"pair":[1,2]}"#),
        (&TupleStruct(1, (2, 3)), "[1,[2,3]]"),
        (&Newtype((1, 2)), "[1,2]"),
        (&Enum::Unit, r#""Unit""#),
        (&Enum::Newtype((1, 2)), r#"{"Newtype":[1,2]}"#),
        (&Enum::Tuple(1, 2), r#"{"Tuple":[1,2]}"#),
        (&Enum::Struct { a: 1 }, r#"{"Struct":{"a":1}}"#),
        (&Untagged::List(vec![1, 2]), "[1,2]"),
        // This is an exception, because a serializer cannot see that the tuple belongs to an enum.
        (&Untagged::Tuple(1, 2), "1,2"),
        (&Some((1, 2)), "[1,2]"),
        (&Ok::<(u8, u8), ()>((1, 2)), r#"{"Ok":[1,2]}"#),
        (&BTreeMap::from([("a", (1, 2))]), r#"{"a":[1,2]}"#),
    ]);
}

#[test]
fn a_number_or_a_text_is_one_argument() {
    let shown: IpAddr = [127, 0, 0, 1].into();

    writes([
        (&true, "true"),
        (&-1_i8, "-1"),
        (&-1_i16, "-1"),
        (&-1_i32, "-1"),
        (&-1_i64, "-1"),
        (&i128::MIN, "-170141183460469231731687303715884105728"),
        (&1_u8, "1"),
        (&1_u16, "1"),
        (&1_u32, "1"),
        (&1_u64, "1"),
        (&u128::MAX, "340282366920938463463374607431768211455"),
        (&0.5_f32, "0.5"),
        (&0.5_f64, "0.5"),
        (&f64::NAN, "null"),
        (&'a', r#""a""#),
        (&"a", r#""a""#),
        (&"", r#""""#),
        (&"\"a\"".to_owned(), r#""\"a\"""#),
        (&shown, r#""127.0.0.1""#),
        (&format_args!("{}-{}", 1, 2), r#""1-2""#),
    ]);
}

#[test]
fn a_unit_is_no_argument_of_an_event_and_null_in_an_ack() {
    #[derive(Serialize)]
    struct UnitStruct;

    assert_eq!(written(&()).unwrap(), "");
    assert_eq!(RawArguments::new(&()).unwrap().json(), "[]");
    assert_eq!(RawArguments::for_ack(&()).unwrap().json(), "[null]");
    // These values are `null` like `()`, but they must remain arguments.
    writes([
        (&Value::Null, "null"),
        (&None::<u8>, "null"),
        (&UnitStruct, "null"),
        (&PhantomData::<u8>, "null"),
        (&&(), "null"),
    ]);
}

#[test]
fn arguments_whose_type_is_erased_are_as_many() {
    let boxed: Box<dyn Arguments> = Box::new((1, 2));

    assert_eq!(written(&*boxed).unwrap(), "1,2");
    assert_eq!(written("a").unwrap(), r#""a""#);
    assert_eq!(written(&[1, 2][..]).unwrap(), "[1,2]");
}

#[test]
fn an_item_that_is_no_json_is_an_error() {
    let no_json = || HashMap::from([((1, 2), 3)]);

    assert_eq!(written(&no_json()), None);
    assert_eq!(written(&(1, no_json())), None);
    assert_eq!(written(&[no_json()]), None);
}

#[test]
fn args_of_anything_but_a_list_are_an_error() {
    assert_eq!(written(&Args(1)), None);
    assert_eq!(written(&Args("[1]")), None);
    assert_eq!(written(&Args(())).as_deref(), Some(""));
    assert_eq!(written(&Args(json!({ "a": [1] }))), None);
    assert_eq!(written(&Args(Some("x"))), None);
}

#[test]
fn one_argument_is_read_as_it_is() {
    assert_eq!(decode_event::<Vec<u8>>(r#"["e",[1,2]]"#, &[]).unwrap(), [1, 2]);
    assert_eq!(decode_event::<(u8, u8)>(r#"["e",[1,2]]"#, &[]).unwrap(), (1, 2));
    assert_eq!(decode_event::<[u8; 2]>(r#"["e",[1,2]]"#, &[]).unwrap(), [1, 2]);
    assert_eq!(decode_event::<Value>(r#" [ "e" , {"a":1} ] "#, &[]).unwrap(), json!({ "a": 1 }));
    assert_eq!(decode_ack::<String>(r#"["ok"]"#, &[]).unwrap(), "ok");
}

#[test]
fn no_argument_is_null() {
    assert_eq!(decode_event::<()>(r#"["e"]"#, &[]).unwrap(), ());
    assert_eq!(decode_event::<Option<u8>>(r#"["e"]"#, &[]).unwrap(), None);
    assert_eq!(decode_ack::<Value>("[]", &[]).unwrap(), Value::Null);
    let (path, message) = wrong::<Order>(r#"["e"]"#);
    assert_eq!((&*path, &*message), ("", "invalid type: null, expected struct Order"));
}

#[test]
fn several_arguments_are_a_list() {
    let json = r#"["e",1,"b"]"#;

    assert_eq!(decode_event::<(u8, String)>(json, &[]).unwrap(), (1, "b".into()));
    assert_eq!(decode_event::<[u8; 2]>(r#"["e",1,2]"#, &[]).unwrap(), [1, 2]);
    assert_eq!(decode_event::<Value>(json, &[]).unwrap(), json!([1, "b"]));
    assert_eq!(decode_event::<Option<(u8, String)>>(json, &[]).unwrap(), Some((1, "b".into())));
    assert_eq!(decode_event::<Vec<u8>>(r#"["e",1,2,3]"#, &[]).unwrap(), [1, 2, 3]);
    assert_eq!(decode_ack::<(u8, u8)>("[1,2]", &[]).unwrap(), (1, 2));
    // The first argument alone would also fit the type.
    assert_eq!(decode_event::<Vec<Value>>(r#"["e",[1],2]"#, &[]).unwrap(), [json!([1]), json!(2)]);
}

#[test]
fn several_arguments_for_a_type_that_is_no_list_are_too_many() {
    for (path, message) in [
        wrong::<u8>(r#"["e",1,2]"#),
        wrong::<()>(r#"["e",null,null]"#),
        wrong::<String>(r#"["e","a",1]"#),
        wrong::<Order>(r#"["e",{"items":[]},1]"#),
        wrong::<HashMap<String, u8>>(r#"["e",{},{}]"#),
        wrong::<Option<u8>>(r#"["e",null,1]"#),
        wrong::<i128>(r#"["e",1,1]"#),
    ] {
        assert!(message.contains("expected one argument"), "{message}");
        assert_eq!(path, "");
    }
    assert!(wrong::<Binary>(r#"["e",{},1]"#).1.contains("expected binary"));
}

#[test]
fn too_many_or_too_few_for_a_tuple_is_wrong() {
    let (_, message) = wrong::<(u8, u8)>(r#"["e",1,2,3]"#);
    assert!(message.contains("expected fewer arguments"), "{message}");
    let (_, message) = wrong::<(u8, u8, u8)>(r#"["e",1,2]"#);
    assert!(message.contains("expected a tuple of size 3"), "{message}");
}

#[test]
fn an_error_has_its_path() {
    let path = |json: &str| wrong::<Order>(json).0;
    assert_eq!(path(r#"["e",{"items":[{"name":"a"},{"name":"b"},{"name":1}]}]"#), "items[2].name");
    assert_eq!(path(r#"["e",{"items":[{}]}]"#), "items[0]");
    assert_eq!(path(r#"["e",{"items":7}]"#), "items");
    assert_eq!(path(r#"["e",7]"#), "");
    assert_eq!(path(r#"["e",{}]"#), "");

    let several = r#"["e",1,{"items":[{"name":1}]}]"#;
    assert_eq!(wrong::<(u8, Order)>(several).0, "[1].items[0].name");
    assert_eq!(wrong::<(String, Order)>(several).0, "[0]");
    assert_eq!(wrong::<Vec<u8>>(r#"["e",1,2,"c"]"#).0, "[2]");
}

#[test]
fn an_error_keeps_its_cause_and_repeats_nothing() {
    let error = decode_event::<u8>(r#"["e","canary"]"#, &[]).unwrap_err();

    assert!(!error.to_string().contains("canary"));
    let source = std::error::Error::source(&error).unwrap();
    assert!(source.downcast_ref::<serde_json::Error>().unwrap().is_data());
}

#[test]
fn all_arguments_are_a_list_however_many_there_are() {
    assert!(decode_all::<Vec<u8>>(r#"["e"]"#, &[]).unwrap().is_empty());
    assert_eq!(decode_all::<(Vec<u8>,)>(r#"["e",[1]]"#, &[]).unwrap(), (vec![1],));
    assert_eq!(decode_all::<(u8, u8)>(r#"["e",1,2]"#, &[]).unwrap(), (1, 2));
    assert_eq!(decode_all::<Option<Vec<u8>>>(r#"["e"]"#, &[]).unwrap(), Some(vec![]));

    let error = decode_all::<(Vec<u8>, u8)>(r#"["e",["x"],1]"#, &[]).unwrap_err();
    assert_eq!(error.path(), "[0][0]");
    let error = decode_all::<(u8,)>(r#"["e",1,2]"#, &[]).unwrap_err();
    assert!(error.source.to_string().contains("expected fewer arguments"));
    assert!(decode_all::<Order>(r#"["e",[]]"#, &[]).is_err());
}

#[test]
fn json_that_is_not_an_array_is_an_error_and_no_panic() {
    for json in ["", "{}", "1", "[", r#"["e""#, r#"["e",1]x"#, r#"["e",1,]"#, "\u{e9}"] {
        assert!(decode_event::<Value>(json, &[]).is_err(), "{json}");
        assert!(decode_all::<Vec<Value>>(json, &[]).is_err(), "{json}");
        RawArguments::from_event(json, Vec::new()).decode::<Value>().unwrap_or_default();
        assert_eq!(RawArguments::from_event(json, Vec::new()).json().get(..1), Some("["));
    }
}

#[test]
fn raw_arguments_leave_out_the_name() {
    let from = |data: &str| RawArguments::from_event(data, Vec::new()).json().to_owned();

    assert_eq!(from(r#"["e"]"#), "[]");
    assert_eq!(from(r#"["e",1]"#), "[1]");
    assert_eq!(from(r#"["e]\",[",{"a":[]},"b"]"#), r#"[{"a":[]},"b"]"#);
    assert_eq!(from("\n[ \"\u{e9}\" ,\t1 ] "), "[\t1 ]");
}

#[test]
fn raw_arguments_are_passed_on_as_they_came() {
    let json = r#"[ {"_placeholder":true,"num":0},1.50, "\u0061" ]"#;
    let raw = RawArguments::from_ack(json, vec![Bytes::from_static(b"x")]);

    let mut out = Vec::new();
    let attachments = packet::write_event(&mut out, "/", None, "e", &raw).unwrap();

    let expected = r#"451-["e",{"_placeholder":true,"num":0},1.50, "\u0061"]"#;
    assert_eq!(String::from_utf8(out).unwrap(), expected);
    assert_eq!(attachments, raw.attachments());
    assert_eq!(RawArguments::new(&raw).unwrap().attachments(), raw.attachments());
    assert!(raw.write(&mut Vec::new()).is_err());
}

#[test]
fn raw_arguments_with_attachments_come_first_or_not_at_all() {
    struct Both<'a>(&'a dyn Arguments, &'a dyn Arguments);

    impl Arguments for Both<'_> {
        fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
            self.0.write(out)?;
            out.push(b',');
            self.1.write(out)
        }
    }
    let own = Binary(Bytes::from_static(b"own"));
    let raw = RawArguments::new(&Binary(Bytes::from_static(b"raw"))).unwrap();

    let both = RawArguments::new(&Both(&raw, &own)).unwrap();

    assert_eq!(both.decode::<Vec<Binary>>().unwrap().len(), 2);
    assert_eq!(both.attachments(), [&b"raw"[..], b"own"]);
    assert!(RawArguments::new(&Both(&own, &raw)).is_err());
}

#[test]
fn raw_arguments_print_sizes_only() {
    let raw = RawArguments::from_ack(r#"["canary"]"#, vec![Bytes::from_static(b"canary")]);

    assert_eq!(format!("{raw:?}"), "RawArguments { json_bytes: 10, attachment_bytes: [6] }");
}
