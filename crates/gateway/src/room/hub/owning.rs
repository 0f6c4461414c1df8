//! Names that one node of a cluster owns.

use std::sync::Arc;

use doorward_core::StoreError;

use crate::{cluster::ownership::Owner, room::hub::Hub};

impl<P> Hub<P> {
    /// Makes this node the owner of a name, unless another node of the cluster owns it, and returns the owner.
    ///
    /// Use it for what exactly one node must do, such as to run a game or to send a daily mail. The name belongs to
    /// this namespace. The server extends the ownership while the program holds the [`Ownership`], and gives the
    /// name back afterwards. If the owner dies, another node can own the name within ten seconds: call this method
    /// again to try. If the owner shuts down in order, the name is free within three seconds. A server that is the
    /// only node owns every name.
    ///
    /// Before each step that only the owner may take, call [`Ownership::is_current`].
    ///
    /// [`Ownership`]: crate::cluster::Ownership
    /// [`Ownership::is_current`]: crate::cluster::Ownership::is_current
    ///
    /// # Errors
    /// - [`StoreError::Unavailable`] if the cluster does not answer within 2 s, if this node is not a member of it or
    ///   shuts down, or if the server is not built yet. A node that has restarted under the same name
    ///   cannot own the names of its earlier run for up to ten seconds. In the first ten seconds after the cluster has lost its
    ///   data, no name is given away.
    /// - [`StoreError::Full`] if this node owns 10,000 names in this namespace, or in the namespaces of its pattern.
    ///
    /// # Cancel safety
    /// If the future is dropped, this node may own the name for up to ten seconds.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use doorward::{cluster::Owner, prelude::*};
    ///
    /// /// Counts down on one node, for the clients of all nodes.
    /// async fn count_down(hub: Hub<Claims>) -> Result<(), BoxError> {
    ///     let Owner::Here(ownership) = hub.own("countdown").await? else { return Ok(()) };
    ///     for left in (0..10).rev() {
    ///         if !ownership.is_current() {
    ///             break;
    ///         }
    ///         hub.emit("left", left)?;
    ///         tokio::time::sleep(Duration::from_secs(1)).await;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub async fn own(&self, name: &str) -> Result<Owner, StoreError> {
        if !self.is_mounted() {
            return Err(StoreError::Unavailable("the server is not built yet".into()));
        }
        let shared = &self.mounted().shared;
        // The name of a namespace contains no comma.
        let key = Arc::from(format!("{},{name}", self.namespace()));
        shared.ownerships.own(&shared.services, &key).await
    }
}
