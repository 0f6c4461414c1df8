//! Reads hooks, which are methods that run at startup, on connect, on disconnect and on changes of
//! the presence.
//!
//! A hook may leave out its last arguments. Start reading at [`Hook::read`].

use syn::{Attribute, ReturnType};

use super::{
    method::{self, Method},
    role::Moment,
};
use crate::mistakes::Mistakes;

/// Method that runs at a [`Moment`].
pub(super) struct Hook {
    pub(super) moment: Moment,
    pub(super) method: Method,
}

impl Hook {
    /// Reads a hook. Fails if its attribute has arguments, or if its arguments or return type are
    /// wrong.
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

fn check_arguments(moment: Moment, method: &Method) -> syn::Result<()> {
    let names = moment.names();
    // Arguments are positional, so only the last ones can be omitted.
    let wrong = method.arguments.iter().enumerate().find(|(index, argument)| {
        !names.get(*index).is_some_and(|name| method::is_called(&argument.ty, name))
    });
    match wrong {
        Some((_, argument)) => Err(syn::Error::new_spanned(&argument.ty, help(moment, method))),
        None => Ok(()),
    }
}

fn check_output(moment: Moment, method: &Method) -> syn::Result<()> {
    match &method.output {
        ReturnType::Type(_, ty) if !moment.answers() && !method.returns_nothing() => {
            let message = match moment {
                Moment::Presence => "no client receives an answer to this hook: return nothing",
                _ => "the client has disconnected and receives no answer: return nothing",
            };
            Err(syn::Error::new_spanned(ty, message))
        }
        _ => Ok(()),
    }
}

fn help(moment: Moment, method: &Method) -> String {
    format!(
        "`#[{}]` goes on `async fn {}{}`; trailing arguments may be omitted",
        moment.name(),
        method.name,
        moment.signature()
    )
}
