//! Checks what a server depends on, and says what to change.
//!
//! Each check makes one or more findings. The command fails if a server could not run, or would break a promise.
//! Start reading at [`run`].

mod finding;
mod redis;
mod servers;

use doorward::server::{Clock as _, SystemClock};
use doorward_core::Causes;
use doorward_sql::{PostgresStore, Tables};
use jiff::Timestamp;

use self::{
    finding::{Finding, Verdict},
    redis::{bridge, redis},
    servers::servers,
};
use super::runtime;
use crate::{
    config::{Config, PlaceOptions, Profile, listener::TlsFiles},
    data::{custody, key_file::KeyFile},
    run::{certificate, descriptors},
    terminal::{Failure, OrFail as _, output},
};

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
        findings.extend(servers(place, &config).await);
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

fn profile(config: &Config) -> String {
    let name = match config.profile {
        Profile::Development => "development",
        Profile::Production => "production",
    };
    format!(
        "valid, for profile \"{name}\"; read from the options and the environment of this command, not from a \
         running server"
    )
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
        // The keys of the cluster decide what happens, and are examined with Redis.
        Ok(None) if config.redis().is_some() => return findings,
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

async fn postgres(config: &Config) -> Vec<Finding> {
    let Some(url) = &config.postgres else {
        if config.redis().is_none() {
            return Vec::new();
        }
        let said = "accounts, chat and boards are in files of this node, and other nodes do not know them: set \
                    DATABASE_URL to a PostgreSQL database";
        return vec![Finding::new(Verdict::Warning, "database", said)];
    };
    let examined = PostgresStore::examine(url.expose()).await;
    let good = |said: &str| Finding::new(Verdict::Good, "database", said);
    vec![match examined {
        Ok(Tables::Missing) => {
            good("PostgreSQL answers. It has no tables yet: the first start creates them")
        }
        Ok(Tables::Outdated) => good(
            "PostgreSQL answers. Its tables are of an older version: the next start changes them",
        ),
        Ok(_) => good("PostgreSQL answers, and its tables are of this version"),
        Err(error) => {
            let said = format_args!("cannot use database.url: {}", Causes(&error));
            Finding::new(Verdict::Bad, "database", said)
        }
    }]
}

/// Number of connections below which the limit of open files is reported.
const FEW_CONNECTIONS: usize = 10_000;
