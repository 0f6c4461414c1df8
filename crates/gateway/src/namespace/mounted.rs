//! Implements [`Namespace`] for [`Door`], so that links can use a namespace without the type of its
//! principal.

use std::{any::Any, borrow::Cow, sync::Arc};

use doorward_core::{BoxError, BoxFuture, short_type_name};
use doorward_protocol::Trust;

use crate::{
    admission::{admit::admit, door::Door},
    link::seam::{AdmitResult, Candidate, Namespace},
    room::hub::serving::RemoteHub,
};

impl<P: Send + Sync + 'static> Namespace for Door<P> {
    fn trust(&self) -> Trust {
        self.rules.trust
    }

    fn hub(&self) -> Box<dyn Any> {
        Box::new(self.hub.clone())
    }

    fn remote(&self) -> Box<dyn RemoteHub> {
        Box::new(self.hub.clone())
    }

    fn principal(&self) -> Cow<'static, str> {
        short_type_name::<P>()
    }

    fn admit(self: Arc<Self>, candidate: Candidate) -> BoxFuture<'static, AdmitResult> {
        Box::pin(admit(self, candidate))
    }

    fn init(&self) -> BoxFuture<'_, Result<(), BoxError>> {
        // The hooks run one after the other, in the order in which the gateways were mounted.
        Box::pin(async {
            for hook in self.rules.hooks.iter().filter_map(|hooks| hooks.init.as_ref()) {
                hook(self.hub.clone()).await?;
            }
            Ok(())
        })
    }
}
