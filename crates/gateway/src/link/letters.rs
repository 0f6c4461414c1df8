//! Does what the rest of the server asks of a link.

use std::time::Instant;

use doorward_core::{DisconnectReason, SocketId};

use super::{Letter, LinkTask, Occupant, Transport};

impl<S: Transport> LinkTask<S> {
    /// Does what others have asked for.
    pub(super) fn read_letters(&mut self, now: Instant) {
        if !self.handle.has_letters() {
            return;
        }
        for letter in self.handle.take() {
            if self.closing.is_some() {
                return;
            }
            match letter {
                Letter::Emit { socket, frame, .. } => {
                    let limit = self.services.limits.outbox;
                    let found = self.occupants.iter_mut().flatten().find(|other| other.is(socket));
                    let fits = match found {
                        Some(Occupant::Deciding(deciding)) => deciding.keep(frame, limit),
                        Some(Occupant::Live(_)) => {
                            self.outbox.push(&frame);
                            true
                        }
                        None => true,
                    };
                    if !fits {
                        self.end_link(DisconnectReason::SlowConsumer, now);
                    }
                }
                Letter::End { socket, reason } => {
                    match self.occupants.iter_mut().flatten().find(|other| other.is(socket)) {
                        Some(Occupant::Live(live)) => {
                            let slot = live.slot;
                            self.end_socket(slot, reason, now);
                        }
                        // It is ended as soon as there is something to end.
                        Some(Occupant::Deciding(deciding)) => deciding.ended = Some(reason),
                        None => {}
                    }
                }
                Letter::EndLink { reason } => self.end_link(reason, now),
            }
        }
    }
}

impl Occupant {
    fn is(&self, socket: SocketId) -> bool {
        match self {
            Self::Deciding(deciding) => deciding.socket == socket,
            Self::Live(live) => live.id == socket,
        }
    }
}
