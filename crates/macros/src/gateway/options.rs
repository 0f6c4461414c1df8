//! Reads the options of `#[gateway(..)]`.
//!
//! A text without a name is the namespace. Every other option has a name. Start reading at
//! [`Options::read`].

use proc_macro2::{Ident, Span, TokenStream};
use syn::{
    Expr, ExprLit, Lit, LitStr, Token, Type,
    ext::IdentExt,
    parse::{ParseStream, Parser},
};

use crate::mistakes::Mistakes;

/// Options of a gateway. An option that was not given is `None`. Without `namespace`, the namespace
/// is `/`. Giving an option twice is a mistake.
#[derive(Default)]
pub(super) struct Options {
    pub(super) namespace: Option<LitStr>,
    pub(super) principal: Option<Type>,
    pub(super) concurrency: Option<Expr>,
    pub(super) connections: Option<Expr>,
}

const LIST: &str = "the options are `namespace = \"/chat\"`, `principal = User`, `concurrency = 4` and \
     `connections = PerUser::ReplaceOldest(1)`";

impl Options {
    /// Reads and checks the options.
    pub(super) fn read(tokens: TokenStream) -> syn::Result<Self> {
        let options = Self::parse.parse2(tokens)?;
        let mut mistakes = Mistakes::default();
        mistakes.keep(options.namespace.as_ref().map_or(Ok(()), check_namespace));
        mistakes.keep(options.concurrency.as_ref().map_or(Ok(()), check_concurrency));
        mistakes.done()?;
        Ok(options)
    }

    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut options = Self::default();
        while !input.is_empty() {
            options.option(input)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }

    fn option(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        if input.peek(LitStr) {
            let namespace: LitStr = input.parse()?;
            let place = namespace.span();
            return once(&mut self.namespace, namespace, place);
        }
        let name =
            input.call(Ident::parse_any).map_err(|other| syn::Error::new(other.span(), LIST))?;
        match &*name.to_string() {
            "namespace" => once(&mut self.namespace, namespace(input, &name)?, name.span()),
            "principal" => once(&mut self.principal, value(input, &name)?, name.span()),
            "concurrency" => once(&mut self.concurrency, value(input, &name)?, name.span()),
            "connections" => once(&mut self.connections, value(input, &name)?, name.span()),
            _ => Err(syn::Error::new(name.span(), format!("there is no option `{name}`; {LIST}"))),
        }
    }
}

fn once<T>(place: &mut Option<T>, value: T, span: Span) -> syn::Result<()> {
    let message = "this option was given already: remove one of the two";
    place.replace(value).map_or(Ok(()), |_first| Err(syn::Error::new(span, message)))
}

fn value<T: syn::parse::Parse>(input: ParseStream<'_>, name: &Ident) -> syn::Result<T> {
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(name.span(), format!("`{name}` needs a value; {LIST}")));
    }
    input.parse::<Token![=]>()?;
    input.parse()
}

fn namespace(input: ParseStream<'_>, name: &Ident) -> syn::Result<LitStr> {
    match value(input, name)? {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text),
        other => Err(syn::Error::new_spanned(other, "write the namespace as text: \"/chat\"")),
    }
}

/// Returns an error if the name breaks the rules of `doorward::server::BuildError::Namespace`.
fn check_namespace(literal: &LitStr) -> syn::Result<()> {
    let text = literal.value();
    let message = if !text.starts_with('/') {
        format!("a namespace begins with a slash: write \"/{text}\"")
    } else if text.contains(|char: char| matches!(char, ',' | '?') || char.is_control()) {
        "clients cannot ask for a namespace with a comma, a question mark or a control character"
            .to_owned()
    } else if text.len() > 255 {
        "clients cannot ask for a namespace of more than 255 bytes".to_owned()
    } else {
        return Ok(());
    };
    Err(syn::Error::new_spanned(literal, message))
}

/// Returns an error for a literal that is not a positive whole number. Other expressions, such as
/// constants, are checked when the server is built.
fn check_concurrency(value: &Expr) -> syn::Result<()> {
    let Expr::Lit(ExprLit { lit, .. }) = value else { return Ok(()) };
    // `base10_digits` also covers `0x0` and `0_u8`.
    let positive = matches!(lit, Lit::Int(number) if number.base10_digits() != "0");
    let message = "how many events of one client are handled at the same time: a whole number, 1 at \
                   least";
    if positive { Ok(()) } else { Err(syn::Error::new_spanned(value, message)) }
}

#[cfg(test)]
mod tests {
    use quote::{ToTokens, quote};

    use super::*;

    #[track_caller]
    fn refuses(tokens: TokenStream, why: &str) {
        let message =
            Options::read(tokens).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message.contains(why), "{message}");
    }

    #[test]
    fn every_option_may_be_left_out() {
        let options = Options::read(TokenStream::new()).unwrap();

        assert!(options.namespace.is_none() && options.principal.is_none());
        assert!(options.concurrency.is_none() && options.connections.is_none());
    }

    #[test]
    fn a_bare_text_is_the_namespace() {
        for tokens in [quote!("/chat"), quote!(namespace = "/chat",)] {
            assert_eq!(Options::read(tokens).unwrap().namespace.unwrap().value(), "/chat");
        }
    }

    #[test]
    fn options_have_any_order() {
        let tokens = quote!(concurrency = 4, principal = my::User<u8>, namespace = "/chat");
        let options = Options::read(tokens).unwrap();

        let principal = options.principal.unwrap().into_token_stream().to_string();
        assert_eq!(principal, "my :: User < u8 >");
        assert_eq!(options.concurrency.unwrap().into_token_stream().to_string(), "4");
    }

    #[test]
    fn an_unknown_option_is_answered_with_the_list_of_options() {
        refuses(quote!(nsp = "/chat"), "there is no option `nsp`; the options are");
        refuses(quote!(Chat), "there is no option `Chat`; the options are");
        refuses(quote!(4), "the options are");
        refuses(quote!(principal), "`principal` needs a value; the options are");
        refuses(quote!("/a", namespace = "/b"), "given already");
    }

    #[test]
    fn an_unreachable_namespace_is_refused() {
        refuses(quote!("chat"), "write \"/chat\"");
        refuses(quote!(""), "write \"/\"");
        refuses(quote!("/a,b"), "a comma");
        refuses(quote!(namespace = CHAT), "as text");
    }

    #[test]
    fn a_concurrency_of_zero_is_refused() {
        refuses(quote!(concurrency = 0), "1 at least");
        refuses(quote!(concurrency = "four"), "1 at least");
        assert!(Options::read(quote!(concurrency = LANES)).is_ok());
    }
}
