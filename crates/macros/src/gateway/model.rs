//! Reads the declaration of a gateway from an impl block.
//!
//! [`read`] traverses the block once, removes the attributes of Doorward and collects every
//! mistake. It returns a gateway only if there are no mistakes, so the later steps cannot fail.

use std::collections::HashMap;

use proc_macro2::{Span, TokenStream};
use syn::{
    Attribute, Expr, Generics, ImplItem, ImplItemFn, ItemImpl, LitStr, Signature, parse_quote,
};

use super::{
    attributes::{self, Taken},
    handler::Handler,
    hook::Hook,
    layer::{Kind, Layer},
    method::Method,
    options::Options,
    principal::{self, Principal},
    role::{Moment, Role},
    room::Room,
};
use crate::mistakes::Mistakes;

/// Declaration of a gateway.
pub(super) struct Gateway {
    pub(super) namespace: LitStr,
    pub(super) principal: Principal,
    pub(super) concurrency: Option<Expr>,
    pub(super) connections: Option<Expr>,
    pub(super) layers: Vec<Layer>,
    pub(super) hooks: Vec<Hook>,
    pub(super) handlers: Vec<Handler>,
    pub(super) rooms: Vec<Room>,
}

/// Reads the block, and removes the attributes of Doorward from it. The error contains all
/// mistakes.
pub(super) fn read(options: TokenStream, block: &mut ItemImpl) -> syn::Result<Gateway> {
    let mut reader = Reader { generics: block.generics.clone(), ..Reader::default() };
    let options = reader.mistakes.keep(Options::read(options));
    let layers = reader.block_layers(attributes::take(&mut block.attrs));
    for item in &mut block.items {
        if let ImplItem::Fn(method) = item {
            reader.method(method);
        }
    }
    // Options that cannot be read may name the principal, so a missing principal is not reported.
    let readable = options.is_some();
    let Options { namespace, principal, concurrency, connections } = options.unwrap_or_default();
    let namespace = namespace.unwrap_or_else(|| LitStr::new("/", Span::call_site()));
    let principal = reader.mistakes.keep(principal::find(principal, &reader.signatures));
    if readable && matches!(principal, Some(Principal::Any)) {
        reader.check_any_principal(&layers);
    }
    let Reader { mistakes, hooks, handlers, rooms, .. } = reader;
    mistakes.done()?;
    // If there are no mistakes there is a principal, so the default is never used.
    let principal = principal.unwrap_or(Principal::Any);
    Ok(Gateway { namespace, principal, concurrency, connections, layers, hooks, handlers, rooms })
}

/// Parts of the block that were read so far.
#[derive(Default)]
struct Reader {
    /// Generic parameters of the block.
    generics: Generics,
    mistakes: Mistakes,
    /// Signatures that may name the principal.
    signatures: Vec<Signature>,
    /// Roles that only one method may have, each with the name of its event. The name is empty for
    /// hooks. The value is `true` if the method has a `#[cfg]`.
    seen: HashMap<(Role, String), bool>,
    hooks: Vec<Hook>,
    handlers: Vec<Handler>,
    rooms: Vec<Room>,
}

impl Reader {
    fn block_layers(&mut self, taken: Taken) -> Vec<Layer> {
        for (role, attribute) in &taken.roles {
            let message = format!("`#[{}]` goes on a method, inside the block", role.name());
            self.mistakes.at(attribute, message);
        }
        self.layers(taken.layers)
    }

    fn layers(&mut self, written: Vec<(Kind, Attribute)>) -> Vec<Layer> {
        let read = written.into_iter().map(|(kind, attribute)| Layer::read(kind, attribute));
        read.filter_map(|layer| self.mistakes.keep(layer)).collect()
    }

    fn method(&mut self, item: &mut ImplItemFn) {
        let Taken { roles, layers } = attributes::take(&mut item.attrs);
        let role = roles.first().map(|(role, _)| *role);
        if role != Some(Role::Subscribe) {
            for (kind, attribute) in &layers {
                self.mistakes.at(attribute, kind.on_no_handler());
            }
        }
        let Some(role) = role else { return };
        self.signatures.push(item.sig.clone());
        let written = self.of_one_role(role, roles);
        let layers = self.layers(layers);
        if let Some(method) = self.mistakes.keep(Method::read(item)) {
            self.part(role, &written, layers, method);
        }
        // The attribute is inserted in front, so that lint attributes of the application take
        // precedence.
        item.attrs.insert(0, lints());
    }

