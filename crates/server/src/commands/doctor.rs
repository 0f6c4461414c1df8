//! Checks what a server depends on, and says what to change.
//!
//! Each check makes one or more findings. The command fails if a server could not run, or would break a promise.
//! Start reading at [`run`].

use std::{fmt, time::Duration};

use axum::http::Method;
use doorward::server::{Clock as _, SystemClock};
use doorward_core::Causes;
use doorward_redis::{Examination, RedisOptions};
use doorward_sql::PostgresStore;
use jiff::Timestamp;

use super::runtime;
use crate::{
    admin::{AdminClient, cut_off, wire::Nodes},
    config::{Config, PlaceOptions, Profile, RedisConfig, listener::TlsFiles},
    data::{custody, key_file::KeyFile},
    run::{certificate, descriptors},
    terminal::{Failure, OrFail as _, output, table::cell},
};

/// Result of one check.
struct Finding {
    verdict: Verdict,
    what: &'static str,
    said: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    /// The server works, and something should be changed.
    Warning,
    /// The server cannot work.
    Bad,
}

impl Finding {
    fn new(verdict: Verdict, what: &'static str, said: impl fmt::Display) -> Self {
        Self { verdict, what, said: cell(&said.to_string()) }
    }

    fn of<T>(what: &'static str, result: Result<T, Failure>, good: impl fmt::Display) -> Self {
        match result {
            Ok(_) => Self::new(Verdict::Good, what, good),
            Err(failure) => {
                let said = failure.to_string();
                Self::new(Verdict::Bad, what, said.strip_prefix("doorward: ").unwrap_or(&said))
            }
        }
    }
}

/// Runs `doorward doctor`.
pub(crate) fn run(place: &PlaceOptions) -> Result<(), Failure> {
    let config = Config::load(place, None)?;
    let findings = runtime::block_on(async {
        let mut findings = vec![Finding::new(Verdict::Good, "settings", profile(&config))];
        findings.extend(data(&config));
        findings.extend(listener(&config).await);
        findings.extend(redis(&config).await);
        findings.extend(bridge(&config));
        findings.extend(postgres(&config).await);
        findings.extend(servers(place).await);
        findings
    })?;
    let lines = findings.iter().map(|Finding { verdict, what, said }| {
        let sign = match verdict {
            Verdict::Good => "ok     ",
            Verdict::Warning => "warning",
            Verdict::Bad => "FAILED ",
        };
        format!("{sign}  {what:<10}  {said}\n")
    });
    let text: String = lines.collect();
    output::say(&text).or_fail("cannot print the findings")?;
    match findings.iter().filter(|one| one.verdict == Verdict::Bad).count() {
        0 => Ok(()),
        1 => Err(Failure::new("1 check has failed")),
        count => Err(Failure::new(format_args!("{count} checks have failed"))),
    }
}

fn profile(config: &Config) -> &'static str {
    match config.profile {
        Profile::Development => "valid, for profile \"development\"",
        Profile::Production => "valid, for profile \"production\"",
    }
}

/// Checks the data directory and its files.
fn data(config: &Config) -> Vec<Finding> {
    let directory = &config.data_dir;
    if !directory.exists() {
        let said =
            format_args!("{} does not exist yet; the server creates it", directory.display());
        return vec![Finding::new(Verdict::Good, "data", said)];
    }
    let checked = custody::check_directory(directory);
    let mut findings = vec![Finding::of("data", checked, directory.display())];
    let key = KeyFile::of(directory);
    findings.push(match key.read() {
        Ok(None) if config.profile == Profile::Production && config.redis().is_none() => {
            let said = format_args!("there is no {}: doorward keys create", key.path().display());
            Finding::new(Verdict::Bad, "key", said)
        }
        Ok(None) => Finding::new(Verdict::Good, "key", "none yet; the server creates it"),
        read => Finding::of("key", read, key.path().display()),
    });
    findings
}

/// Checks what clients connect to: the open files, the name, TLS and the proxy.
async fn listener(config: &Config) -> Vec<Finding> {
    descriptors::raise();
    let files = descriptors::limit().map_or(usize::MAX, descriptors::for_connections);
    let mut findings = vec![if files < FEW_CONNECTIONS {
        let said = format_args!(
            "{files} connections fit into the limit of open files: raise it (ulimit -n)"
        );
        Finding::new(Verdict::Warning, "files", said)
    } else {
        Finding::new(Verdict::Good, "files", "the limit of open files leaves room for connections")
    }];
    let Some(url) = &config.public_url else {
        let said = "public_url is not set: only browsers on this machine can sign in";
        findings.push(Finding::new(Verdict::Warning, "name", said));
        return findings;
    };
    let is_proxied = !config.trusted_proxies.texts().is_empty();
    findings.push(if url.is_secure() && config.listener.tls.is_none() && !is_proxied {
        let said = format_args!(
            "browsers open {url}, and this server has neither TLS nor a trusted proxy: set tls, or name the proxy in \
             trusted_proxies, or all clients count as one"
        );
        Finding::new(Verdict::Warning, "name", said)
    } else {
        Finding::new(Verdict::Good, "name", format_args!("browsers open {url}"))
    });
    if let Some(files) = config.listener.tls.clone() {
        findings.push(certificate(files).await);
    }
    findings
}

