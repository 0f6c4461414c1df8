//! Asks the running server for `doorward doctor`.
//!
//! The server may have been started with other options and another environment than the command, which then examines
//! the wrong Redis or the wrong database. So the settings that decide about that are compared.
//! Start reading at [`servers`].

use axum::http::Method;

use super::finding::{Finding, Verdict};
use crate::{
    admin::{AdminClient, cut_off, server::Server, wire::Nodes},
    config::{Config, PlaceOptions},
};

/// Compares the settings of the running server with those of the command, and asks it about its cluster.
pub(super) async fn servers(place: &PlaceOptions, config: &Config) -> Vec<Finding> {
    let client = match AdminClient::find(place) {
        Ok(client) if client.is_alone() => {
            return vec![Finding::new(Verdict::Good, "server", "none runs on this data directory")];
        }
        Ok(client) => client,
        Err(failure) => return vec![Finding::of("server", Err::<(), _>(failure), "")],
    };
    let asked = client.ask_one::<Nodes>(Method::GET, "/nodes", &()).await;
    let nodes = match asked {
        Ok(nodes) => nodes,
        Err(failure) => return vec![Finding::of("server", Err::<(), _>(failure), "")],
    };
    // A server of another version may not tell its settings.
    let running = client.ask_one::<Server>(Method::GET, "/server", &()).await.ok();
    let mut findings: Vec<_> =
        running.iter().flat_map(|running| differences(running, &Server::of(config))).collect();
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

/// Finds the settings in which the running server differs from the command.
fn differences(running: &Server, read: &Server) -> Vec<Finding> {
    let mut compared = vec![
        ("Redis", &running.redis, &read.redis),
        ("PostgreSQL", &running.postgres, &read.postgres),
    ];
    if running.redis.is_some() && read.redis.is_some() {
        compared.push(("cluster.node", &running.node, &read.node));
    }
    let differing = compared.into_iter().filter(|(_, running, read)| running != read);
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let findings = differing.map(|(what, running, read)| {
        let said = format_args!(
            "the running server uses {what} {}, and this command reads {}: run it with the options and the \
             environment of the server",
            shown(running),
            shown(read)
        );
        Finding::new(Verdict::Warning, "settings", said)
    });
    findings.collect()
}
