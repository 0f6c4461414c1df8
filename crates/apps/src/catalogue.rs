//! Lists the applications that a server can mount: [`ALL`].

use crate::{application::Application, chat::ChatApplication, mole::MoleApplication};

/// The chat.
pub const CHAT: &dyn Application = &ChatApplication;

/// Whack-a-mole.
pub const WHACK_A_MOLE: &dyn Application = &MoleApplication;

/// Every application, by name.
pub const ALL: [&dyn Application; 2] = [CHAT, WHACK_A_MOLE];
