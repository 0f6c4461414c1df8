//! Writes Socket.IO packets, each as one Engine.IO message.
//!
//! A packet is of a binary type if its arguments contain attachments. This is known only after the
//! arguments are serialized, but the type precedes them. So every packet is first written as a text
//! packet. If it turns out to have attachments, which is rare, its head is corrected.

use bytes::Bytes;
use serde::Serialize;
use serde_json::Result;

use crate::{
    Arguments,
    binary::{check_placeholders, scope},
};

/// Appends the answer to an admitted CONNECT to `out`.
///
/// # Examples
/// ```
/// let mut out = Vec::new();
/// doorward_protocol::packet::write_connect(&mut out, "/chat", "public-id");
/// assert_eq!(out, br#"40/chat,{"sid":"public-id"}"#);
/// ```
pub fn write_connect(out: &mut Vec<u8>, namespace: &str, socket_id: &str) {
    #[derive(Serialize)]
    struct Sid<'a> {
        sid: &'a str,
    }
    write_head(out, b'0', namespace);
    write_json(out, &Sid { sid: socket_id });
}

/// Appends the answer to a refused CONNECT to `out`.
///
/// # Panics
/// Panics if `body` cannot be serialized as JSON. A plain struct never causes this.
///
/// # Examples
/// ```
/// # use std::collections::BTreeMap;
/// let mut out = Vec::new();
/// let body = BTreeMap::from([("message", "Unauthorized")]);
/// doorward_protocol::packet::write_connect_error(&mut out, "/", &body);
/// assert_eq!(out, br#"44{"message":"Unauthorized"}"#);
/// ```
pub fn write_connect_error(out: &mut Vec<u8>, namespace: &str, body: &impl Serialize) {
    write_head(out, b'4', namespace);
    write_json(out, body);
}

/// Appends the packet that ends a socket (DISCONNECT) to `out`.
///
/// # Examples
/// ```
/// let mut out = Vec::new();
/// doorward_protocol::packet::write_disconnect(&mut out, "/");
/// assert_eq!(out, b"41");
/// ```
pub fn write_disconnect(out: &mut Vec<u8>, namespace: &str) {
    write_head(out, b'1', namespace);
}

/// Appends an event to `out`. An `id` requests an ack from the client.
///
/// Returns the attachments. Send each as a binary message, in order, directly after the packet.
/// There are none unless the arguments contain a [`Binary`](crate::Binary) or
/// [`RawArguments`](crate::RawArguments) with attachments.
///
/// # Examples
/// ```
/// use doorward_protocol::{Binary, packet};
///
/// let mut out = Vec::new();
/// packet::write_event(&mut out, "/", None, "news", &1)?;
/// assert_eq!(out, br#"42["news",1]"#);
///
/// let mut out = Vec::new();
/// let picture = Binary(b"\x89PNG".as_slice().into());
/// let sent = packet::write_event(&mut out, "/a", Some(7), "draw", &("cat", picture))?;
/// assert_eq!(out, br#"451-/a,7["draw","cat",{"_placeholder":true,"num":0}]"#);
/// assert_eq!(sent, [&b"\x89PNG"[..]]);
/// # Ok::<_, serde_json::Error>(())
/// ```
///
/// # Errors
/// Fails if `arguments` cannot be serialized as JSON, such as a map whose keys are structs, or if a
/// placeholder in a binary packet refers to no attachment. On failure `out` remains unchanged.
pub fn write_event(
    out: &mut Vec<u8>,
    namespace: &str,
    id: Option<u64>,
    event: &str,
    arguments: &(impl Arguments + ?Sized),
) -> Result<Vec<Bytes>> {
    write_packet(out, Head { kind: b'2', namespace, id, event: Some(event) }, arguments)
}

/// Appends the ack of an event to `out`, and returns its attachments as [`write_event`] does.
///
/// # Examples
/// ```
/// let mut out = Vec::new();
/// doorward_protocol::packet::write_ack(&mut out, "/", 7, "ok")?;
/// assert_eq!(out, br#"437["ok"]"#);
/// # Ok::<_, serde_json::Error>(())
/// ```
///
/// # Errors
/// Fails in the same cases as [`write_event`].
pub fn write_ack(
    out: &mut Vec<u8>,
    namespace: &str,
    id: u64,
    arguments: &(impl Arguments + ?Sized),
) -> Result<Vec<Bytes>> {
    write_packet(out, Head { kind: b'3', namespace, id: Some(id), event: None }, arguments)
}