async fn certificate(files: TlsFiles) -> Finding {
    let tls = match certificate::read(files).await {
        Ok(tls) => tls,
        Err(failure) => return Finding::of("tls", Err::<(), _>(failure), ""),
    };
    let end = certificate::end_of(&tls.certificate());
    let now = Timestamp::try_from(SystemClock.wall()).unwrap_or(Timestamp::MAX);
    match end {
        Some(end) if end < now => Finding::new(
            Verdict::Bad,
            "tls",
            format_args!("the certificate has expired at {end:.0}"),
        ),
        Some(end) if end.duration_since(now) < certificate::WEEK => {
            let said = format_args!("the certificate expires at {end:.0}: renew it");
            Finding::new(Verdict::Warning, "tls", said)
        }
        Some(end) => Finding::new(
            Verdict::Good,
            "tls",
            format_args!("the certificate is valid until {end:.0}"),
        ),
        None => Finding::new(Verdict::Warning, "tls", "the end of the certificate cannot be read"),
    }
}

/// Checks Redis, and what its user and other programs may do there.
async fn redis(config: &Config) -> Vec<Finding> {
    let Some(redis) = config.redis() else {
        return vec![Finding::new(Verdict::Good, "redis", "not used; the server is the only node")];
    };
    let found = match examine(redis).await {
        Ok(found) => found,
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
    findings
}

async fn examine(redis: &RedisConfig) -> Result<Examination, Failure> {
    let mut options = RedisOptions::default();
    if let Some(path) = &redis.ca {
        let cannot = format_args!("cannot read redis.ca {}", path.display());
        options = options.ca(&tokio::fs::read(path).await.or_fail(cannot)?);
    }
    options.examine(redis.url.expose(), &SystemClock).await.or_fail("cannot use Redis")
}

/// Checks that servers for Node.js do not use the user of the keys of Doorward.
fn bridge(config: &Config) -> Option<Finding> {
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

async fn postgres(config: &Config) -> Vec<Finding> {
    let Some(url) = &config.postgres else {
        if config.redis().is_none() {
            return Vec::new();
        }
        let said = "accounts, chat and boards are in files of this node, and other nodes do not know them: set \
                    DATABASE_URL to a PostgreSQL database";
        return vec![Finding::new(Verdict::Warning, "database", said)];
    };
    let connected = PostgresStore::connect(url.expose()).await;
    vec![match connected {
        Ok(store) => {
            store.close().await;
            Finding::new(
                Verdict::Good,
                "database",
                "PostgreSQL answers, and its tables can be used",
            )
        }
        Err(error) => {
            let said = format_args!("cannot use database.url: {}", Causes(&error));
            Finding::new(Verdict::Bad, "database", said)
        }
    }]
}

/// Asks the running server about its cluster.
async fn servers(place: &PlaceOptions) -> Vec<Finding> {
    let Ok(client) = AdminClient::of(place) else {
        return vec![Finding::new(Verdict::Good, "server", "none runs on this data directory")];
    };
    let asked = client.ask_one::<Nodes>(Method::GET, "/nodes", &()).await;
    let nodes = match asked {
        Ok(nodes) => nodes,
        Err(failure) => return vec![Finding::of("server", Err::<(), _>(failure), "")],
    };
    let mut findings = Vec::new();
    let version = nodes.nodes.first().map(|one| one.version.clone()).unwrap_or_default();
    for one in &nodes.nodes {
        let (node, other) = (&one.node, &one.version);
        let (verdict, said) = if !one.serving && !one.stopping {
            (Verdict::Bad, format!("{node} has no lease, and admits no authenticated client"))
        } else if *other != version {
            (
                Verdict::Warning,
                format!("{node} runs {other}, and others {version}: run one version"),
            )
        } else {
            (Verdict::Good, format!("{node} runs {other}, sockets: {}", one.sockets))
        };
        findings.push(Finding::new(verdict, "node", said));
    }
    let mut names: Vec<_> = nodes.nodes.iter().map(|one| &one.node).collect();
    names.sort();
    for pair in names.windows(2).filter(|pair| pair[0] == pair[1]) {
        let said = format_args!("two nodes have the name {}: set cluster.node of one", pair[0]);
        findings.push(Finding::new(Verdict::Bad, "node", said));
    }
    if let Some(cause) = cut_off(&nodes.away)
        && !nodes.missing.is_empty()
    {
        let missing = nodes.missing.join(", ");
        let said = format_args!("{cause}, so nothing is known about {missing}");
        findings.push(Finding::new(Verdict::Bad, "node", said));
        return findings;
    }
    findings.extend(
        nodes
            .missing
            .iter()
            .map(|node| Finding::new(Verdict::Bad, "node", format_args!("{node} does not answer"))),
    );
    findings
}

/// Number of connections below which the limit of open files is reported.
const FEW_CONNECTIONS: usize = 10_000;

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
