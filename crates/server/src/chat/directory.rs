//! Finds people by the name that others write.

use std::sync::Arc;

use doorward::{BoxError, Hub, UserId};
use doorward_core::AccountStore;
use doorward_identity::{Username, shown_name};

use crate::known::Known;

pub(super) struct Directory(pub(super) Arc<dyn AccountStore>);

impl Directory {
    /// Somebody who has an account, or who is connected with a token of the operator's: their id, and what
    /// they are called.
    pub(super) async fn find(
        &self,
        name: &str,
        hub: &Hub<Known>,
    ) -> Result<Option<(UserId, Box<str>)>, BoxError> {
        if let Ok(username) = name.parse::<Username>()
            && let Some(account) = self.0.account_named(username.key()).await?
        {
            let name = shown_name(&*self.0, &account).await?;
            return Ok(Some((account.id, name)));
        }
        let connected = hub.to(UserId::new(name)).fetch_sockets();
        Ok(connected.first().map(|one| (one.user().clone(), one.principal().name.clone())))
    }
}
