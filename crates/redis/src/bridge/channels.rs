//! Names of the channels of `@socket.io/redis-adapter`.

use std::fmt::Display;

/// Builds the names of channels. They begin with the key that all servers share.
#[derive(Debug)]
pub(super) struct Channels {
    pub(super) key: Box<str>,
}

impl Channels {
    /// Returns the channel of an event. If it is for exactly one room, the name contains the room.
    pub(super) fn broadcast(&self, namespace: &str, rooms: &[Box<str>]) -> String {
        let Self { key } = self;
        match rooms {
            [room] => format!("{key}#{namespace}#{room}#"),
            _ => format!("{key}#{namespace}#"),
        }
    }

    /// Returns the pattern of the channels of all events of a namespace.
    pub(super) fn broadcasts(&self, namespace: &str) -> String {
        escaped(&self.broadcast(namespace, &[])) + "*"
    }

    /// Returns the channel of requests. The servers for Node.js count its subscribers, and wait for an answer of
    /// each.
    pub(super) fn requests(&self, namespace: &str) -> String {
        format!("{}-request#{namespace}#", self.key)
    }

    pub(super) fn answers(&self, namespace: &str) -> String {
        format!("{}-response#{namespace}#", self.key)
    }

    /// Returns a channel that only the connection with this id hears.
    pub(super) fn own(&self, namespace: &str, id: impl Display) -> String {
        format!("{}doorward:{id}#", self.answers(namespace))
    }
}

/// Escapes the characters that have a meaning in a pattern.
fn escaped(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for character in name.chars() {
        if matches!(character, '*' | '?' | '[' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_adapter() {
        let channels = Channels { key: "socket.io".into() };
        let two = ["a".into(), "b".into()];

        assert_eq!(channels.broadcast("/", &[]), "socket.io#/#");
        assert_eq!(channels.broadcast("/chat", &two[..1]), "socket.io#/chat#a#");
        assert_eq!(channels.broadcast("/chat", &two), "socket.io#/chat#");
        assert_eq!(channels.broadcasts("/"), "socket.io#/#*");
        assert_eq!(channels.broadcasts("/a*[b]?\\"), "socket.io#/a\\*\\[b]\\?\\\\#*");
        assert_eq!(channels.requests("/"), "socket.io-request#/#");
        assert_eq!(channels.answers("/"), "socket.io-response#/#");
        assert_eq!(channels.own("/", 7), "socket.io-response#/#doorward:7#");
    }
}
