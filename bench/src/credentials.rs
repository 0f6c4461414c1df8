//! The users that every server knows, and the tokens that the clients show.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use doorward::{Clock, SystemClock};
use jsonwebtoken::{EncodingKey, Header};
use serde::{Deserialize, Serialize};

use crate::Failure;

/// The application's own type for whoever is connected.
#[derive(Debug)]
pub struct User {
    /// What the tokens call it.
    pub id: String,
}

/// Everybody, by id.
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
    /// Looks a user up.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Arc<User>> {
        self.0.get(id).map(Arc::clone)
    }
}

/// What a token says.
#[derive(Debug, Deserialize, Serialize)]
pub struct TokenClaims {
    /// The user.
    pub sub: String,
    /// When it was issued.
    pub iat: u64,
    /// When it ends.
    pub exp: u64,
}

/// Makes the token of one user, good for an hour.
///
/// # Errors
/// When the signature cannot be made.
pub fn token(number: usize) -> Result<String, Failure> {
    sign(number, SECRET)
}

/// Makes a token that no server accepts: somebody else has signed it.
///
/// # Errors
/// As [`token`].
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

/// What the tokens call a user.
#[must_use]
pub fn user_id(number: usize) -> String {
    format!("user-{number:04}")
}

/// What every server and every client shares. It protects nothing but a benchmark.
pub const SECRET: &str = "the secret of a benchmark is written in its source: 4f1d";

/// How many users there are.
pub const USERS: usize = 1000;

const LIFETIME: Duration = Duration::from_secs(60 * 60);
