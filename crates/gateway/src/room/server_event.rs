//! Trait of types for events that a server sends.

use serde::Serialize;

/// Type of an event that the server sends. [`NAME`](ServerEvent::NAME) is the name of the event.
///
/// A value of the type is sent as the only argument of the event.
///
/// Derive the trait with `#[derive(Serialize, ServerEvent)]`. The name of the event is then the
/// name of the type in `snake_case`, unless `#[event("..")]` sets another name.
/// [`Socket::emit_event`](crate::Socket::emit_event) and
/// [`Broadcast::emit_event`](crate::Broadcast::emit_event) send the event.
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
    /// Name of the event. Clients listen for events of this name.
    const NAME: &'static str;
}
