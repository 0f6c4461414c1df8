//! Reads one Rust file: its modules, their definitions and imports, and every path in them.
//!
//! Paths come from the syntax tree, and from the tokens of macros, which have no tree. Code that only
//! tests compile (`#[cfg(test)]`, `#[cfg(doctest)]`) is left out. The result describes only this file;
//! `tree` joins the files.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use syn::{
    AttrStyle, Attribute, ImplItem, Item, ItemMacro, ItemMod, ItemUse, Macro, Meta, Path, Stmt,
    TraitItem, UseTree, Visibility,
    visit::{self, Visit},
};

use crate::tidy::syntax::{attributes, is_for_tests};

/// One module, as described by its own text.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// Names that are defined here, except modules, which are in `children`.
    pub(super) items: Vec<String>,
    /// Child modules by name. `None` stands for `mod name;`, whose text is in another file.
    pub(super) children: BTreeMap<String, Option<Self>>,
    pub(super) imports: Vec<Import>,
    /// Every other path in the text, single names included.
    pub(super) mentions: Vec<Mention>,
    /// Names of `#[macro_export]` macros, which belong to the root of the crate.
    pub(super) exported: Vec<String>,
}

/// One name of a `use` declaration.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) path: Vec<String>,
    /// Name in this module. `None` stands for `*`.
    pub(super) name: Option<String>,
    pub(super) line: usize,
    /// `true` for `pub use`, and for forms such as `pub(crate) use`.
    pub(super) reexport: bool,
}

/// One path in the text.
#[derive(Debug)]
pub(super) struct Mention {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
}

impl Module {
    /// Reads the text of a file.
    pub(super) fn read(text: &str) -> syn::Result<Self> {
        let file = syn::parse_file(text)?;
        let mut reader = Reader { module: Self::default() };
        reader.visit_file(&file);
        Ok(reader.module)
    }

    /// Returns `true` if the module only declares modules and re-exports names.
    pub(super) fn is_face(&self) -> bool {
        self.items.is_empty() && self.mentions.is_empty()
    }
}

struct Reader {
    module: Module,
}

impl Reader {
    fn name(&mut self, ident: &Ident) {
        self.module.items.push(ident.to_string());
    }

