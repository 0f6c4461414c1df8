//! Finds people by the name or the id that others write.
//!
//! The two are asked for apart: the subject of a token may be any text, also the user name of an account.

use std::sync::Arc;

use doorward::{BoxError, Hub, UserId};
use doorward_core::{Account, AccountStore};
use doorward_identity::{Username, shown_name};

use super::store::Person;
use crate::known::Known;

pub(super) struct Directory(pub(super) Arc<dyn AccountStore>);

impl Directory {
    /// Finds the account with this user name.
    pub(super) async fn named(&self, name: &str) -> Result<Option<Person>, BoxError> {
        let Ok(username) = name.parse::<Username>() else { return Ok(None) };
        match self.0.account_named(username.key()).await? {
            Some(account) => self.person(&account).await.map(Some),
            None => Ok(None),
        }
    }

    /// Finds the account with this id, or the user without an account who is connected and has it.
    pub(super) async fn with_id(
        &self,
        id: &UserId,
        hub: &Hub<Known>,
    ) -> Result<Option<Person>, BoxError> {
        if let Some(account) = self.0.account(id).await? {
            return self.person(&account).await.map(Some);
        }
        let connected = hub.to(id.clone()).fetch_sockets();
        let person = |one: &doorward::Connection<Known>| Person {
            id: id.clone(),
            name: one.principal().name.clone(),
        };
        Ok(connected.first().map(person))
    }

    async fn person(&self, account: &Account) -> Result<Person, BoxError> {
        let name = shown_name(&*self.0, account).await?;
        Ok(Person { id: account.id.clone(), name })
    }
}
