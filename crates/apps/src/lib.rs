//! The applications of the ready-made Doorward server: a chat and whack-a-mole.
//!
//! Both use only the public API of `doorward`, as your own applications do. Each implements [`Application`], which
//! gives the server its name, its tables and its gateway. [`ALL`] lists the applications, and [`Database`] keeps
//! their data in one SQLite file or in PostgreSQL. [`Bots`] are clients of both applications, for demonstrations and load tests.
//!
//! The crate does not depend on accounts or settings. The server passes what an application needs of both as
//! [`Services`]. Start reading at [`Application`].

mod application;
mod bots;
mod catalogue;
mod chat;
mod database;
mod lock;
mod mole;
mod sql;
mod storage;
#[cfg(test)]
mod testing;

pub use application::{Application, Directory, NamedUser, Person, Services};
pub use bots::{BotError, Bots, ChatLoad, GameLoad};
pub use catalogue::{ALL, CHAT, WHACK_A_MOLE};
pub use database::Database;
pub use sql::{Connection, Migrations, SqlDatabase};
