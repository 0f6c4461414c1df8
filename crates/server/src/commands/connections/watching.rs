//! Prints each change of a connection, until the operator ends the command.

use std::fmt::Write as _;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    admin::{
        AdminClient,
        wire::{Changed, Line},
    },
    cli::ConnectionsOptions,
    commands::runtime,
    terminal::{Failure, OrFail as _, output, table::cell},
};

/// Runs `doorward connections --watch`.
pub(super) fn run(client: &AdminClient, options: &ConnectionsOptions) -> Result<(), Failure> {
    let encoded = |name: &String| utf8_percent_encode(name, NON_ALPHANUMERIC).to_string();
    let path = match (&options.user, &options.id) {
        (Some(name), _) => format!("/connections/watch?user={}", encoded(name)),
        (None, Some(id)) => format!("/connections/watch?id={}", encoded(id)),
        (None, None) => "/connections/watch".to_owned(),
    };
    let print = |line: &[u8]| {
        let read: Line =
            serde_json::from_slice(line).or_fail("cannot read the answer of the server")?;
        let text =
            if options.json { String::from_utf8_lossy(line).into_owned() } else { told(&read) };
        output::say(&text).or_fail("cannot print a change")
    };
    runtime::block_on(client.follow(&path, print))?
}

/// Returns a line for the operator.
fn told(line: &Line) -> String {
    match line {
        Line::Watching => "Watching connections. Press Ctrl-C to stop.\n".to_owned(),
        Line::Missed => {
            "Some changes may be missing here. Run doorward connections for the current list.\n"
                .to_owned()
        }
        Line::Opened(change) => changed("opened", change),
        Line::Refreshed(change) => changed("refreshed", change),
        Line::Ended(change) => changed("ended", change),
        Line::Refused(change) => changed("refused", change),
    }
}

fn changed(event: &str, change: &Changed) -> String {
    let mut line = format!("{:.0}  {event:9}", change.at);
    line += "  ";
    line += &cell(change.name.as_deref().unwrap_or(&change.user));
    line += "  ";
    line += &cell(&change.namespace);
    for part in [&change.reason, &change.device, &change.network].into_iter().flatten() {
        line += "  ";
        line += &cell(part);
    }
    line += "  ";
    line += &cell(&change.node);
    // `doorward revoke --socket` and the audit take the ids.
    if let Some(socket) = &change.socket {
        write!(line, "  socket {socket}").ok();
    }
    line + "  decision " + &change.decision + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_happened_to_whom_and_why() {
        let line = br#"{"event":"ended","at":"2026-01-01T00:00:00Z","reason":"replaced","user":"u1","name":"alice","namespace":"/chat","socket":"s1","device":"Firefox on Linux","network":"127.0.0.0","node":"eu-1","decision":"d1"}"#;

        let text = told(&serde_json::from_slice(line).unwrap());

        assert_eq!(
            text,
            "2026-01-01T00:00:00Z  ended      alice  /chat  replaced  Firefox on Linux  127.0.0.0  eu-1  socket s1  \
             decision d1\n"
        );
    }

    #[test]
    fn a_device_cannot_move_the_cursor() {
        let line = br#"{"event":"refused","at":"2026-01-01T00:00:00Z","user":"a\u001b[2J","namespace":"/","node":"n","decision":"d"}"#;

        let text = told(&serde_json::from_slice(line).unwrap());

        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
