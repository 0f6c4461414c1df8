//! Types for the events that a server sends.

use serde::Serialize;

/// An event that the server sends: one type with its name and its payload.
///
/// The event has one argument, the struct.
///
/// Derive it with `#[derive(Serialize, ServerEvent)]`. The name of the event is then the name of
/// the type in `snake_case`, unless `#[event("..")]` sets another.
/// [`Socket::emit_event`](crate::Socket::emit_event) and
/// [`Broadcast::emit_event`](crate::Broadcast::emit_event) send it.
///
/// # Examples
/// ```
/// use doorward::{ServerEvent, prelude::*};
///
/// #[derive(serde::Serialize)]
/// struct Joined { who: String }
///
/// impl ServerEvent for Joined {
///     const NAME: &'static str = "joined";
/// }
///
/// let gateway: Gateway<Claims> = Gateway::at("/").on_connect(|socket: Socket<Claims>| async move {
///     let who = socket.user().as_str().to_owned();
///     socket.broadcast().emit_event(&Joined { who })?;
///     Ok(())
/// });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event of the server",
    note = "write `#[derive(serde::Serialize, ServerEvent)]` above it"
)]
pub trait ServerEvent: Serialize {
    /// Name of the event, for which clients listen.
    const NAME: &'static str;
}
