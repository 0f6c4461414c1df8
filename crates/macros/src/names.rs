//! Names that no event of an application may have.
//!
//! The JavaScript clients raise these events themselves, so a handler for one would never run. The
//! server refuses them when it is built; here they are refused where they are written.

/// The same list as `doorward_protocol::packet::is_reserved`, which is the one that counts.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// Whether an event name belongs to the clients' own library.
pub(crate) fn is_reserved(event: &str) -> bool {
    RESERVED.contains(&event)
}

#[cfg(test)]
mod tests {
    use doorward_protocol::packet;

    use super::*;

    #[test]
    fn the_list_is_the_protocols_own() {
        assert!(RESERVED.iter().all(|name| packet::is_reserved(name)));
        for other in ["say", "exception", "session_ended", "Connect", ""] {
            assert_eq!(is_reserved(other), packet::is_reserved(other), "{other:?}");
        }
    }
}
