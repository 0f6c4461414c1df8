//! Lists or creates sessions of a user.

use axum::http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::runtime;
use crate::{
    admin::{
        AdminClient,
        wire::{SessionList, SessionMade, UserQuery},
    },
    cli::SessionsOptions,
    terminal::{
        Failure, OrFail as _, output,
        table::{cell, laid_out},
    },
};

/// Runs `doorward sessions`.
pub(crate) fn run(options: &SessionsOptions) -> Result<(), Failure> {
    let client = AdminClient::of(&options.place)?;
    let user = UserQuery { user: options.user.clone(), id: options.id.clone() };
    let text = if options.create {
        runtime::block_on(create(&client, &user))??
    } else {
        let (key, name) = match (&user.user, &user.id) {
            (Some(name), _) => ("user", &**name),
            (None, id) => ("id", id.as_deref().unwrap_or_default()),
        };
        let path = format!("/sessions?{key}={}", utf8_percent_encode(name, NON_ALPHANUMERIC));
        // Servers of one data directory share their sessions, so one response is complete.
        let list: SessionList = runtime::block_on(client.ask_one(Method::GET, &path, &()))??;
        if options.json { output::json(&list)? } else { table(&list) }
    };
    output::say(&text).or_fail("cannot print it")
}

async fn create(client: &AdminClient, user: &UserQuery) -> Result<String, Failure> {
    let made: SessionMade = client.ask_one(Method::POST, "/sessions", user).await?;
    Ok(format!("{}\n", made.token))
}

fn table(list: &SessionList) -> String {
    let head = ["SESSION", "CREATED", "SEEN", "UNTIL", "FROM", "WITH"];
    let rows = list.sessions.iter().map(|one| {
        [
            cell(&one.id),
            format!("{:.0}", one.created_at),
            format!("{:.0}", one.seen_at),
            format!("{:.0}", one.expires_at),
            one.network.clone().unwrap_or_else(|| "-".to_owned()),
            one.user_agent.as_deref().map_or_else(|| "-".to_owned(), cell),
        ]
    });
    laid_out(head, rows)
}
