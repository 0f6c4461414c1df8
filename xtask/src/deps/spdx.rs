//! Decides whether a licence expression can be satisfied with the allowed licences.
//!
//! Understands `AND`, `OR`, `WITH`, parentheses and the old form `MIT/Apache-2.0`. `AND` binds more
//! tightly than `OR`. What it does not understand is not allowed.

use std::{collections::BTreeSet, iter::Peekable, vec::IntoIter};

/// Whether somebody who accepts only the licences in `allowed` may use a crate under `expression`.
pub(super) fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let mut parser = Parser { tokens: tokens(expression).into_iter().peekable(), allowed };
    parser.either() == Some(true) && parser.tokens.next().is_none()
}

fn tokens(expression: &str) -> Vec<String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    spaced.split_whitespace().map(str::to_owned).collect()
}

/// Each method consumes one part of the grammar; `None` means that it was not there.
struct Parser<'a> {
    tokens: Peekable<IntoIter<String>>,
    allowed: &'a BTreeSet<String>,
}

impl Parser<'_> {
    fn either(&mut self) -> Option<bool> {
        let mut satisfied = self.both()?;
        while self.skip("OR") {
            satisfied |= self.both()?;
        }
        Some(satisfied)
    }

    fn both(&mut self) -> Option<bool> {
        let mut satisfied = self.one()?;
        while self.skip("AND") {
            satisfied &= self.one()?;
        }
        Some(satisfied)
    }

    fn one(&mut self) -> Option<bool> {
        if self.skip("(") {
            let inner = self.either()?;
            return self.skip(")").then_some(inner);
        }
        let mut licence = self.tokens.next_if(|token| !is_word_of_grammar(token))?;
        if self.skip("WITH") {
            licence.push_str(" WITH ");
            licence.push_str(&self.tokens.next_if(|token| !is_word_of_grammar(token))?);
        }
        Some(self.allowed.contains(&licence))
    }

    fn skip(&mut self, token: &str) -> bool {
        self.tokens.next_if(|next| next == token).is_some()
    }
}

fn is_word_of_grammar(token: &str) -> bool {
    matches!(token, "AND" | "OR" | "WITH" | "(" | ")")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(expression: &str) -> bool {
        let licences = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "ISC"];
        is_allowed(expression, &licences.map(str::to_owned).into())
    }

    #[test]
    fn one_good_choice_is_enough() {
        assert!(allowed("MIT OR GPL-3.0"));
        assert!(allowed("GPL-3.0/MIT"));
        assert!(!allowed("GPL-3.0 OR AGPL-3.0"));
    }

    #[test]
    fn every_condition_counts() {
        assert!(allowed("MIT AND ISC"));
        assert!(!allowed("MIT AND GPL-3.0"));
        assert!(allowed("ISC AND (GPL-3.0 OR Apache-2.0)"));
    }

    #[test]
    fn and_binds_more_tightly_than_or() {
        assert!(allowed("MIT OR ISC AND GPL-3.0"));
        assert!(!allowed("(MIT OR ISC) AND GPL-3.0"));
    }

    #[test]
    fn an_exception_belongs_to_its_licence() {
        assert!(allowed("Apache-2.0 WITH LLVM-exception OR GPL-3.0"));
        assert!(!allowed("MIT WITH LLVM-exception"));
    }

    #[test]
    fn what_is_not_understood_is_not_allowed() {
        for expression in ["", "OR", "MIT OR", "(MIT", "MIT)", "MIT MIT", "MIT WITH", "AND MIT"] {
            assert!(!allowed(expression), "{expression:?}");
        }
    }
}
