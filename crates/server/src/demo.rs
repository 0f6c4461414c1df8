//! The gateway of the ready server: something to try a connection with.
//!
//! Namespace `/`, for whoever shows an access token that was signed with the key of the data
//! directory: `echo` gives back what it was sent, `whoami` says who the server takes the client for.

use std::time::SystemTime;

use doorward::{
    auth::{KeyError, SigningKey},
    prelude::*,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    config::{Config, TokenConfig},
    failure::Failure,
    ttl::MAX_LIFETIME,
};

/// Puts the server together.
pub(crate) fn build(key: &SigningKey, config: &Config) -> Result<Doorward, Failure> {
    let jwt = authenticator(key, &config.token)
        .map_err(|error| Failure::because("cannot check tokens", &error))?;
    Doorward::builder()
        .authenticate(jwt)
        .limits(config.limits.limits())
        .gateway(gateway())
        .build()
        .map_err(|error| Failure::because("the server cannot be built", &error))
}

/// Trusts what `doorward token` issues, and nothing else that the key may ever sign.
fn authenticator(key: &SigningKey, token: &TokenConfig) -> Result<Jwt, KeyError> {
    let jwt = Jwt::es256(&key.public_pem())?
        .bound_to(token.issuer.as_str(), token.audience.as_str())
        .token_type("at+jwt")
        .max_lifetime(MAX_LIFETIME);
    Ok(jwt)
}

fn gateway() -> Gateway<Claims> {
    Gateway::at("/").on("echo", echo).on("whoami", whoami)
}

/// Gives the argument back as it was written, `null` when there is none.
async fn echo(Payload(argument): Payload<Box<RawValue>>) -> Box<RawValue> {
    argument
}

/// Whom the server acts for, and since when.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WhoAmI {
    user: String,
    connected_at: String,
}

async fn whoami(connection: Connection<Claims>) -> Result<WhoAmI, Exception> {
    Ok(WhoAmI {
        user: connection.user().as_str().to_owned(),
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