    fn import(&mut self, tree: &UseTree, prefix: &[String], reexport: bool) {
        let with = |ident: &Ident| {
            let mut path = prefix.to_vec();
            // `use a::{self}` names `a`.
            if path.is_empty() || ident != "self" {
                path.push(ident.to_string());
            }
            path
        };
        match tree {
            UseTree::Path(path) => self.import(&path.tree, &with(&path.ident), reexport),
            UseTree::Name(name) => {
                let path = with(&name.ident);
                let own = path.last().cloned();
                self.add_import(path, own, name.ident.span().start().line, reexport);
            }
            UseTree::Rename(rename) => {
                let own = Some(rename.rename.to_string());
                self.add_import(
                    with(&rename.ident),
                    own,
                    rename.ident.span().start().line,
                    reexport,
                );
            }
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                self.add_import(prefix.to_vec(), None, line, reexport);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, prefix, reexport);
                }
            }
        }
    }

    fn add_import(&mut self, path: Vec<String>, name: Option<String>, line: usize, reexport: bool) {
        self.module.imports.push(Import { path, name, line, reexport });
    }

    /// Reads everything that looks like a path in the tokens of a macro.
    fn tokens(&mut self, tokens: TokenStream, prefix: &[String]) {
        let mut tokens = tokens.into_iter().peekable();
        let mut path: Vec<String> = prefix.to_vec();
        let mut line = 0;
        let mut previous = ' ';
        while let Some(token) = tokens.next() {
            match token {
                // The name after a dot is a field or a method.
                TokenTree::Ident(_) if previous == '.' => previous = ' ',
                TokenTree::Ident(ident) => {
                    if previous != ':' {
                        path = prefix.to_vec();
                    }
                    path.push(ident.to_string());
                    line = ident.span().start().line;
                    previous = ' ';
                    let goes_on =
                        matches!(tokens.peek(), Some(TokenTree::Punct(p)) if p.as_char() == ':');
                    if !goes_on {
                        self.mention(std::mem::take(&mut path), line);
                    }
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => {
                    let double = punct.spacing() == proc_macro2::Spacing::Joint
                        && matches!(tokens.peek(), Some(TokenTree::Punct(p)) if p.as_char() == ':');
                    if double {
                        tokens.next();
                        previous = ':';
                        if !matches!(tokens.peek(), Some(TokenTree::Ident(_) | TokenTree::Group(_)))
                        {
                            // `Vec::<T>` or `crate::*`: the path ends here.
                            self.mention(std::mem::take(&mut path), line);
                            previous = ' ';
                        }
                    } else {
                        // This is a field: `name: value`.
                        path.clear();
                        previous = ' ';
                    }
                }
                TokenTree::Punct(punct) => previous = punct.as_char(),
                TokenTree::Group(group) => {
                    let is_use = previous == ':' && group.delimiter() == Delimiter::Brace;
                    let inside = if is_use { std::mem::take(&mut path) } else { Vec::new() };
                    self.tokens(group.stream(), &inside);
                    previous = ' ';
                }
                TokenTree::Literal(_) => previous = ' ',
            }
        }
    }

    fn mention(&mut self, path: Vec<String>, line: usize) {
        if !path.is_empty() {
            self.module.mentions.push(Mention { path, line });
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_for_tests(attributes(item)) {
            return;
        }
        match item {
            Item::Const(item) => self.name(&item.ident),
            Item::Enum(item) => self.name(&item.ident),
            Item::Fn(item) => self.name(&item.sig.ident),
            Item::Macro(ItemMacro { ident: Some(ident), attrs, .. }) => {
                if attrs.iter().any(|attribute| attribute.path().is_ident("macro_export")) {
                    self.module.exported.push(ident.to_string());
                }
                self.name(ident);
            }
            Item::Static(item) => self.name(&item.ident),
            Item::Struct(item) => self.name(&item.ident),
            Item::Trait(item) => self.name(&item.ident),
            Item::TraitAlias(item) => self.name(&item.ident),
            Item::Type(item) => self.name(&item.ident),
            Item::Union(item) => self.name(&item.ident),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        let inside = item.content.as_ref().map(|(_, items)| {
            let mut reader = Self { module: Module::default() };
            for item in items {
                reader.visit_item(item);
            }
            reader.module
        });
        self.module.children.insert(item.ident.to_string(), inside);
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let reexport = !matches!(item.vis, Visibility::Inherited);
        if item.leading_colon.is_none() {
            self.import(&item.tree, &[], reexport);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs[..],
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Macro(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            _ => &[],
        };
        if !is_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        let attributes = match item {
            TraitItem::Const(item) => &item.attrs[..],
            TraitItem::Fn(item) => &item.attrs,
            TraitItem::Type(item) => &item.attrs,
            _ => &[],
        };
        if !is_for_tests(attributes) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        let attributes = match statement {
            Stmt::Local(local) => &local.attrs[..],
            Stmt::Macro(invoked) => &invoked.attrs,
            _ => &[],
        };
        if !is_for_tests(attributes) {
            visit::visit_stmt(self, statement);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !is_for_tests(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        if !is_for_tests(&field.attrs) {
            visit::visit_field_value(self, field);
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() {
            let segments: Vec<_> = path.segments.iter().collect();
            let names = segments.iter().map(|segment| segment.ident.to_string()).collect();
            let line = segments.first().map_or(0, |first| first.ident.span().start().line);
            self.mention(names, line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invoked: &'ast Macro) {
        self.visit_path(&invoked.path);
        self.tokens(invoked.tokens.clone(), &[]);
    }

    /// Reads the tokens of an attribute. Skips attributes of a whole file, which only set lints, and doc comments.
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta
            && !attribute.path().is_ident("doc")
            && matches!(attribute.style, AttrStyle::Outer)
        {
            self.tokens(list.tokens.clone(), &[]);
        }
    }

    /// Skips a visibility: `pub(in path)` imports nothing from the path.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}
