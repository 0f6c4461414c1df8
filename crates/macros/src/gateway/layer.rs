//! Reads guards, interceptors and filters.
//!
//! Each attribute has one expression and becomes one call of the builder, in source order. Start
//! reading at [`Layer::read`].

use syn::{Attribute, Expr, Token, punctuated::Punctuated};

/// A guard, interceptor or filter.
pub(super) struct Layer {
    pub(super) kind: Kind,
    pub(super) value: Expr,
    /// Attribute in the source, for errors.
    pub(super) attribute: Attribute,
}

/// Kind of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Guard,
    Intercept,
    Filter,
}

impl Layer {
    /// Reads the expression of the attribute. Fails if there is no expression or more than one.
    pub(super) fn read(kind: Kind, attribute: Attribute) -> syn::Result<Self> {
        let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
        let given = match &attribute.meta {
            syn::Meta::List(list) => list.parse_args_with(parser)?,
            syn::Meta::Path(_) | syn::Meta::NameValue(_) => Punctuated::new(),
        };
        let mut values = given.into_iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(Self { kind, value, attribute }),
            (None, _) => Err(syn::Error::new_spanned(&attribute.meta, kind.example())),
            (Some(_), Some(second)) => {
                let message = format!("write a `#[{}(..)]` of its own for this", kind.name());
                Err(syn::Error::new_spanned(second, message))
            }
        }
    }
}

impl Kind {
    /// Returns the kind whose attribute is called `name`.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Guard, Self::Intercept, Self::Filter].into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the name of the attribute, which is also the name of the builder's method.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Guard => "guard",
            Self::Intercept => "intercept",
            Self::Filter => "filter",
        }
    }

    /// Returns the error message for a layer in a gateway that accepts any principal.
    pub(super) fn needs_principal(self) -> String {
        let why = match self {
            Self::Guard => "a guard must know whom it looks at",
            Self::Intercept => "an interceptor must know whose events it sees",
            Self::Filter => "a filter must know whose errors it sees",
        };
        format!("{why}: write `#[gateway(principal = User)]`")
    }

    /// Returns the error message for a layer on a method that handles no event.
    pub(super) fn on_no_handler(self) -> String {
        let why = match self {
            Self::Guard => "guards of the gateway already see connections",
            Self::Intercept => "an interceptor stands around the handling of events",
            Self::Filter => "a filter sees what handlers fail with",
        };
        format!("{why}; put it on the `impl` block, or on a method that has `#[subscribe]`")
    }

    fn example(self) -> &'static str {
        match self {
            Self::Guard => "name the guard: `#[guard(Role::new(\"member\"))]`",
            Self::Intercept => "name the interceptor: `#[intercept(Timing)]`",
            Self::Filter => "name the filter: `#[filter(store_errors)]`",
        }
    }
}
