//! Cookie that names the node of a client that polls, for load balancers.

use doorward_core::NodeId;
use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Returns the header that sets the cookie. Returns `None` if the name cannot be that of a cookie
/// (RFC 6265, section 4.1.1), or begins with `__`, which browsers may reserve.
pub(crate) fn node_cookie(name: &str, node: &NodeId) -> Option<HeaderValue> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.starts_with("__") || !name.bytes().all(is_token) {
        return None;
    }
    let node = utf8_percent_encode(node.as_str(), ENCODED);
    HeaderValue::try_from(format!("{name}={node}; Path=/; HttpOnly; SameSite=Lax")).ok()
}

/// Characters that are encoded in the name of a node.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_node_cannot_end_the_cookie() {
        let cookie = |name, node| node_cookie(name, &NodeId::new(node));

        assert_eq!(cookie("n", "eu-1.a_b").unwrap(), "n=eu-1.a_b; Path=/; HttpOnly; SameSite=Lax");
        assert_eq!(
            cookie("n", "a; b\r\n").unwrap(),
            "n=a%3B%20b%0D%0A; Path=/; HttpOnly; SameSite=Lax"
        );
        for name in ["", "a b", "a=b", "__Host-a", "\u{e4}"] {
            assert_eq!(cookie(name, "a"), None, "{name}");
        }
    }
}
