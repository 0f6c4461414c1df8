//! Pushes to users from an HTTP route, from a task and from a thread.
//!
//! `JWT_SECRET=.. cargo run -p doorward-examples --example push`, then connect a client of alice and
//! `curl -X POST --data 'Order 7 is on its way' localhost:3000/users/alice/news`.

use std::{net::SocketAddr, thread, time::Duration};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use doorward::{Broadcast, prelude::*, session::SessionId};

struct Shop;

#[gateway]
impl Shop {
    #[room("rates")]
    async fn may_watch(&self) -> bool {
        true
    }

    #[subscribe("watch")]
    async fn watch(&self, me: Socket<Claims>) -> Result<(), JoinError> {
        me.join("rates").await
    }

    #[subscribe("theme")]
    async fn theme(
        &self,
        me: Socket<Claims>,
        Payload(theme): Payload<String>,
    ) -> Result<usize, EmitError> {
        let Some(session) = me.session() else { return Ok(0) };
        Ok(of_session(me.hub(), me.user(), &session).emit("theme", theme)?.local)
    }
}

// #region route
/// Sends to all sockets of a user, in every tab and on every device, and answers how many there are.
async fn news(
    State(hub): State<Hub<Claims>>,
    Path(user): Path<String>,
    text: String,
) -> Result<String, StatusCode> {
    match hub.to_user(user).emit("news", text) {
        Ok(sent) if sent.local == 0 => Err(StatusCode::NOT_FOUND), // not connected here: send a mail
        Ok(sent) => Ok(sent.local.to_string()),
        Err(_too_large) => Err(StatusCode::PAYLOAD_TOO_LARGE),
    }
}
// #endregion

// #region session
/// Returns the sockets of one session, such as the tabs of one browser.
fn of_session(hub: &Hub<Claims>, user: &UserId, session: &SessionId) -> Broadcast<Claims> {
    let sockets = hub.to_user(user.clone()).local_sockets().into_iter();
    let own = sockets.filter(|socket| socket.session().as_ref() == Some(session));
    hub.to_each(own.map(|socket| socket.id()))
}
// #endregion

// #region thread
/// Sends from a plain thread: `emit` does not wait and needs no runtime.
async fn report(State(hub): State<Hub<Claims>>, Path(user): Path<String>) -> StatusCode {
    thread::spawn(move || {
        let sum: u64 = (1..=1_000_000).sum(); // work that takes long
        hub.to_user(user).emit("report", sum)
    });
    StatusCode::ACCEPTED
}
// #endregion

// #region task
/// Sends to the members of a room every second, until the program ends.
async fn rates(hub: Hub<Claims>) -> Result<(), EmitError> {
    let mut every_second = tokio::time::interval(Duration::from_secs(1));
    for rate in 100.. {
        every_second.tick().await;
        hub.to("rates").emit("rate", rate)?;
    }
    Ok(())
}
// #endregion

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt().init();
    let secret = std::env::var("JWT_SECRET").unwrap_or_default();
    let listen = std::env::var("LISTEN").unwrap_or("localhost:3000".into());
    let doorward = Doorward::builder().authenticate(Jwt::hs256(secret)?).gateway(Shop).build()?;

    // #region hub
    let hub = doorward.hub::<Claims>("/")?;
    tokio::spawn(rates(hub.clone()));
    let app = Router::new()
        .route("/users/{user}/news", post(news))
        .route("/users/{user}/report", post(report))
        .with_state(hub)
        .route_service("/socket.io/", doorward.service());
    // #endregion

    let listener = tokio::net::TcpListener::bind(listen).await?;
    tracing::info!(address = %listener.local_addr()?, "Listening.");
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
