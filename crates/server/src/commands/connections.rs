//! Lists the connections of the running servers, or of all nodes of their cluster.

mod watching;

use std::collections::HashSet;

use axum::http::Method;

use super::runtime;
use crate::{
    admin::{AdminClient, incomplete, wire::Connections},
    cli::ConnectionsOptions,
    terminal::{
        Failure, OrFail as _, output,
        table::{cell, laid_out},
    },
};

/// Runs `doorward connections`.
pub(crate) fn run(options: &ConnectionsOptions) -> Result<(), Failure> {
    let client = AdminClient::of(&options.place)?;
    if options.watch {
        return watching::run(&client, options);
    }
    let answers: Vec<Connections> =
        runtime::block_on(client.ask(Method::GET, "/connections", &()))??.all()?;
    let all = together(answers);
    let text = if options.json { output::json(&all)? } else { table(&all) };
    output::say(&text).or_fail("cannot print the list")?;
    incomplete(&all.missing, &all.away)
}

/// Combines the answers of several servers of one data directory. On a cluster, each of them lists all connections.
fn together(answers: Vec<Connections>) -> Connections {
    let mut all = Connections::default();
    for answer in answers {
        all.connections.extend(answer.connections);
        all.missing.extend(answer.missing);
        all.away.extend(answer.away);
    }
    let mut seen = HashSet::new();
    all.connections.retain(|one| seen.insert(one.socket.clone()));
    all.missing.sort();
    all.missing.dedup();
    all
}

fn table(all: &Connections) -> String {
    let head = ["SOCKET", "NODE", "LINK", "NAMESPACE", "USER", "SINCE", "UNTIL", "FROM", "SESSION"];
    let rows = all.connections.iter().map(|one| {
        [
            one.socket.clone(),
            cell(&one.node),
            one.link.to_string(),
            cell(&one.namespace),
            cell(&one.user),
            format!("{:.0}", one.connected_at),
            one.expires_at.map_or_else(|| "-".to_owned(), |at| format!("{at:.0}")),
            one.network.clone().unwrap_or_else(|| "-".to_owned()),
            one.session.as_deref().map_or_else(|| "-".to_owned(), cell),
        ]
    });
    laid_out(head, rows)
}