    /// Returns the attributes that give a method its role. These are one or more `#[subscribe]`, or
    /// one attribute of another role. All further attributes are reported as mistakes.
    fn of_one_role(&mut self, role: Role, roles: Vec<(Role, Attribute)>) -> Vec<Attribute> {
        let mut written = Vec::new();
        for (other, attribute) in roles {
            // Several `#[subscribe]` are allowed, because one method may handle several events.
            if other == role && (written.is_empty() || role == Role::Subscribe) {
                written.push(attribute);
            } else {
                let message = format!(
                    "this method has `#[{}]` already, and a method is one thing: write two methods",
                    role.name()
                );
                self.mistakes.at(attribute, message);
            }
        }
        written
    }

    fn part(&mut self, role: Role, written: &[Attribute], layers: Vec<Layer>, method: Method) {
        match (role, written) {
            (Role::Subscribe, events) => self.handler(events, layers, method),
            (Role::Hook(moment), [attribute, ..]) => self.hook(moment, attribute, method),
            (Role::Room, [attribute, ..]) => self.room(attribute, method),
            (_, []) => {}
        }
    }

    fn handler(&mut self, events: &[Attribute], layers: Vec<Layer>, method: Method) {
        let read = Handler::read(events, layers, method, &self.generics);
        let Some(handler) = self.mistakes.keep(read) else { return };
        for event in &handler.events {
            if !self.is_first(Role::Subscribe, event.value(), &handler.method) {
                let message =
                    format!("two handlers for one event: `{}` has one already", event.value());
                self.mistakes.at(event, message);
            }
        }
        self.handlers.push(handler);
    }

    fn hook(&mut self, moment: Moment, attribute: &Attribute, method: Method) {
        if !self.is_first(Role::Hook(moment), String::new(), &method) {
            let message = format!(
                "this gateway has an `#[{}]` already: call one method from the other",
                moment.name()
            );
            self.mistakes.at(attribute, message);
        }
        if let Some(hook) = self.mistakes.keep(Hook::read(moment, attribute, method)) {
            self.hooks.push(hook);
        }
    }

    fn room(&mut self, attribute: &Attribute, method: Method) {
        let room = self.mistakes.keep(Room::read(attribute, method));
        self.rooms.extend(room);
    }

    /// Returns `true` if the method may have the role for the event `name`, which is empty for
    /// hooks. Two methods with a `#[cfg]` may share a role and a name, because their conditions may
    /// exclude each other.
    fn is_first(&mut self, role: Role, name: String, method: &Method) -> bool {
        let conditional = !method.conditions.is_empty();
        let before = self.seen.insert((role, name), conditional);
        before.is_none_or(|before| before && conditional)
    }

    /// Reports parts that a gateway for any principal cannot have.
    fn check_any_principal(&mut self, layers: &[Layer]) {
        let own = self.handlers.iter().flat_map(|handler| &handler.layers);
        for layer in layers.iter().chain(own) {
            self.mistakes.at(&layer.attribute, layer.kind.needs_principal());
        }
        for room in &self.rooms {
            let message = "a room's policy must know whom it lets in: write \
                           `#[gateway(principal = User)]`";
            self.mistakes.at(&room.literal, message);
        }
        let conditional = self.handlers.iter().map(|handler| &handler.method).filter(|method| {
            // A bound cannot have a condition.
            !method.conditions.is_empty() && !method.arguments.is_empty()
        });
        for method in conditional {
            let message = "what this handler takes depends on a `#[cfg]`, so the principal must be \
                           known: write `#[gateway(principal = User)]`";
            self.mistakes.at(&method.name, message);
        }
    }
}

/// Returns an attribute that silences `clippy::unused_async`, because methods with a role must be
/// async even if they await nothing.
fn lints() -> Attribute {
    parse_quote!(#[allow(clippy::unused_async)])
}
