//! Client and server read each other's packets alike.
//!
//! The client's side is implemented here independently, from the specification of the protocol. It shares no
//! code with the server, and therefore no mistakes.

use std::collections::BTreeMap;

use bytes::Bytes;
use doorward_protocol::{
    Args, Binary, RawArguments, decode_all, decode_event,
    packet::{self, Kind, Packet, is_reserved},
};
use proptest::{collection::vec, option, prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A server's message, as a client reads it.
#[derive(Debug, PartialEq)]
struct Seen {
    kind: char,
    attachments: Option<usize>,
    namespace: String,
    id: Option<u64>,
    data: Option<Value>,
}

/// Reads a message as a client does: `4<type>[<attachments>-][/namespace,][id][JSON]`.
fn client_reads(message: &[u8]) -> Seen {
    let text = std::str::from_utf8(message).unwrap().strip_prefix('4').unwrap();
    let mut chars = text.chars();
    let kind = chars.next().unwrap();
    let mut rest = chars.as_str();
    let mut attachments = None;
    if matches!(kind, '5' | '6') {
        let (count, after) = rest.split_once('-').unwrap();
        (attachments, rest) = (Some(count.parse().unwrap()), after);
    }
    let mut namespace = "/";
    if rest.starts_with('/') {
        (namespace, rest) = rest.split_once(',').unwrap();
    }
    let json = rest.trim_start_matches(|char: char| char.is_ascii_digit());
    let id = rest.strip_suffix(json).unwrap();
    Seen {
        kind,
        attachments,
        namespace: namespace.to_owned(),
        id: (!id.is_empty()).then(|| id.parse().unwrap()),
        data: (!json.is_empty()).then(|| serde_json::from_str(json).unwrap()),
    }
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Seen {
    let mut out = Vec::new();
    write(&mut out);
    client_reads(&out)
}

/// Encodes a message as a client does.
fn client_writes(kind: char, namespace: &str, id: Option<u64>, data: Option<&Value>) -> String {
    let namespace = if namespace == "/" { String::new() } else { format!("{namespace},") };
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    let data = data.map(Value::to_string).unwrap_or_default();
    format!("{kind}{namespace}{id}{data}")
}

fn namespace() -> impl Strategy<Value = String> {
    prop_oneof![Just("/".to_owned()), "/[a-z0-9/_ \u{e9}\"\\[\\]{}-]{0,30}"]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((any::<String>(), inner), 0..6)
                .prop_map(|entries| Value::Object(Map::from_iter(entries))),
        ]
    })
}

fn event() -> impl Strategy<Value = String> {
    any::<String>()
        .prop_filter("a name that is allowed", |name| (1..=128).contains(&name.len()))
        .prop_filter("a name of the application", |name| !is_reserved(name))
}

