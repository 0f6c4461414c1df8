//! Reads hooks: methods that run at startup, on connect and on disconnect.
//!
//! A hook takes all of its arguments, or leaves out the last ones. Start at [`Hook::read`].

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, ReturnType};

use super::method::{self, Method};
use crate::mistakes::Mistakes;

/// A hook.
pub(super) struct Hook {
    pub(super) moment: Moment,
    pub(super) method: Method,
}

/// Moment at which a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Moment {
    Init,
    Connect,
    Disconnect,
}

impl Hook {
    /// Checks the arguments and the return type.
    pub(super) fn read(moment: Moment, attribute: &Attribute, method: Method) -> syn::Result<Self> {
        let mut mistakes = Mistakes::default();
        if attribute.meta.require_path_only().is_err() {
            let message = format!("write `#[{}]` alone: there is nothing to choose", moment.name());
            mistakes.at(&attribute.meta, message);
        }
        mistakes.keep(check_arguments(moment, &method));
        mistakes.keep(check_output(moment, &method));
        mistakes.done()?;
        Ok(Self { moment, method })
    }
}

impl Moment {
    /// Returns the moment with this attribute name.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Init, Self::Connect, Self::Disconnect]
            .into_iter()
            .find(|moment| moment.name() == name)
    }

    /// Returns the name of the attribute and of the builder's method.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Init => "on_init",
            Self::Connect => "on_connect",
            Self::Disconnect => "on_disconnect",
        }
    }

    /// Returns the argument types of the hook for clients of `principal`.
    pub(super) fn told(self, principal: &TokenStream) -> Vec<TokenStream> {
        match self {
            Self::Init => vec![quote!(::doorward::Hub<#principal>)],
            Self::Connect => vec![quote!(::doorward::Connection<#principal>)],
            Self::Disconnect => vec![
                quote!(::doorward::Connection<#principal>),
                quote!(::doorward::DisconnectReason),
            ],
        }
    }

    /// Returns `true` if the hook has a result. Such a hook succeeds if its method returns nothing.
    pub(super) fn answers(self) -> bool {
        matches!(self, Self::Init | Self::Connect)
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Init => &["Hub"],
            Self::Connect => &["Connection"],
            Self::Disconnect => &["Connection", "DisconnectReason"],
        }
    }

    fn signature(self) -> &'static str {
        match self {
            Self::Init => "(&self, hub: Hub<User>) -> Result<(), BoxError>",
            Self::Connect => "(&self, connection: Connection<User>) -> Result<(), Refusal>",
            Self::Disconnect => "(&self, connection: Connection<User>, reason: DisconnectReason)",
        }
    }

    fn help(self, method: &Method) -> String {
        format!(
            "`#[{}]` stands on `async fn {}{}`; arguments may be left away from the end",
            self.name(),
            method.name,
            self.signature()
        )
    }
}

fn check_arguments(moment: Moment, method: &Method) -> syn::Result<()> {
    let names = moment.names();
    // Arguments are positional, so only the last ones can be left out.
    let wrong = method.arguments.iter().enumerate().find(|(index, argument)| {
        !names.get(*index).is_some_and(|name| method::is_called(&argument.ty, name))
    });
    match wrong {
        Some((_, argument)) => Err(syn::Error::new_spanned(&argument.ty, moment.help(method))),
        None => Ok(()),
    }
}

fn check_output(moment: Moment, method: &Method) -> syn::Result<()> {
    match &method.output {
        ReturnType::Type(_, ty) if !moment.answers() && !method.returns_nothing() => {
            let message = "the client is gone, so nobody hears an answer: return nothing";
            Err(syn::Error::new_spanned(ty, message))
        }
        _ => Ok(()),
    }
}
