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

/// Defines the attributes that [`macro@gateway`] reads itself. Anywhere else they are mistakes.
macro_rules! inside_a_gateway {
    ($($(#[doc = $summary:literal])+ $name:ident;)+) => {
        $(
            $(#[doc = $summary])+
            #[doc = ""]
            #[doc = include_str!(concat!("../docs/", stringify!($name), ".md"))]
            #[proc_macro_attribute]
            pub fn $name(_arguments: TokenStream, item: TokenStream) -> TokenStream {
                misplaced::expand(stringify!($name), &item.into()).into()
            }
        )+
    };
}

inside_a_gateway! {
    /// Handles an event: `#[subscribe("say")]` on a method of a [`macro@gateway`].
    subscribe;

    /// Runs once at startup, before the first handshake: `#[on_init]` on a method of a
    /// [`macro@gateway`].
    on_init;

    /// Runs for every client before it learns that it is connected: `#[on_connect]` on a method of a
    /// [`macro@gateway`].
    on_connect;

    /// Runs once for every connected client after it disconnects, for any reason: `#[on_disconnect]` on
    /// a method of a [`macro@gateway`].
    on_disconnect;

    /// Decides which clients may enter rooms of one kind: `#[room("team:{id}")]` on a method of a
    /// [`macro@gateway`].
    room;

    /// Applies a guard: `#[guard(Role::new("member"))]` below [`macro@gateway`], or on a method with
    /// [`macro@subscribe`].
    guard;

    /// Runs around handlers: `#[intercept(Timing)]` below [`macro@gateway`], or on a method with
    /// [`macro@subscribe`].
    intercept;

    /// Translates errors for clients: `#[filter(..)]` below [`macro@gateway`], or on a method with
    /// [`macro@subscribe`].
    filter;
}

/// Makes a struct an event that is sent under the struct's name in `snake_case`.
///
#[doc = include_str!("../docs/server_event.md")]
#[proc_macro_derive(ServerEvent, attributes(event))]
pub fn server_event(item: TokenStream) -> TokenStream {
    server_event::expand(item.into()).into()
}