proptest! {
    #[test]
    fn a_client_reads_what_the_server_writes(
        namespace in namespace(),
        name in any::<String>(),
        id in any::<u64>(),
        value in json(),
    ) {
        let seen = |kind, id, data| {
            Seen { kind, attachments: None, namespace: namespace.clone(), id, data }
        };

        prop_assert_eq!(
            written(|out| {
                assert!(packet::write_event(out, &namespace, None, &name, &value).unwrap().is_empty());
            }),
            seen('2', None, Some(json!([name, value])))
        );
        prop_assert_eq!(
            written(|out| {
                let several = Args((&value, &name));
                drop(packet::write_event(out, &namespace, Some(id), &name, &several).unwrap());
            }),
            seen('2', Some(id), Some(json!([name, value, name])))
        );
        prop_assert_eq!(
            written(|out| drop(packet::write_ack(out, &namespace, id, &value).unwrap())),
            seen('3', Some(id), Some(json!([value])))
        );
        prop_assert_eq!(
            written(|out| packet::write_connect(out, &namespace, &name)),
            seen('0', None, Some(json!({ "sid": name })))
        );
        prop_assert_eq!(
            written(|out| packet::write_connect_error(out, &namespace, &json!({ "data": value }))),
            seen('4', None, Some(json!({ "data": value })))
        );
        prop_assert_eq!(
            written(|out| packet::write_disconnect(out, &namespace)),
            seen('1', None, None)
        );
    }

    #[test]
    fn the_server_reads_what_a_client_writes(
        namespace in namespace(),
        id in option::of(any::<u64>()),
        name in event(),
        arguments in vec(json(), 0..4),
    ) {
        let data: Value = [Value::from(name.clone())].into_iter().chain(arguments.clone()).collect();
        let text = client_writes('2', &namespace, id, Some(&data));

        let packet = Packet::decode(&text, 255).unwrap();

        prop_assert_eq!((packet.kind, packet.namespace, packet.id), (Kind::Event, &*namespace, id));
        prop_assert_eq!(packet.event(32, 128).unwrap(), name);
        let data = packet.data.unwrap();
        prop_assert_eq!(&decode_all::<Vec<Value>>(data, &[]).unwrap(), &arguments);
        let raw = RawArguments::from_event(data, Vec::new());
        prop_assert_eq!(raw.json(), Value::from(arguments.clone()).to_string());
        let expected = match &arguments[..] {
            [] => Value::Null,
            [only] => only.clone(),
            several => several.into(),
        };
        prop_assert_eq!(decode_event::<Value>(data, &[]).unwrap(), expected);
    }

    #[test]
    fn binary_values_are_read_back_from_every_place(
        namespace in namespace(),
        name in event(),
        id in option::of(any::<u64>()),
        payloads in vec(payload(), 0..3),
    ) {
        let bytes: usize = payloads.iter().map(Payload::count).sum();
        let mut out = Vec::new();

        let sent = packet::write_event(&mut out, &namespace, id, &name, &Args(&payloads)).unwrap();

        prop_assert_eq!(sent.len(), bytes);
        let kind = if bytes == 0 { '2' } else { '5' };
        let seen = client_reads(&out);
        prop_assert_eq!((seen.kind, seen.attachments), (kind, (bytes > 0).then_some(bytes)));
        // The same text is valid in the other direction.
        let text = std::str::from_utf8(&out).unwrap().strip_prefix('4').unwrap();
        let packet = Packet::decode(text, 255).unwrap();
        prop_assert_eq!((packet.namespace, packet.id), (&*namespace, id));
        prop_assert_eq!(packet.attachments, bytes);
        prop_assert_eq!(packet.event(32, 128).unwrap(), &*name);
        let data = packet.data.unwrap();
        prop_assert_eq!(&decode_all::<Vec<Payload>>(data, &sent).unwrap(), &payloads);
        let raw = RawArguments::from_event(data, sent.clone());
        prop_assert_eq!(&raw, &RawArguments::new(&Args(&payloads)).unwrap());

        let mut relayed = Vec::new();
        let again = packet::write_event(&mut relayed, &namespace, id, &name, &raw).unwrap();
        prop_assert_eq!((relayed, again), (out, sent));
    }

    #[test]
    fn connect_ack_and_disconnect_are_read_back(
        namespace in namespace(),
        id in any::<u64>(),
        values in vec(json(), 0..4),
        token in option::of(any::<String>()),
    ) {
        let auth = token.map(|token| json!({ "token": token }));
        let values = Value::from(values);
        let connect = client_writes('0', &namespace, None, auth.as_ref());
        let ack = client_writes('3', &namespace, Some(id), Some(&values));
        let disconnect = client_writes('1', &namespace, None, None);

        let connect = Packet::decode(&connect, 255).unwrap();
        let ack = Packet::decode(&ack, 255).unwrap();
        let disconnect = Packet::decode(&disconnect, 255).unwrap();

        prop_assert_eq!((connect.kind, connect.namespace), (Kind::Connect, &*namespace));
        prop_assert_eq!(connect.data.map(read), auth);
        prop_assert_eq!((ack.kind, ack.namespace, ack.id), (Kind::Ack, &*namespace, Some(id)));
        prop_assert!(ack.check_ack(32).is_ok());
        prop_assert_eq!(ack.data.map(read), Some(values));
        prop_assert_eq!((disconnect.kind, disconnect.namespace), (Kind::Disconnect, &*namespace));
        prop_assert_eq!(disconnect.data, None);
    }
}

/// A payload with bytes in every kind of place that serde supports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Payload {
    one: Binary,
    json: Value,
    many: Vec<Binary>,
    maybe: Option<Binary>,
    named: BTreeMap<String, Binary>,
    either: Either,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(u8),
    Bytes(Binary),
}

impl Payload {
    fn count(&self) -> usize {
        let either = usize::from(matches!(self.either, Either::Bytes(_)));
        1 + self.many.len() + usize::from(self.maybe.is_some()) + self.named.len() + either
    }
}

fn payload() -> impl Strategy<Value = Payload> {
    let named = prop::collection::btree_map(any::<String>(), binary(), 0..3);
    let either =
        prop_oneof![any::<u8>().prop_map(Either::Number), binary().prop_map(Either::Bytes)];
    (binary(), json(), vec(binary(), 0..3), option::of(binary()), named, either).prop_map(
        |(one, json, many, maybe, named, either)| Payload { one, json, many, maybe, named, either },
    )
}

fn binary() -> impl Strategy<Value = Binary> {
    vec(any::<u8>(), 0..20).prop_map(|bytes| Binary(Bytes::from(bytes)))
}

fn read(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}
