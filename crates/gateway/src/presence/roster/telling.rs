//! Changes for the hooks of the application, in order for each user and place.

use doorward_core::lock;

use super::{Change, Roster};

impl Roster {
    /// Waits for a change. The next change of the same user follows after
    /// [`told`](Self::told). A user who has come and gone meanwhile is left out.
    pub(crate) async fn next_change(&self) -> Change {
        loop {
            if let Some(change) = self.take_change() {
                return change;
            }
            self.untold.notified().await;
        }
    }

    pub(super) fn take_change(&self) -> Option<Change> {
        let mut state = lock(&self.state);
        while let Some((place, user)) = state.untold.pop_front() {
            let entry = state.entry(&place, &user);
            let is_present = entry.is_present();
            if is_present != entry.was_told {
                entry.was_told = is_present;
                if !state.untold.is_empty() {
                    // Another task may take the next one.
                    self.untold.notify_one();
                }
                return Some(Change { place, user, is_present });
            }
            entry.is_untold = false;
            self.settle(&mut state, &place, &user);
        }
        None
    }

    /// Records that the application was told a change.
    pub(crate) fn told(&self, change: &Change) {
        let mut state = lock(&self.state);
        state.entry(&change.place, &change.user).is_untold = false;
        self.settle(&mut state, &change.place, &change.user);
    }
}
