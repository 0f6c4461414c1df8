//! Attributes that make an `impl` block a gateway, and a struct an event.
//!
//! The attributes expand to calls of the builder that could also be written by hand; the page of
//! each attribute shows them. Detectable mistakes are reported as errors at the place where they
//! are. Use the attributes through the crate `doorward`, and start at [`macro@gateway`].
//!
//! The folder `docs` describes each attribute; the module of the same name implements it.

mod gateway;
mod misplaced;
mod mistakes;
mod names;
mod pattern;
mod server_event;

use proc_macro::TokenStream;

/// Makes a gateway of an `impl` block.
///
#[doc = include_str!("../docs/gateway.md")]
#[proc_macro_attribute]
pub fn gateway(options: TokenStream, item: TokenStream) -> TokenStream {
    gateway::expand(options.into(), &item.into()).into()
}

/// Handles an event: `#[subscribe("say")]` on a method of a [`macro@gateway`].
///
#[doc = include_str!("../docs/subscribe.md")]
#[proc_macro_attribute]
pub fn subscribe(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    misplaced::expand("subscribe", &item.into()).into()
}

/// Runs once at startup, before the first handshake: `#[on_init]` on a method of a
/// [`macro@gateway`].
///
#[doc = include_str!("../docs/on_init.md")]
#[proc_macro_attribute]
pub fn on_init(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    misplaced::expand("on_init", &item.into()).into()
}

/// Runs for every client before it learns that it is connected: `#[on_connect]` on a method of a
/// [`macro@gateway`].
///
#[doc = include_str!("../docs/on_connect.md")]
#[proc_macro_attribute]
pub fn on_connect(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    misplaced::expand("on_connect", &item.into()).into()
}

/// Runs once for every connected client after it disconnects, for any reason: `#[on_disconnect]` on
/// a method of a [`macro@gateway`].
///
#[doc = include_str!("../docs/on_disconnect.md")]
#[proc_macro_attribute]
pub fn on_disconnect(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    misplaced::expand("on_disconnect", &item.into()).into()
}

/// Decides which clients may enter rooms of one kind: `#[room("team:{id}")]` on a method of a
/// [`macro@gateway`].
///
#[doc = include_str!("../docs/room.md")]
#[proc_macro_attribute]
pub fn room(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    misplaced::expand("room", &item.into()).into()
}

/// Applies a guard: `#[guard(Role::new("member"))]` below [`macro@gateway`], or on a method with
/// [`macro@subscribe`].
///
#[doc = include_str!("../docs/guard.md")]
#[proc_macro_attribute]
pub fn guard(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    misplaced::expand("guard", &item.into()).into()
}

/// Runs around handlers: `#[intercept(Timing)]` below [`macro@gateway`], or on a method with
/// [`macro@subscribe`].
///
#[doc = include_str!("../docs/intercept.md")]
#[proc_macro_attribute]
pub fn intercept(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    misplaced::expand("intercept", &item.into()).into()
}

/// Translates errors for clients: `#[filter(..)]` below [`macro@gateway`], or on a method with
/// [`macro@subscribe`].
///
#[doc = include_str!("../docs/filter.md")]
#[proc_macro_attribute]
pub fn filter(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    misplaced::expand("filter", &item.into()).into()
}

/// Makes a struct an event that is sent under the struct's name in `snake_case`.
///
#[doc = include_str!("../docs/server_event.md")]
#[proc_macro_derive(ServerEvent, attributes(event))]
pub fn server_event(item: TokenStream) -> TokenStream {
    server_event::expand(item.into()).into()
}
