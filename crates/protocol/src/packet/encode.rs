//! Writes Socket.IO packets, each as one Engine.IO message.

use serde::Serialize;

/// Appends the answer to an admitted CONNECT.
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

/// Appends the answer to a refused CONNECT.
///
/// # Panics
/// When `body` cannot be written as JSON, which a plain struct always can.
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

/// Appends the end of a socket.
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

/// Appends an event with one argument.
///
/// # Examples
/// ```
/// let mut out = Vec::new();
/// doorward_protocol::packet::write_event(&mut out, "/", "news", &1)?;
/// assert_eq!(out, br#"42["news",1]"#);
/// # Ok::<_, serde_json::Error>(())
/// ```
///
/// # Errors
/// When `argument` cannot be written as JSON, such as a map whose keys are no strings. `out` is as
/// before.
pub fn write_event(
    out: &mut Vec<u8>,
    namespace: &str,
    event: &str,
    argument: &(impl Serialize + ?Sized),
) -> serde_json::Result<()> {
    let start = out.len();
    write_head(out, b'2', namespace);
    let written = serde_json::to_writer(&mut *out, &(event, argument));
    if written.is_err() {
        out.truncate(start);
    }
    written
}

/// Appends the answer to an event.
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
/// As [`write_event`].
pub fn write_ack(
    out: &mut Vec<u8>,
    namespace: &str,
    id: u64,
    value: &(impl Serialize + ?Sized),
) -> serde_json::Result<()> {
    let start = out.len();
    write_head(out, b'3', namespace);
    write_json(out, &id);
    out.push(b'[');
    let written = serde_json::to_writer(&mut *out, value);
    out.push(b']');
    if written.is_err() {
        out.truncate(start);
    }
    written
}

/// Writes `4<type>[/namespace,]`.
fn write_head(out: &mut Vec<u8>, kind: u8, namespace: &str) {
    out.extend_from_slice(&[b'4', kind]);
    if namespace != "/" {
        out.extend_from_slice(namespace.as_bytes());
        out.push(b',');
    }
}

fn write_json(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(out, value).expect("wire types are strings, numbers and plain structs");
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn what_cannot_be_written_leaves_nothing_behind() {
        let no_json = HashMap::from([(vec![1], 1)]);
        let mut out = b"before".to_vec();

        assert!(write_event(&mut out, "/", "e", &no_json).is_err());
        assert!(write_ack(&mut out, "/", 1, &no_json).is_err());

        assert_eq!(out, b"before");
    }
}
