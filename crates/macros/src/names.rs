//! Names that are reserved for events of the client library.
//!
//! The JavaScript clients emit these events themselves, so a handler for such an event would never
//! run. The builder of the server rejects these names too. The macros report them at their place in
//! the source.

/// Reserved names. `doorward_protocol::packet::is_reserved` has the authoritative list, and a test
/// compares the two.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// Returns `true` if `event` is an event of the client library.
pub(crate) fn is_reserved(event: &str) -> bool {
    RESERVED.contains(&event)
}

#[cfg(test)]
mod tests {
    use doorward_protocol::packet;

    use super::*;

    #[test]
    fn the_list_equals_that_of_the_protocol() {
        assert!(RESERVED.iter().all(|name| packet::is_reserved(name)));
        for other in ["say", "exception", "session_ended", "Connect", ""] {
            assert_eq!(is_reserved(other), packet::is_reserved(other), "{other:?}");
        }
    }
}
