//! State of the routes.

use std::sync::Arc;

use doorward::Principals;

use crate::service::Service;

/// State of the routes.
#[derive(Clone)]
pub(crate) struct Routes {
    pub(super) identity: Arc<Service>,
    pub(super) principals: Principals,
}
