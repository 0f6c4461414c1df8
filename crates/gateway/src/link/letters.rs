//! Carries out the letters in the mailbox of a link, which are commands and packets from the rest
//! of the server.

use doorward_core::DisconnectReason;
use doorward_protocol::SlotId;

use crate::{
    link::{sockets::Occupant, state::LinkState, turn::Turn},
    presence::mailbox::{Letter, LinkHandle},
};

impl LinkState {
    /// Carries out all letters in the mailbox.
    pub(super) fn read_letters(&mut self, turn: &Turn<'_>) {
        if self.handle.has_letters() {
            let mut letters = self.handle.take();
            for letter in letters.drain(..) {
                self.read_letter(letter, turn);
            }
            LinkHandle::give_back(letters);
        }
    }

    /// Carries out the letters that were posted while a handler of the socket at `slot` ran.
    /// Returns `true` if one of them ends this socket with the reason `Forbidden`. The caller then
    /// ends the socket after the answer of the handler.
    pub(super) fn read_letters_of(&mut self, slot: SlotId, turn: &Turn<'_>) -> bool {
        let own = self.sockets.live(slot).map(|live| live.id);
        let mut is_forbidden = false;
        let mut letters = self.handle.take();
        for letter in letters.drain(..) {
            match letter {
                Letter::End { socket, reason: DisconnectReason::Forbidden, cut: false }
                    if Some(socket) == own =>
                {
                    is_forbidden = true;
                }
                letter => self.read_letter(letter, turn),
            }
        }
        LinkHandle::give_back(letters);
        is_forbidden
    }

    fn read_letter(&mut self, letter: Letter, turn: &Turn<'_>) {
        if self.closing.is_some() {
            return;
        }
        match letter {
            Letter::Emit { socket, frame, .. } => {
                let limit = self.services.limits.outbox;
                match self.sockets.find(socket) {
                    Some(Occupant::Live(live)) => self.outbox.push(live.owner, &frame),
                    Some(Occupant::Pending(pending)) => {
                        let fits = pending.keep(frame, limit);
                        if !fits {
                            self.end_link(DisconnectReason::SlowConsumer, turn);
                        }
                    }
                    None => {}
                }
            }
            Letter::End { socket, reason, cut } => {
                match self.sockets.find(socket) {
                    Some(Occupant::Live(live)) => {
                        let slot = live.slot;
                        if cut {
                            self.cut_socket(slot, reason, turn);
                        } else {
                            self.end_socket(slot, reason, turn);
                        }
                    }
                    // A socket that is replaced at the end of its admission already has a seat. It
                    // is admitted first, so that its client reads the reason of the end.
                    Some(Occupant::Pending(pending))
                        if cut && reason != DisconnectReason::Replaced =>
                    {
                        let slot = pending.slot;
                        self.cut_admission(slot, reason, turn);
                    }
                    // The socket ends as soon as it is admitted.
                    Some(Occupant::Pending(pending)) => {
                        pending.ended.get_or_insert(reason);
                    }
                    None => {}
                }
            }
            Letter::EndLink { reason } => self.end_link(reason, turn),
            Letter::Probe { alive } => self.probe(alive, turn),
        }
    }
}
