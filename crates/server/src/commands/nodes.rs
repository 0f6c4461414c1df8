//! Lists the nodes of the cluster of the running server.

use axum::http::Method;

use super::runtime;
use crate::{
    admin::{AdminClient, cut_off, incomplete, wire::Nodes},
    cli::NodesOptions,
    terminal::{
        Failure, OrFail as _, output,
        table::{cell, laid_out},
    },
};

/// Runs `doorward nodes`.
pub(crate) fn run(options: &NodesOptions) -> Result<(), Failure> {
    let client = AdminClient::of(&options.place)?;
    let all: Nodes = runtime::block_on(client.ask_one(Method::GET, "/nodes", &()))??;
    let text = if options.json { output::json(&all)? } else { table(&all) };
    output::say(&text).or_fail("cannot print the list")?;
    incomplete(&all.missing, &all.away)
}

fn table(all: &Nodes) -> String {
    let head = ["NODE", "VERSION", "SINCE", "LINKS", "SOCKETS", "STATE"];
    let answered = all.nodes.iter().map(|one| {
        let state = match (one.stopping, one.serving) {
            (true, _) => "stops",
            (false, true) => "serves",
            (false, false) => "has no lease",
        };
        [
            cell(&one.node),
            cell(&one.version),
            format!("{:.0}", one.started_at),
            one.links.to_string(),
            one.sockets.to_string(),
            state.to_owned(),
        ]
    });
    // A node that is cut off hears no answer, even if the other nodes serve.
    let state = if cut_off(&all.away).is_some() { "unknown" } else { "does not answer" };
    let missing =
        all.missing.iter().map(|node| [&cell(node), "-", "-", "-", "-", state].map(str::to_owned));
    laid_out(head, answered.chain(missing))
}
