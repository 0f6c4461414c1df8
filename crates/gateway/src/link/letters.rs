//! Does what the rest of the server asks of a link.

use std::time::Instant;

use doorward_core::{DisconnectReason, SocketId};
use doorward_protocol::SlotId;

use crate::{
    link::task::{LinkTask, Occupant},
    presence::mailbox::{Letter, LinkHandle},
    transport::stream::Transport,
};

impl<S: Transport> LinkTask<S> {
    /// Does what others have asked for.
    pub(super) fn read_letters(&mut self, now: Instant) {
        if self.handle.has_letters() {
            let mut letters = self.handle.take();
            for letter in letters.drain(..) {
                self.read_letter(letter, now);
            }
            LinkHandle::give_back(letters);
        }
    }

    /// Does what others have asked for while a handler of this socket ran. When a guard wants the
    /// socket to end, that waits for the handler's answer, and `true` is returned.
    pub(super) fn read_letters_of(&mut self, slot: SlotId, now: Instant) -> bool {
        let own = self.live(slot).map(|live| live.id);
        let mut is_forbidden = false;
        let mut letters = self.handle.take();
        for letter in letters.drain(..) {
            match letter {
                Letter::End { socket, reason: DisconnectReason::Forbidden, cut: false }
                    if Some(socket) == own =>
                {
                    is_forbidden = true;
                }
                letter => self.read_letter(letter, now),
            }
        }
        LinkHandle::give_back(letters);
        is_forbidden
    }

    fn read_letter(&mut self, letter: Letter, now: Instant) {
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
            Letter::End { socket, reason, cut } => {
                match self.occupants.iter_mut().flatten().find(|other| other.is(socket)) {
                    Some(Occupant::Live(live)) => {
                        let slot = live.slot;
                        if cut {
                            self.cut_socket(slot, reason, now);
                        } else {
                            self.end_socket(slot, reason, now);
                        }
                    }
                    // Who has lost a seat was in, and is told why they are not any more.
                    Some(Occupant::Deciding(deciding))
                        if cut && reason != DisconnectReason::Replaced =>
                    {
                        let slot = deciding.slot();
                        self.cut_admission(slot, reason, now);
                    }
                    // It is ended as soon as there is something to end.
                    Some(Occupant::Deciding(deciding)) => {
                        deciding.ended.get_or_insert(reason);
                    }
                    None => {}
                }
            }
            Letter::EndLink { reason } => self.end_link(reason, now),
            Letter::Probe { alive } => self.probe(alive, now),
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