/// Everything before the arguments of a packet.
#[derive(Clone, Copy)]
struct Head<'a> {
    /// Digit of the packet without attachments: `2` for an event, `3` for an ack.
    kind: u8,
    namespace: &'a str,
    id: Option<u64>,
    /// Name of the event. `None` for an ack.
    event: Option<&'a str>,
}

fn write_packet(
    out: &mut Vec<u8>,
    head: Head<'_>,
    arguments: &(impl Arguments + ?Sized),
) -> Result<Vec<Bytes>> {
    let start = out.len();
    write_head(out, head.kind, head.namespace);
    if let Some(id) = head.id {
        write_json(out, &id);
    }
    let json = out.len();
    let (mut written, attachments) = scope::write(|| write_array(out, head.event, arguments));
    if written.is_ok() && !attachments.is_empty() {
        written = make_binary(out, start, json, attachments.len());
    }
    written.map(|()| attachments).inspect_err(|_| out.truncate(start))
}

/// Writes `["event",a,b]`, or `[a,b]` for an ack.
#[inline]
fn write_array(
    out: &mut Vec<u8>,
    event: Option<&str>,
    arguments: &(impl Arguments + ?Sized),
) -> Result<()> {
    out.push(b'[');
    if let Some(event) = event {
        write_json(out, event);
        out.push(b',');
        let before = out.len();
        arguments.write(out)?;
        if out.len() == before {
            // Without arguments the comma after the name is superfluous.
            out.pop();
        }
    } else {
        arguments.write_ack(out)?;
    }
    out.push(b']');
    Ok(())
}

/// Turns the text packet at `start` of `out` into the head of a binary packet. Its JSON starts at
/// `json`. Fails if a placeholder in this JSON refers to no attachment.
fn make_binary(out: &mut Vec<u8>, start: usize, json: usize, attachments: usize) -> Result<()> {
    check_placeholders(&out[json..], attachments)?;
    let kind = start + 1;
    // The digit of a binary type is that of the text type plus three. Events are 2 and 5, acks are
    // 3 and 6.
    out[kind] += 3;
    drop(out.splice(kind + 1..kind + 1, format!("{attachments}-").into_bytes()));
    Ok(())
}

/// Writes `4<type>[/namespace,]`.
fn write_head(out: &mut Vec<u8>, kind: u8, namespace: &str) {
    out.extend_from_slice(&[b'4', kind]);
    if namespace != "/" {
        out.extend_from_slice(namespace.as_bytes());
        out.push(b',');
    }
}

