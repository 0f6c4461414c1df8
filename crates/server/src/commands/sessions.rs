//! Lists or creates sessions of a user.

use axum::http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::runtime;
use crate::{
    admin::{
        AdminClient,
        wire::{SessionList, SessionMade, SessionOf},
    },
    cli::SessionsOptions,
    config::Config,
    terminal::{
        Failure, output,
        table::{cell, laid_out},
    },
};

/// Runs `doorward sessions`.
pub(crate) fn run(options: &SessionsOptions) -> Result<(), Failure> {
    let config = Config::load(&options.place, None)?;
    let client = AdminClient::of(&config.data_dir)?;
    let user = SessionOf { user: options.user.clone(), id: options.id.clone() };
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
        if options.json { json(&list)? } else { table(&list) }
    };
    output::say(&text).map_err(|error| Failure::because("cannot print it", &error))
}

async fn create(client: &AdminClient, user: &SessionOf) -> Result<String, Failure> {
    let made: SessionMade = client.ask_one(Method::POST, "/sessions", user).await?;
    Ok(format!("{}\n", made.token))
}

fn json(list: &SessionList) -> Result<String, Failure> {
    let json = serde_json::to_string(list);
    Ok(json.map_err(|error| Failure::because("cannot print the list", &error))? + "\n")
}

fn table(list: &SessionList) -> String {
    let head = ["SESSION", "CREATED", "SEEN", "UNTIL", "FROM", "WITH"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(list.sessions.iter().map(|one| {
        vec![
            cell(&one.id),
            format!("{:.0}", one.created_at),
            format!("{:.0}", one.seen_at),
            format!("{:.0}", one.expires_at),
            one.network.clone().unwrap_or_else(|| "-".to_owned()),
            one.user_agent.as_deref().map_or_else(|| "-".to_owned(), cell),
        ]
    }));
    laid_out(&rows)
}
