//! Seals traits that applications use but must not implement.

/// Type that only this crate can name. So only this crate can implement a trait that has a constant
/// of this type.
#[derive(Clone, Copy, Debug)]
#[expect(unnameable_types, reason = "no other crate can then have a value of it")]
pub struct Sealed;
