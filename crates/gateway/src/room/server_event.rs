//! Events of the server as types.

use serde::Serialize;

/// An event that the server sends, with its name and what it carries in one type.
///
/// The event has one argument, the struct. Derive it; the name is the type's in `snake_case` unless `#[event("..")]` says another.
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
/// # drop(gateway);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no event of the server",
    note = "write `#[derive(serde::Serialize, ServerEvent)]` above it"
)]
pub trait ServerEvent: Serialize {
    /// What clients listen to.
    const NAME: &'static str;
}
