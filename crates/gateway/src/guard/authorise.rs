//! Asks guards: the only file that knows what counts as a yes.
//!
//! All must allow, one after the other, each in its time. A panic, a guard that hangs and an answer
//! that this version does not know are a no.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use doorward_core::{BoxFuture, Guard, GuardContext, Refusal, RefusalReason, Verdict};

use crate::{
    presence::services::Services,
    runtime::catch::{Caught, Panicked, catch},
};

/// Somebody said no.
pub(crate) struct Denial {
    pub(crate) refusal: Refusal,
    /// The socket is to end.
    pub(crate) close: bool,
}

impl Denial {
    /// Says of a plain no that it was the policy of a room.
    pub(crate) fn for_room(self) -> Self {
        if self.refusal.reason() == RefusalReason::GuardDenied {
            Self { refusal: self.refusal.because(RefusalReason::RoomDenied), ..self }
        } else {
            self
        }
    }
}

/// A [`Guard`] whose type is forgotten.
pub(crate) trait AnyGuard<P>: Send + Sync {
    /// Whether it always answers at once.
    fn is_at_once(&self) -> bool;
    /// Answers at once; `None` when it wants to wait.
    fn check_at_once(&self, context: GuardContext<'_, P>) -> Option<Verdict>;
    fn check<'a>(&'a self, context: GuardContext<'a, P>) -> BoxFuture<'a, Verdict>;
    fn name(&self) -> String;
}

/// Guards in the order in which they are asked.
pub(crate) type Guards<P> = Arc<[Arc<dyn AnyGuard<P>>]>;

impl<P: Sync + 'static, G: Guard<P>> AnyGuard<P> for G {
    fn is_at_once(&self) -> bool {
        G::AT_ONCE
    }

    fn check_at_once(&self, context: GuardContext<'_, P>) -> Option<Verdict> {
        let mut cx = Context::from_waker(Waker::noop());
        match std::pin::pin!(Guard::check(self, context)).poll(&mut cx) {
            Poll::Ready(verdict) => Some(verdict),
            Poll::Pending => None,
        }
    }

    fn check<'a>(&'a self, context: GuardContext<'a, P>) -> BoxFuture<'a, Verdict> {
        Box::pin(Guard::check(self, context))
    }

    fn name(&self) -> String {
        Guard::name(self).into_owned()
    }
}

/// Asks every guard about one action; the first no counts.
pub(crate) async fn authorise<P>(
    guards: &[Arc<dyn AnyGuard<P>>],
    context: GuardContext<'_, P>,
    services: &Services,
) -> Result<(), Denial> {
    for guard in guards {
        if guard.is_at_once() {
            ask_at_once(&**guard, context)?;
            continue;
        }
        let checked = Caught::new(async { guard.check(context).await });
        judge(services.within(services.limits.guard_timeout, checked).await)?;
    }
    Ok(())
}

/// Asks guards that all answer at once.
pub(crate) fn authorise_at_once<P>(
    guards: &[Arc<dyn AnyGuard<P>>],
    context: GuardContext<'_, P>,
) -> Result<(), Denial> {
    guards.iter().try_for_each(|guard| ask_at_once(&**guard, context))
}

fn ask_at_once<P>(guard: &dyn AnyGuard<P>, context: GuardContext<'_, P>) -> Result<(), Denial> {
    match catch(|| guard.check_at_once(context)) {
        // It has promised not to, so nobody is there to wait for it.
        Ok(None) => judge::<Panicked>(None),
        Ok(Some(verdict)) => judge::<Panicked>(Some(Ok(verdict))),
        Err(panicked) => judge(Some(Err(panicked))),
    }
}

/// Turns what became of a question into a yes or a no.
pub(crate) fn judge<E>(answer: Option<Result<Verdict, E>>) -> Result<(), Denial> {
    let failed = |reason| Refusal::forbidden().because(reason);
    match answer {
        Some(Ok(Verdict::Allow)) => Ok(()),
        Some(Ok(Verdict::Deny(refusal))) => Err(Denial { refusal, close: false }),
        Some(Ok(Verdict::DenyAndClose(refusal))) => Err(Denial { refusal, close: true }),
        Some(Ok(_)) => Err(Denial { refusal: Refusal::forbidden(), close: false }),
        Some(Err(_)) => Err(Denial { refusal: failed(RefusalReason::Panicked), close: false }),
        None => Err(Denial { refusal: failed(RefusalReason::GuardTimeout), close: false }),
    }
}
