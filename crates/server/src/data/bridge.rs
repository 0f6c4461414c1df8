//! Creates the bridge to Socket.IO servers for Node.js. It connects when the server starts.

use std::fs;

use doorward_redis::{RedisOptions, SocketIoBridge};

use crate::{
    config::Config,
    terminal::{Failure, OrFail as _},
};

/// Returns the bridge, if it is configured.
pub(crate) fn of(config: &Config) -> Result<Option<SocketIoBridge>, Failure> {
    let Some(bridge) = &config.bridge else { return Ok(None) };
    let mut options = RedisOptions::default();
    // The certificates count only for a URL with TLS. That of the store may have it, and this one not.
    if let Some(path) = bridge.ca.as_ref().filter(|_| bridge.url.expose().starts_with("rediss:")) {
        let cannot = format_args!("cannot read redis.ca {}", path.display());
        options = options.ca(&fs::read(path).or_fail(cannot)?);
    }
    let opened = options.socket_io(bridge.url.expose()).or_fail("cannot use redis.socket_io")?;
    Ok(Some(match &bridge.key {
        Some(key) => opened.key(key.as_str()),
        None => opened,
    }))
}
