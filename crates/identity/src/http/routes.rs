//! State that all routes share.

use std::sync::Arc;

use doorward::Principals;

use crate::service::Service;

/// State that all routes share.
#[derive(Clone)]
pub(crate) struct Routes {
    pub(super) identity: Arc<Service>,
    pub(super) principals: Principals,
}
