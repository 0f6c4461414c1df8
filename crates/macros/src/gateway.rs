//! Implements `#[gateway]`, which generates `IntoGateway` for the type of an impl block.
//!
//! `model` reads the block and removes the attributes of Doorward. `expand` writes the
//! implementation, which registers the methods of the block with the builder of a gateway. If there
//! is a mistake, a stand-in is written instead and the block is kept, so that the compiler shows
//! the error of the macro and not its consequences. Start reading at [`expand`](fn@expand).

mod attributes;
mod expand;
mod handler;
mod hook;
mod layer;
mod method;
mod model;
mod options;
mod principal;
mod role;
mod room;

#[cfg(test)]
mod tests;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{ImplItem, Item, ItemImpl};

/// Expands `#[gateway(options)]` on `item`. Returns the item with the generated implementation, or
/// with compile errors.
pub(crate) fn expand(options: TokenStream, item: &TokenStream) -> TokenStream {
    match syn::parse2(item.clone()) {
        Ok(Item::Impl(block)) if block.trait_.is_none() => expand_block(options, block),
        Ok(Item::Impl(block)) => refuse_trait(block),
        Ok(_) => with_error(item, syn::Error::new(Span::call_site(), WHERE)),
        Err(error) => with_error(item, error),
    }
}

const WHERE: &str = "`#[gateway]` goes on the `impl` block that holds the handlers: `#[gateway] impl \
                     Chat { .. }`";

fn expand_block(options: TokenStream, mut block: ItemImpl) -> TokenStream {
    match model::read(options, &mut block) {
        Ok(gateway) => {
            let implementation = expand::implementation(&gateway, &block);
            quote! { #block #implementation }
        }
        Err(error) => {
            // Without an implementation, the compiler would report every use of the gateway as
            // well.
            let stand_in = expand::stand_in(&block);
            with_error(&quote! { #block #stand_in }, error)
        }
    }
}

fn refuse_trait(mut block: ItemImpl) -> TokenStream {
    // Removes the attributes of Doorward. Outside of a gateway each of them would report another
    // error.
    attributes::take(&mut block.attrs);
    for item in &mut block.items {
        if let ImplItem::Fn(method) = item {
            attributes::take(&mut method.attrs);
        }
    }
    let error = syn::Error::new(Span::call_site(), format!("{WHERE}, without a trait"));
    with_error(&block, error)
}

fn with_error(item: &impl ToTokens, error: syn::Error) -> TokenStream {
    let error = error.into_compile_error();
    quote! { #item #error }
}
