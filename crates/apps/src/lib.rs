//! The applications of the ready Doorward server: a chat and whack-a-mole.
//!
//! Both are written with the public API of `doorward` alone, as an application of yours would be. Each implements
//! [`Application`], which tells the server its name, its tables and its gateway; [`ALL`] lists them, and
//! [`Database`] keeps their rows in one SQLite file. [`Bots`] are clients of both, for demonstration and for load.
//!
//! The crate knows neither accounts nor settings: the server passes both in as [`Services`].
//! Start reading at [`Application`].

mod application;
mod bots;
mod catalogue;
mod chat;
mod database;
mod mole;
mod storage;
#[cfg(test)]
mod testing;

pub use application::{Application, Directory, NamedUser, Person, Services};
pub use bots::{BotError, Bots, ChatLoad, GameLoad};
pub use catalogue::{ALL, CHAT, WHACK_A_MOLE};
pub use database::Database;
