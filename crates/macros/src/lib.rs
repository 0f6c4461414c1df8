//! Attributes that turn an `impl` block into a gateway, and a struct into an event.
//!
//! The attributes expand to calls of the builder `doorward::Gateway`. An application could also
//! write these calls by hand, and the page of each attribute shows them. A mistake that a macro can
//! detect is reported at its place in the source. Use the attributes through the crate `doorward`.
//! Start reading at [`macro@gateway`].
//!
//! The folder `docs` has the description of each attribute.

mod gateway;
mod misplaced;
mod mistakes;
mod names;
mod pattern;
mod server_event;

use proc_macro::TokenStream;

/// Turns an `impl` block into a gateway.
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
    /// Makes a method of a [`macro@gateway`] the handler of an event, as in `#[subscribe("say")]`.
    subscribe;

    /// Makes a method of a [`macro@gateway`] run once at startup, before the first handshake.
    on_init;

    /// Makes a method of a [`macro@gateway`] run for every client that is authenticated and that
    /// the guards allow, before its CONNECT is answered.
    on_connect;

    /// Makes a method of a [`macro@gateway`] run once for every connected client after it disconnects,
    /// for any reason.
    on_disconnect;

    /// Makes a method of a [`macro@gateway`] run when the first connection of a user has come, or the
    /// last one has gone, on any node. The method runs on every node.
    on_presence;

    /// Makes a method of a [`macro@gateway`] decide which clients may enter the rooms that match a
    /// pattern, as in `#[room("team:{id}")]`.
    room;

    /// Adds a guard to a [`macro@gateway`], or to a method with [`macro@subscribe`], as in
    /// `#[guard(Role::new("member"))]`.
    guard;

    /// Adds an interceptor to a [`macro@gateway`], or to a method with [`macro@subscribe`], as in
    /// `#[intercept(Timing)]`. An interceptor runs around handlers.
    intercept;

    /// Adds a filter to a [`macro@gateway`], or to a method with [`macro@subscribe`], as in
    /// `#[filter(not_found)]`. A filter translates errors for clients.
    filter;
}

/// Makes a struct an event whose name is the name of the struct in `snake_case`.
///
#[doc = include_str!("../docs/server_event.md")]
#[proc_macro_derive(ServerEvent, attributes(event))]
pub fn server_event(item: TokenStream) -> TokenStream {
    server_event::expand(item.into()).into()
}
