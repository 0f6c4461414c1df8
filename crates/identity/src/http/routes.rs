//! What the routes act on.

use std::sync::Arc;

use doorward::Principals;

use crate::service::Service;

/// What the routes act on.
#[derive(Clone)]
pub(crate) struct Routes {
    pub(super) identity: Arc<Service>,
    pub(super) principals: Principals,
}
