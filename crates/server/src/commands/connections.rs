//! Lists the connections of the running servers.

use axum::http::Method;

use super::runtime;
use crate::{
    admin::{AdminClient, wire::Connections},
    cli::ConnectionsOptions,
    terminal::{
        Failure, OrFail as _, output,
        table::{cell, laid_out},
    },
};

/// Runs `doorward connections`.
pub(crate) fn run(options: &ConnectionsOptions) -> Result<(), Failure> {
    let client = AdminClient::of(&options.place)?;
    let answers: Vec<Connections> =
        runtime::block_on(client.ask(Method::GET, "/connections", &()))??.all()?;
    let connections = answers.into_iter().flat_map(|answer| answer.connections).collect();
    let all = Connections { connections };
    let text = if options.json { output::json(&all)? } else { table(&all) };
    output::say(&text).or_fail("cannot print the list")
}

fn table(all: &Connections) -> String {
    let head = ["SOCKET", "LINK", "NAMESPACE", "USER", "SINCE", "UNTIL", "FROM", "SESSION"];
    let rows = all.connections.iter().map(|one| {
        [
            one.socket.clone(),
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
