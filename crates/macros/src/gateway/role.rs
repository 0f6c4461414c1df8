//! Roles of methods. A method is an event handler, a hook or a room policy.
//!
//! Each role has an attribute. A hook has a moment, which determines the arguments of the method.

use proc_macro2::TokenStream;
use quote::quote;

/// Role of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    /// Handles an event.
    Subscribe,
    /// Runs at startup, on connect, on disconnect or when the presence of a user changes.
    Hook(Moment),
    /// Decides which clients may enter a room.
    Room,
}

impl Role {
    /// Returns the role whose attribute is called `name`.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "subscribe" => Some(Self::Subscribe),
            "room" => Some(Self::Room),
            _ => Moment::named(name).map(Self::Hook),
        }
    }

    /// Returns the name of the attribute.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Subscribe => "subscribe",
            Self::Hook(moment) => moment.name(),
            Self::Room => "room",
        }
    }
}

/// Moment at which a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Moment {
    Init,
    Connect,
    Disconnect,
    Presence,
}

impl Moment {
    /// Returns the moment whose attribute is called `name`.
    fn named(name: &str) -> Option<Self> {
        [Self::Init, Self::Connect, Self::Disconnect, Self::Presence]
            .into_iter()
            .find(|moment| moment.name() == name)
    }

    /// Returns the name that the attribute and the method of the builder have.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Init => "on_init",
            Self::Connect => "on_connect",
            Self::Disconnect => "on_disconnect",
            Self::Presence => "on_presence",
        }
    }

    /// Returns the types of the arguments that the hook receives. `principal` is the type of the
    /// principal.
    pub(super) fn told(self, principal: &TokenStream) -> Vec<TokenStream> {
        match self {
            Self::Init => vec![quote!(::doorward::__private::Hub<#principal>)],
            Self::Connect => vec![quote!(::doorward::__private::Socket<#principal>)],
            Self::Disconnect => vec![
                quote!(::doorward::__private::Socket<#principal>),
                quote!(::doorward::__private::DisconnectReason),
            ],
            Self::Presence => vec![
                quote!(::doorward::__private::Hub<#principal>),
                quote!(::doorward::__private::PresenceChange),
            ],
        }
    }

    /// Returns `true` if the hook may return a `Result`. Such a hook succeeds if its method returns
    /// nothing.
    pub(super) fn answers(self) -> bool {
        matches!(self, Self::Init | Self::Connect)
    }

    /// Returns the names of the argument types without their generic parameters, in order.
    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Init => &["Hub"],
            Self::Connect => &["Socket"],
            Self::Disconnect => &["Socket", "DisconnectReason"],
            Self::Presence => &["Hub", "PresenceChange"],
        }
    }

    /// Returns the signature of the hook as error messages show it.
    pub(super) fn signature(self) -> &'static str {
        match self {
            Self::Init => "(&self, hub: Hub<User>) -> Result<(), BoxError>",
            Self::Connect => "(&self, connection: Socket<User>) -> Result<(), Refusal>",
            Self::Disconnect => "(&self, connection: Socket<User>, reason: DisconnectReason)",
            Self::Presence => "(&self, hub: Hub<User>, change: PresenceChange)",
        }
    }
}
