//! Reports attributes such as `#[subscribe]` that are outside of a `#[gateway]`.
//!
//! `#[gateway]` removes the attributes that it reads, so in a correct program none of these
//! attributes is expanded. The item is returned unchanged, so that the compiler shows only this
//! error.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Attribute,
    parse::{ParseStream, Parser},
};

/// Returns the item below the attribute `name`, with the error added.
pub(crate) fn expand(name: &str, item: &TokenStream) -> TokenStream {
    // Attributes expand from top to bottom, so `#[gateway]` never sees the attributes above it.
    let message = if is_above_gateway(item) {
        format!("`#[gateway]` comes first: put `#[{name}]` below it")
    } else {
        format!(
            "`#[{name}]` works inside an `impl` block that has `#[gateway]`; add `#[gateway]` above \
             the `impl`"
        )
    };
    let error = syn::Error::new(Span::call_site(), message).into_compile_error();
    quote! { #item #error }
}

fn is_above_gateway(item: &TokenStream) -> bool {
    let attributes = |input: ParseStream<'_>| {
        let attributes = Attribute::parse_outer(input)?;
        input.parse::<TokenStream>().map(|_rest| attributes)
    };
    let names_gateway = |attribute: &Attribute| {
        attribute.path().segments.last().is_some_and(|last| last.ident == "gateway")
    };
    attributes.parse2(item.clone()).is_ok_and(|attributes| attributes.iter().any(names_gateway))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_item_stays_and_the_error_names_the_attribute() {
        let expanded = expand(
            "subscribe",
            &quote!(
                fn say() {}
            ),
        )
        .to_string();

        assert!(expanded.starts_with("fn say () { }"), "{expanded}");
        assert!(expanded.contains("`#[subscribe]` works inside an `impl` block"), "{expanded}");
    }

    #[test]
    fn an_attribute_above_the_gateway_is_reported() {
        let expanded = expand(
            "guard",
            &quote!(
                #[doorward::gateway]
                impl Chat {}
            ),
        )
        .to_string();

        assert!(expanded.contains("put `#[guard]` below it"), "{expanded}");
    }
}