fn write_json(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(out, value).expect("wire types are strings, numbers and plain structs");
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::{Value, json};

    use super::*;
    use crate::{Args, Binary, RawArguments};

    fn event(namespace: &str, id: Option<u64>, arguments: &impl Arguments) -> (String, Vec<Bytes>) {
        let mut out = b"before".to_vec();
        let attachments = write_event(&mut out, namespace, id, "baz", arguments).unwrap();
        let text = String::from_utf8(out).unwrap();
        (text.strip_prefix("before").unwrap().to_owned(), attachments)
    }

    fn bytes(bytes: &'static [u8]) -> Binary {
        Binary(Bytes::from_static(bytes))
    }

    #[test]
    fn the_binary_examples_of_the_protocol_are_written() {
        let (text, attachments) = event("/", None, &bytes(&[1, 2, 3, 4]));
        assert_eq!(text, r#"451-["baz",{"_placeholder":true,"num":0}]"#);
        assert_eq!(attachments, [&[1, 2, 3, 4][..]]);

        let (text, attachments) = event("/admin", None, &Args((bytes(&[1, 2]), bytes(&[3, 4]))));
        assert_eq!(
            text,
            r#"452-/admin,["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#
        );
        assert_eq!(attachments, [&[1, 2][..], &[3, 4]]);

        let mut out = Vec::new();
        let arguments = Args(("bar", bytes(&[1, 2, 3, 4])));
        let attachments = write_ack(&mut out, "/", 15, &arguments).unwrap();
        assert_eq!(out, br#"461-15["bar",{"_placeholder":true,"num":0}]"#);
        assert_eq!(attachments, [&[1, 2, 3, 4][..]]);
    }

    #[test]
    fn an_event_has_as_many_arguments_as_it_is_given() {
        assert_eq!(event("/", None, &()).0, r#"42["baz"]"#);
        assert_eq!(event("/", None, &None::<u8>).0, r#"42["baz",null]"#);
        assert_eq!(event("/", None, &Args([0_u8; 0])).0, r#"42["baz"]"#);
        assert_eq!(event("/a", Some(7), &(1, "b", [2])).0, r#"42/a,7["baz",1,"b",[2]]"#);
        assert_eq!(event("/a", Some(7), &Args((1, "b", [2]))).0, r#"42/a,7["baz",1,"b",[2]]"#);
        assert_eq!(event("/", None, &Args(vec![json!([])])).0, r#"42["baz",[]]"#);
        assert_eq!(event("/", None, &RawArguments::from_ack(" [ ] ", vec![])).0, r#"42["baz"]"#);
    }

    #[test]
    fn an_ack_has_as_many_values_as_it_is_given_and_a_unit_is_null() {
        let ack = |arguments: &dyn Arguments| {
            let mut out = Vec::new();
            write_ack(&mut out, "/", 1, arguments).unwrap();
            String::from_utf8(out).unwrap()
        };

        assert_eq!(ack(&()), "431[null]");
        assert_eq!(ack(&None::<u8>), "431[null]");
        assert_eq!(ack(&Args([0_u8; 0])), "431[]");
        assert_eq!(ack(&(1, "b", [2])), r#"431[1,"b",[2]]"#);
        assert_eq!(ack(&[1, 2]), "431[1,2]");
        assert_eq!(ack(&vec![1, 2]), "431[[1,2]]");
    }

    #[test]
    fn more_than_nine_attachments_are_counted_in_two_digits() {
        let one = |byte: u8| Binary(Bytes::copy_from_slice(&[byte]));
        let arguments = Args((0..12).map(one).collect::<Vec<_>>());

        assert!(event("/", None, &arguments).0.starts_with(r#"4512-["baz","#));
    }

    #[test]
    fn the_same_bytes_are_one_attachment_however_often_they_occur() {
        let arguments = Args(vec![bytes(b"x"); 12]);

        let (text, attachments) = event("/", None, &arguments);

        assert!(text.starts_with(r#"451-["baz",{"_placeholder":true,"num":0},{"#), "{text}");
        assert_eq!(attachments.len(), 1);
    }

    #[test]
    fn forged_placeholders_cannot_break_the_packet_that_relays_them() {
        let forged: Value = json!({ "_placeholder": true, "num": 1 });
        let mut out = Vec::new();

        // Placeholders mean nothing in a text packet.
        assert!(write_event(&mut out, "/", None, "e", &forged).unwrap().is_empty());
        assert_eq!(out, br#"42["e",{"_placeholder":true,"num":1}]"#);

        let before = out.clone();
        for num in [json!(1), json!(-1), json!(0.5), json!("0"), json!(null), json!([0])] {
            let forged = json!([{ "_placeholder": true, "num": num }]);
            let arguments = Args((bytes(b"x"), &forged));
            assert!(write_event(&mut out, "/", None, "e", &arguments).is_err(), "{forged}");
            let json = format!("[{forged}]");
            let relayed = RawArguments::from_ack(&json, vec![Bytes::new()]);
            assert!(write_ack(&mut out, "/", 1, &relayed).is_err(), "{forged}");
        }
        assert_eq!(out, before);

        let harmless = json!({ "_placeholder": false, "num": 7 });
        assert!(write_event(&mut out, "/", None, "e", &Args((bytes(b"x"), harmless))).is_ok());
    }

    #[test]
    fn arguments_that_cannot_be_written_leave_no_bytes() {
        let no_json = HashMap::from([(vec![1], 1)]);
        let mut out = b"before".to_vec();

        assert!(write_event(&mut out, "/", None, "e", &no_json).is_err());
        assert!(write_ack(&mut out, "/", 1, &no_json).is_err());

        assert_eq!(out, b"before");
    }
}
