//! Revokes a user, a session, a token or a socket on the running server.

use axum::http::Method;

use super::runtime;
use crate::{
    admin::{
        AdminClient, Answers,
        wire::{Revocation, Revoke},
    },
    cli::RevokeOptions,
    terminal::{Failure, OrFail as _, output},
};

/// Runs `doorward revoke`.
pub(crate) fn run(options: &RevokeOptions) -> Result<(), Failure> {
    let client = AdminClient::of(&options.place)?;
    let what = Revoke {
        user: options.user.clone(),
        id: options.id.clone(),
        session: options.session.clone(),
        token: options.token.clone(),
        socket: options.socket.clone(),
    };
    let Answers { said, failed } =
        runtime::block_on(client.ask::<Revocation>(Method::POST, "/revoke", &what))??;
    let mut done = Revocation::default();
    for answer in said {
        done.closed += answer.closed;
        done.confirmed.extend(answer.confirmed);
        done.lapsed.extend(answer.lapsed);
        done.missing.extend(answer.missing);
        done.told = answer.told;
    }
    if done.confirmed.is_empty()
        && done.missing.is_empty()
        && let Some(failure) = failed
    {
        return Err(failure);
    }
    let sockets = if done.closed == 1 { "socket" } else { "sockets" };
    let mut said = format!("Revoked; {} {sockets} closed. {}\n", done.closed, done.told);
    if done.confirmed.len() + done.lapsed.len() > 1 {
        said.push_str(&nodes(&done));
    }
    output::say(&said).or_fail("cannot print what was done")?;
    if let Some(failure) = failed {
        return Err(failure);
    }
    if done.missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format_args!(
        "the revocation is stored, but handlers still block sockets on {}; these sockets start no event and \
         receive no packet",
        done.missing.join(", ")
    )))
}

/// Returns a sentence about the nodes of a cluster.
fn nodes(done: &Revocation) -> String {
    let mut said = format!("Confirmed by {}.", done.confirmed.join(", "));
    if !done.lapsed.is_empty() {
        said += " Not confirmed, and no longer served: ";
        said += &done.lapsed.join(", ");
        said.push('.');
    }
    said.push('\n');
    said
}
