//! Calls guards. Only this file decides which verdicts allow an action.
//!
//! Every guard must allow the action. Guards are called in order, each with its own time limit. A
//! panic, a timeout or an unknown verdict denies the action.

use std::sync::Arc;

use doorward_core::{BoxFuture, Guard, GuardContext, Refusal, RefusalReason, Verdict};
use futures_util::FutureExt as _;

use crate::{
    presence::services::Services,
    runtime::catch::{Caught, catch},
};

/// Denial of an action by a guard or a room policy.
pub(crate) struct Denial {
    pub(crate) refusal: Refusal,
    /// `true` if the socket must be ended.
    pub(crate) close: bool,
}

impl Denial {
    /// Changes the reason of a plain denial to [`RefusalReason::RoomDenied`], because a room policy
    /// denied the action. A timeout or a panic keeps its own reason.
    pub(crate) fn for_room(self) -> Self {
        if self.refusal.reason() == RefusalReason::GuardDenied {
            Self { refusal: self.refusal.because(RefusalReason::RoomDenied), ..self }
        } else {
            self
        }
    }
}

/// A [`Guard`] whose type is erased.
///
/// The future of `check` is boxed, once for each guard and event. Guards with [`Guard::AT_ONCE`]
/// are polled on the stack instead. Most guards are of this kind, because they only look at the
/// principal.
pub(crate) trait AnyGuard<P>: Send + Sync {
    /// Returns [`Guard::AT_ONCE`], which is `true` if the guard never waits.
    fn is_at_once(&self) -> bool;
    /// Polls the guard once. Returns `None` if it is not ready.
    fn check_at_once(&self, context: GuardContext<'_, P>) -> Option<Verdict>;
    fn check<'a>(&'a self, context: GuardContext<'a, P>) -> BoxFuture<'a, Verdict>;
    fn name(&self) -> String;
}

/// Guards in the order in which they are called.
pub(crate) type Guards<P> = Arc<[Arc<dyn AnyGuard<P>>]>;

impl<P: Sync + 'static, G: Guard<P>> AnyGuard<P> for G {
    fn is_at_once(&self) -> bool {
        G::AT_ONCE
    }

    fn check_at_once(&self, context: GuardContext<'_, P>) -> Option<Verdict> {
        Guard::check(self, context).now_or_never()
    }

    fn check<'a>(&'a self, context: GuardContext<'a, P>) -> BoxFuture<'a, Verdict> {
        Box::pin(Guard::check(self, context))
    }

    fn name(&self) -> String {
        Guard::name(self).into_owned()
    }
}

/// Calls the guards for one action, in order, until a guard denies it.
///
/// The time limit for each guard is [`Limits::guard_timeout`](crate::Limits::guard_timeout). On
/// timeout the guard is dropped and the action is denied.
///
/// # Errors
/// Returns the first denial.
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
        // `check` is called in an async block, because it may panic before it returns its future.
        let checked = Caught::new(async { guard.check(context).await });
        verdict_of(services.within(services.limits.guard_timeout, checked).await)?;
    }
    Ok(())
}

/// Calls guards that are all [`Guard::AT_ONCE`], in order, until a guard denies the action.
///
/// # Errors
/// Returns the first denial.
pub(crate) fn authorise_at_once<P>(
    guards: &[Arc<dyn AnyGuard<P>>],
    context: GuardContext<'_, P>,
) -> Result<(), Denial> {
    guards.iter().try_for_each(|guard| ask_at_once(&**guard, context))
}

fn ask_at_once<P>(guard: &dyn AnyGuard<P>, context: GuardContext<'_, P>) -> Result<(), Denial> {
    // Without a verdict the guard waits although it has promised not to. No task would poll it again.
    verdict_of(catch(|| guard.check_at_once(context)).transpose())
}

/// Converts the answer of a guard into a permission or a denial. `None` means that the guard did
/// not answer in time, and `Some(Err(_))` that it panicked.
pub(crate) fn verdict_of<E>(answer: Option<Result<Verdict, E>>) -> Result<(), Denial> {
    let failed = |reason| Refusal::forbidden().because(reason);
    match answer {
        Some(Ok(Verdict::Allow)) => Ok(()),
        Some(Ok(Verdict::Deny(refusal))) => Err(Denial { refusal, close: false }),
        Some(Ok(Verdict::DenyAndClose(refusal))) => Err(Denial { refusal, close: true }),
        // `Verdict` is non-exhaustive, and a variant of a later version must not allow anything.
        Some(Ok(_)) => Err(Denial { refusal: Refusal::forbidden(), close: false }),
        Some(Err(_)) => Err(Denial { refusal: failed(RefusalReason::Panicked), close: false }),
        None => Err(Denial { refusal: failed(RefusalReason::GuardTimeout), close: false }),
    }
}
