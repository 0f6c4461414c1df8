//! Guards made of guards: all of them, any of them, not this one.
//!
//! They are put together as tuples, so there is nothing to look up when they are asked.

use std::borrow::Cow;

use doorward_core::{Guard, GuardContext, Refusal, RefusalReason, Verdict};

/// Lets through whom every guard lets through, asked one after the other; the first no counts.
///
/// # Examples
/// ```
/// use doorward::{all, any, not, prelude::*};
///
/// let staff = all((Role::new("staff"), not(Role::new("suspended"))));
/// let gateway: Gateway<Claims> =
///     Gateway::at("/").guard(any((staff, Scope::new("admin"))));
/// # drop(gateway);
/// ```
pub fn all<G>(guards: G) -> All<G> {
    All(guards)
}

/// Lets through whom one of the guards lets through. When none does, the last no is the answer; a
/// guard that wants the socket closed gets its way only if nobody lets it through.
///
/// # Examples
/// See [`all`].
/// ```
/// let guard = doorward::any((doorward::Role::new("a"), doorward::Role::new("b")));
/// # drop(guard);
/// ```
pub fn any<G>(guards: G) -> Any<G> {
    Any(guards)
}

/// Lets through whom the guard denies, and nobody whom it lets through.
///
/// Only a no counts: a guard that could not look, because its store is away or because it has been
/// asked too often, has said nothing, and its answer is passed on.
///
/// # Examples
/// See [`all`].
/// ```
/// let guard = doorward::not(doorward::Role::new("guest"));
/// # drop(guard);
/// ```
pub fn not<G>(guard: G) -> Not<G> {
    Not(guard)
}

/// See [`all`].
#[derive(Clone, Debug)]
#[must_use]
pub struct All<G>(G);

/// See [`any`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Any<G>(G);

/// See [`not`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Not<G>(G);

/// Whether a guard has looked and said no.
fn is_no(refusal: &Refusal) -> bool {
    matches!(refusal.reason(), RefusalReason::GuardDenied | RefusalReason::Application)
}

impl<P: Sync, G: Guard<P>> Guard<P> for Not<G> {
    const AT_ONCE: bool = G::AT_ONCE;

    async fn check(&self, context: GuardContext<'_, P>) -> Verdict {
        match self.0.check(context).await {
            Verdict::Deny(refusal) | Verdict::DenyAndClose(refusal) if is_no(&refusal) => {
                Verdict::Allow
            }
            undecided @ (Verdict::Deny(_) | Verdict::DenyAndClose(_)) => undecided,
            // Also for answers that this version does not know.
            _ => Verdict::Deny(Refusal::forbidden()),
        }
    }

    fn name(&self) -> Cow<'static, str> {
        format!("not {}", self.0.name()).into()
    }
}

macro_rules! impl_tuples {
    ($($guard:ident),+) => {
        impl<P: Sync, $($guard: Guard<P>),+> Guard<P> for All<($($guard,)+)> {
            const AT_ONCE: bool = $($guard::AT_ONCE)&&+;

            #[expect(non_snake_case, reason = "the names of the types name the values as well")]
            async fn check(&self, context: GuardContext<'_, P>) -> Verdict {
                let ($($guard,)+) = &self.0;
                $(
                    let verdict = $guard.check(context).await;
                    if !matches!(verdict, Verdict::Allow) {
                        return verdict;
                    }
                )+
                Verdict::Allow
            }

            #[expect(non_snake_case, reason = "the names of the types name the values as well")]
            fn name(&self) -> Cow<'static, str> {
                let ($($guard,)+) = &self.0;
                format!("all of ({})", [$($guard.name()),+].join(", ")).into()
            }
        }

        impl<P: Sync, $($guard: Guard<P>),+> Guard<P> for Any<($($guard,)+)> {
            const AT_ONCE: bool = $($guard::AT_ONCE)&&+;

            #[expect(non_snake_case, reason = "the names of the types name the values as well")]
            async fn check(&self, context: GuardContext<'_, P>) -> Verdict {
                let ($($guard,)+) = &self.0;
                let mut closing = None;
                $(
                    let verdict = $guard.check(context).await;
                    match &verdict {
                        Verdict::Allow => return verdict,
                        Verdict::DenyAndClose(_) => closing = Some(verdict.clone()),
                        _ => {}
                    }
                )+
                closing.unwrap_or(verdict)
            }

            #[expect(non_snake_case, reason = "the names of the types name the values as well")]
            fn name(&self) -> Cow<'static, str> {
                let ($($guard,)+) = &self.0;
                format!("any of ({})", [$($guard.name()),+].join(", ")).into()
            }
        }
    };
}

impl_tuples!(A);
impl_tuples!(A, B);
impl_tuples!(A, B, C);
impl_tuples!(A, B, C, D);
impl_tuples!(A, B, C, D, E);
impl_tuples!(A, B, C, D, E, F);
