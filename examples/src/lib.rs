//! Compiles the Rust programs of the documents as doc tests.
//!
//! The documents are outside of every published crate, and a package cannot include files from outside of its
//! folder. This crate is never published. The examples are its example targets:
//! `cargo run -p doorward-examples --example echo`.

#![cfg(doctest)]

#[doc = include_str!("../../README.md")]
struct Readme;

#[doc = include_str!("../../docs/bridge.md")]
struct Bridge;

#[doc = include_str!("../../docs/cluster.md")]
struct Cluster;

#[doc = include_str!("../../docs/from-nestjs.md")]
struct FromNestJs;

#[doc = include_str!("../../docs/identity.md")]
struct Identity;

#[doc = include_str!("../../docs/input.md")]
struct Input;

#[doc = include_str!("../../docs/issuers.md")]
struct Issuers;

#[doc = include_str!("../../docs/migration.md")]
struct Migration;

#[doc = include_str!("../../docs/routes.md")]
struct Routes;

#[doc = include_str!("../../docs/testing.md")]
struct Testing;

#[doc = include_str!("../../crates/auth/README.md")]
struct AuthCrate;

#[doc = include_str!("../../crates/core/README.md")]
struct CoreCrate;

#[doc = include_str!("../../crates/gateway/README.md")]
struct GatewayCrate;

#[doc = include_str!("../../crates/identity/README.md")]
struct IdentityCrate;

#[doc = include_str!("../../crates/macros/README.md")]
struct MacrosCrate;

#[doc = include_str!("../../crates/protocol/README.md")]
struct ProtocolCrate;

#[doc = include_str!("../../crates/redis/README.md")]
struct RedisCrate;

#[doc = include_str!("../../crates/sql/README.md")]
struct SqlCrate;
