//! Lists, disables, enables or removes accounts.

use axum::http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::runtime;
use crate::{
    admin::{
        AdminClient,
        wire::{AccountChange, AccountChanged, AccountList, Change},
    },
    cli::{AccountsAction, AccountsOptions},
    terminal::{
        Failure, OrFail as _, output,
        table::{cell, laid_out},
    },
};

/// Runs `doorward accounts`.
pub(crate) fn run(options: &AccountsOptions) -> Result<(), Failure> {
    let client = AdminClient::of(&options.place)?;
    let change = match options.action {
        AccountsAction::Disable => Change::Disable,
        AccountsAction::Enable => Change::Enable,
        AccountsAction::Remove => Change::Remove,
        AccountsAction::List => {
            let all = runtime::block_on(list(&client))??;
            let text = if options.json { output::json(&all)? } else { table(&all) };
            return said(&text);
        }
    };
    let name = options.name.clone().unwrap_or_default();
    let change = AccountChange { name, change };
    // Servers of one data directory share the accounts, but each server closes only its own
    // sockets.
    let done: Vec<AccountChanged> =
        runtime::block_on(client.ask(Method::POST, "/accounts", &change))??.all()?;
    let closed: usize = done.iter().map(|one| one.revocation.closed).sum();
    let sockets = if closed == 1 { "socket" } else { "sockets" };
    said(&format!("Done; {closed} {sockets} closed.\n"))
}

async fn list(client: &AdminClient) -> Result<AccountList, Failure> {
    let mut all = AccountList::default();
    loop {
        let path = match all.accounts.last() {
            Some(last) => {
                format!("/accounts?after={}", utf8_percent_encode(&last.name, NON_ALPHANUMERIC))
            }
            None => "/accounts".to_owned(),
        };
        let some: AccountList = client.ask_one(Method::GET, &path, &()).await?;
        if some.accounts.is_empty() {
            return Ok(all);
        }
        all.accounts.extend(some.accounts);
    }
}

fn table(list: &AccountList) -> String {
    let head = ["NAME", "DISPLAY NAME", "SINCE", "DISABLED", "ID"];
    let rows = list.accounts.iter().map(|one| {
        [
            cell(&one.name),
            cell(&one.display_name),
            format!("{:.0}", one.created_at),
            one.disabled_at.map_or_else(|| "-".to_owned(), |at| format!("{at:.0}")),
            one.id.clone(),
        ]
    });
    laid_out(head, rows)
}

fn said(text: &str) -> Result<(), Failure> {
    output::say(text).or_fail("cannot print what was done")
}
