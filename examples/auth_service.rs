//! Implements an authenticator with a service that the gateway uses too.
//!
//! `cargo run -p doorward-examples --example auth_service`, then connect with `auth: { token: "sample-token" }`.
//! A client with any other token reads `connect_error` "Invalid token" once, and its connection closes. A second
//! connection of the same user reads "Already connected".

use std::sync::Arc;

use doorward::{
    auth::{AuthenticateError, Authenticator, Handshake},
    prelude::*,
};

/// Service that looks users up. It is passed as an argument to each part that needs it, without a container for
/// dependencies.
struct AuthService {
    tokens: Vec<(&'static str, User)>,
}

#[derive(Clone)]
struct User {
    name: &'static str,
}

impl AuthService {
    fn verify(&self, token: &str) -> Option<User> {
        let (_, user) = self.tokens.iter().find(|(own, _)| *own == token)?;
        Some(user.clone())
    }
}

struct TokenAuthenticator {
    service: Arc<AuthService>,
}

impl Authenticator for TokenAuthenticator {
    type Principal = User;

    async fn authenticate(&self, handshake: Handshake) -> Result<Grant<User>, AuthenticateError> {
        let token = handshake.auth.get_str("token").unwrap_or_default();
        let user = self.service.verify(token);
        let user = user.ok_or_else(|| Refusal::new("invalid_token", "Invalid token"))?;
        Ok(Grant::new(user.clone(), user.name))
    }
}

struct Events {
    service: Arc<AuthService>,
}

#[gateway]
impl Events {
    #[on_connect]
    async fn hello(&self, socket: Socket<User>) -> Result<(), Refusal> {
        socket.emit("welcome", socket.principal().name)?;
        Ok(())
    }

    #[subscribe("whoami")]
    async fn whoami(&self, user: Principal<User>) -> String {
        format!("{}, one of {}", user.name, self.service.tokens.len())
    }
}

#[tokio::main]
async fn main() -> doorward::Result {
    tracing_subscriber::fmt().init();
    let service = Arc::new(AuthService { tokens: vec![("sample-token", User { name: "sample" })] });
    let listen = std::env::var("LISTEN").unwrap_or("localhost:3000".into());

    Doorward::builder()
        .authenticate(TokenAuthenticator { service: Arc::clone(&service) })
        .connections(PerUser::RefuseNew(1))
        .gateway(Events { service })
        .build()?
        .serve(&listen)
        .await?;
    Ok(())
}
