//! Resources that the server is built from.

use std::sync::Arc;

use doorward::{auth::KeyRing, session::Sessions};

use crate::{config::public_url::PublicUrl, data::stores::Stores};

/// Keys, session service, stores and public URL.
#[derive(Clone, Copy)]
pub(crate) struct Resources<'a> {
    pub(crate) keys: &'a Arc<KeyRing>,
    pub(crate) sessions: &'a Arc<Sessions>,
    pub(crate) stores: &'a Stores,
    pub(crate) public_url: &'a PublicUrl,
}
