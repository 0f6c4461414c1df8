//! The gateway `/` of the ready-made server, for trying out a connection.
//!
//! Authenticated users may send two events: `echo` returns its arguments, and `whoami` returns the
//! user.

use std::time::SystemTime;

use doorward::{event::RawArguments, prelude::*};
use doorward_apps::NamedUser;
use jiff::Timestamp;
use serde::Serialize;

pub(crate) fn gateway() -> Gateway<NamedUser> {
    Gateway::at("/").on("echo", echo).on("whoami", whoami)
}

/// Returns the arguments unchanged, including bytes.
async fn echo(arguments: RawArguments) -> RawArguments {
    arguments
}

/// Answer of `whoami`, with the user and the time of the connection.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WhoAmI {
    user: String,
    name: String,
    connected_at: String,
}

async fn whoami(connection: Socket<NamedUser>) -> Result<WhoAmI, Exception> {
    Ok(WhoAmI {
        user: connection.user().as_str().to_owned(),
        name: connection.principal().name.to_string(),
        connected_at: iso8601(connection.connected_at()).ok_or_else(Exception::internal)?,
    })
}

/// Formats a time as JavaScript does, to the millisecond. Returns `None` if the year has five digits.
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
