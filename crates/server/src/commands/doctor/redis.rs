//! Checks Redis, and the signing keys in it, for `doorward doctor`.
//!
//! Start reading at [`redis`].

use std::time::Duration;

use doorward::server::SystemClock;
use doorward_redis::{Examination, RedisOptions, RedisStore};

use super::finding::{Finding, Verdict};
use crate::{
    config::{Config, RedisConfig},
    data::{key_file::KeyFile, shared_keys::SharedKeys},
    terminal::{Failure, OrFail as _},
};

/// Checks Redis, and what its user and other programs may do there.
pub(super) async fn redis(config: &Config) -> Vec<Finding> {
    let Some(redis) = config.redis() else {
        return vec![Finding::new(Verdict::Good, "redis", "not used; the server is the only node")];
    };
    let (found, store) = match examine(redis).await {
        Ok(examined) => examined,
        Err(failure) => return vec![Finding::of("redis", Err::<(), _>(failure), "")],
    };
    let Examination { address, version, user, round_trip, .. } = &found;
    let user = user.as_deref().unwrap_or("of unknown name");
    let said = format!("Redis {version} at {address}, user {user}, answers in {round_trip:.1?}");
    let mut findings = vec![Finding::new(Verdict::Good, "redis", said)];
    let mut add = |verdict, said: &str| findings.push(Finding::new(verdict, "redis", said));
    if !found.may_publish {
        add(
            Verdict::Bad,
            "the user may not publish on {doorward}:bus:*, so no event reaches other nodes: add &{doorward}:* to its rules",
        );
    }
    if !found.keeps_writes {
        add(
            Verdict::Warning,
            "a restart of Redis may lose writes, and all users then sign in again: set appendonly yes and \
             appendfsync always (or allow CONFIG GET, so that it can be seen)",
        );
    }
    if found.is_open {
        add(
            Verdict::Warning,
            "a program without a password can read and change the keys of Doorward: give the default user a \
             password, or turn it off",
        );
    }
    if found.reads_other_keys {
        add(
            Verdict::Warning,
            "the user may use the keys of other programs: limit it to ~{doorward}:* and &{doorward}:*",
        );
    }
    if found.clock_difference > MAX_DIFFERENCE {
        let difference = found.clock_difference.as_secs();
        let said = format!(
            "the clocks of Redis and of this machine differ by {difference} s: 60 is too much"
        );
        let verdict = if difference >= 60 { Verdict::Bad } else { Verdict::Warning };
        findings.push(Finding::new(verdict, "redis", said));
    }
    let keys = SharedKeys::new(store, KeyFile::of(&config.data_dir), redis.key_store);
    findings.push(match keys.examine(config.profile).await {
        Ok(said) => Finding::new(Verdict::Good, "key", said),
        failed => Finding::of("key", failed, ""),
    });
    findings
}

/// Examines a Redis server, and opens the store with which the server uses it.
async fn examine(redis: &RedisConfig) -> Result<(Examination, RedisStore), Failure> {
    let mut options = RedisOptions::default();
    if let Some(path) = &redis.ca {
        let cannot = format_args!("cannot read redis.ca {}", path.display());
        options = options.ca(&tokio::fs::read(path).await.or_fail(cannot)?);
    }
    let url = redis.url.expose();
    let found = options.examine(url, &SystemClock).await.or_fail("cannot use Redis")?;
    Ok((found, options.open(url).or_fail("cannot use Redis")?))
}

/// Checks that servers for Node.js do not use the user of the keys of Doorward.
pub(super) fn bridge(config: &Config) -> Option<Finding> {
    let bridge = config.bridge.as_ref()?;
    let own = config.redis().map(|redis| user_of(redis.url.expose()));
    Some(if own == Some(user_of(bridge.url.expose())) {
        let said = "the bridge to servers for Node.js uses the user of the keys of Doorward: give it, and them, a user \
                    that may only use the channels of redis.socket_io.key";
        Finding::new(Verdict::Warning, "bridge", said)
    } else {
        Finding::new(Verdict::Good, "bridge", "to servers for Node.js, with a user of its own")
    })
}

/// Returns the name of the user in the URL of a Redis server. It is empty for the default user.
fn user_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.rsplit_once('@').map_or("", |(user, _)| user.split(':').next().unwrap_or_default())
}

/// Difference between clocks from which on it is reported.
const MAX_DIFFERENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_of_a_url_is_found_without_its_password() {
        for (url, user) in [
            ("redis://doorward:p%40ss@host:6379/1", "doorward"),
            ("rediss://:secret@host", ""),
            ("redis://host", ""),
            ("redis+unix:///run/redis.sock", ""),
        ] {
            assert_eq!(user_of(url), user, "{url}");
        }
    }
}
