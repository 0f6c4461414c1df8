//! Lists the applications that the server can mount ([`ALL`]).

use crate::{application::Application, chat::ChatApplication, mole::MoleApplication};

/// The chat, with the name `chat`.
pub const CHAT: &dyn Application = &ChatApplication;

/// The game whack-a-mole, with the name `whack-a-mole`.
pub const WHACK_A_MOLE: &dyn Application = &MoleApplication;

/// All applications, sorted by name.
pub const ALL: [&dyn Application; 2] = [CHAT, WHACK_A_MOLE];
