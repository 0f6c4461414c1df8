//! The gateway of the ready server: something to try a connection with.
//!
//! Namespace `/`, for signed-in users: `echo` gives back what it was sent, `whoami` says whom the server takes the
//! client for.

use std::time::SystemTime;

use doorward::{RawArguments, prelude::*};
use doorward_apps::NamedUser;
use jiff::Timestamp;
use serde::Serialize;

pub(crate) fn gateway() -> Gateway<NamedUser> {
    Gateway::at("/").on("echo", echo).on("whoami", whoami)
}

/// Gives the arguments back as they were sent, bytes too.
async fn echo(arguments: RawArguments) -> RawArguments {
    arguments
}

/// Whom the server acts for, and since when.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WhoAmI {
    user: String,
    name: String,
    connected_at: String,
}

async fn whoami(connection: Connection<NamedUser>) -> Result<WhoAmI, Exception> {
    Ok(WhoAmI {
        user: connection.user().as_str().to_owned(),
        name: connection.principal().name.to_string(),
        connected_at: iso8601(connection.connected_at()).ok_or_else(Exception::internal)?,
    })
}

/// Writes a time as JavaScript does, to the millisecond; `None` when its year has five digits.
fn iso8601(time: SystemTime) -> Option<String> {
    Timestamp::try_from(time).ok().map(|time| format!("{time:.3}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_written_as_javascript_writes_them() {
        let time = |millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);

        assert_eq!(iso8601(time(0)).unwrap(), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso8601(time(1_800_000_000_120)).unwrap(), "2027-01-15T08:00:00.120Z");
    }
}
