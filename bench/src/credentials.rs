//! Users that all servers know, and tokens for the clients.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use doorward::server::{Clock, SystemClock};
use jsonwebtoken::{EncodingKey, Header};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The application's own type for a user.
#[derive(Debug)]
pub struct User {
    /// Subject of the user's tokens.
    pub id: String,
}

/// All users, by id.
#[derive(Debug)]
pub struct Users(HashMap<String, Arc<User>>);

impl Default for Users {
    fn default() -> Self {
        let user = |number| {
            let id = user_id(number);
            (id.clone(), Arc::new(User { id }))
        };
        Self((0..USERS).map(user).collect())
    }
}

impl Users {
    /// Returns the user with this id, or `None` if there is no such user.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Arc<User>> {
        self.0.get(id).map(Arc::clone)
    }
}

/// Claims of a token.
#[derive(Debug, Deserialize, Serialize)]
pub struct TokenClaims {
    /// User id, the subject of the token.
    pub sub: String,
    /// Time of issue, in seconds since 1970.
    pub iat: u64,
    /// Expiry, in seconds since 1970.
    pub exp: u64,
}

/// Issues a token for the user with this number, valid for an hour. Numbers from [`USERS`] on start
/// again at the first user.
///
/// # Errors
/// Fails if the token cannot be signed.
pub fn token(number: usize) -> Result<String, Failure> {
    sign(number, SECRET)
}

/// Issues a token for the user with this number that no server accepts, because it is signed with
/// another secret.
///
/// # Errors
/// The same as for [`token`].
pub fn forged_token(number: usize) -> Result<String, Failure> {
    sign(number, "another secret of at least thirty-two bytes")
}

fn sign(number: usize, secret: &str) -> Result<String, Failure> {
    let now = SystemClock.wall().duration_since(SystemTime::UNIX_EPOCH)?;
    let claims = TokenClaims {
        sub: user_id(number % USERS),
        iat: now.as_secs(),
        exp: (now + LIFETIME).as_secs(),
    };
    let key = EncodingKey::from_secret(secret.as_bytes());
    Ok(jsonwebtoken::encode(&Header::default(), &claims, &key)?)
}

/// Returns the id of the user with this number. It is the subject of the tokens of this user.
#[must_use]
pub fn user_id(number: usize) -> String {
    format!("user-{number:04}")
}

/// Secret that all servers and clients share. It protects only a benchmark.
pub const SECRET: &str = "the secret of a benchmark is written in its source: 4f1d";

/// Number of users.
pub const USERS: usize = 1000;

const LIFETIME: Duration = Duration::from_secs(60 * 60);
