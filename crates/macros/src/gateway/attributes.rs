//! Removes the attributes of Doorward from an item and classifies them.
//!
//! Other attributes stay in place. An attribute belongs to Doorward if its path is one of the known
//! names, alone or after the name of the crate. Start reading at [`take`].

use std::mem;

use syn::{Attribute, LitStr, Path};

use super::{layer::Kind, role::Role};

/// Attributes of Doorward on one item, in source order.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) roles: Vec<(Role, Attribute)>,
    pub(super) layers: Vec<(Kind, Attribute)>,
}

/// Removes the attributes of Doorward from `attributes` and returns them.
pub(super) fn take(attributes: &mut Vec<Attribute>) -> Taken {
    let mut taken = Taken::default();
    for attribute in mem::take(attributes) {
        let name = our_name(attribute.path());
        if let Some(role) = name.as_deref().and_then(Role::named) {
            taken.roles.push((role, attribute));
        } else if let Some(kind) = name.as_deref().and_then(Kind::named) {
            taken.layers.push((kind, attribute));
        } else {
            attributes.push(attribute);
        }
    }
    taken
}

/// Returns the conditions (`#[cfg]`) of an item. Code that is generated for the item gets the same
/// conditions.
pub(super) fn conditions(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect()
}

/// Returns the text argument of an attribute. If there is no such argument, the error is `help`.
pub(super) fn text(attribute: &Attribute, help: &str) -> syn::Result<LitStr> {
    attribute.parse_args().map_err(|_no_text| syn::Error::new_spanned(&attribute.meta, help))
}

/// Returns the last segment of the path of an attribute if the attribute may belong to Doorward,
/// and `None` otherwise. `guard`, `doorward::guard` and `::doorward::guard` may belong to it, but
/// `other::guard` does not.
fn our_name(path: &Path) -> Option<String> {
    let mut segments = path.segments.iter().rev().map(|segment| segment.ident.to_string());
    let name = segments.next()?;
    // Paths are compared as text, because a macro cannot resolve them.
    let ours = match segments.next() {
        Some(owner) => {
            matches!(&*owner, "doorward" | "doorward_macros") && segments.next().is_none()
        }
        None => true,
    };
    ours.then_some(name)
}

#[cfg(test)]
mod tests {
    use syn::{ItemFn, parse_quote};

    use super::*;

    #[test]
    fn our_attributes_are_removed_and_others_stay() {
        let mut item: ItemFn = parse_quote! {
            /// Documented.
            #[guard(A)]
            #[cfg(test)]
            #[::doorward::subscribe("say")]
            #[other::guard(B)]
            #[doorward::filter(C)]
            fn say() {}
        };

        let taken = take(&mut item.attrs);

        let roles: Vec<_> = taken.roles.iter().map(|(role, _)| *role).collect();
        assert_eq!(roles, [Role::Subscribe]);
        let layers: Vec<_> = taken.layers.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(layers, [Kind::Guard, Kind::Filter]);
        assert_eq!(item.attrs.len(), 3);
        assert_eq!(conditions(&item.attrs).len(), 1);
    }
}
