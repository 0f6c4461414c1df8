//! Combines guards with `all`, `any` and `not`.
//!
//! Combinations are generic over tuples of guards, so calling them involves no allocation and no
//! dynamic dispatch. A combination answers at once if all of its guards do.

use std::borrow::Cow;

use doorward_core::{Guard, GuardContext, Refusal, RefusalReason, Verdict};

/// Returns a guard that allows an action if all of `guards` allow it. The guards are called in
/// order, and the first denial is the answer.
///
/// # Examples
/// ```
/// use doorward::{guard::{all, any, not}, prelude::*};
///
/// let staff = all((Role::new("staff"), not(Role::new("suspended"))));
/// let gateway: Gateway<Claims> =
///     Gateway::at("/").guard(any((staff, Scope::new("admin"))));
/// ```
pub fn all<G>(guards: G) -> All<G> {
    All(guards)
}

/// Returns a guard that allows an action if at least one of `guards` allows it. The guards are
/// called in order until one of them allows the action.
///
/// If no guard allows the action, the answer is the last denial that closes the socket. If no
/// denial closes the socket, the answer is the last denial.
///
/// # Examples
/// ```
/// use doorward::{guard::any, prelude::*};
///
/// let gateway: Gateway<Claims> =
///     Gateway::at("/").guard(any((Role::new("editor"), Role::new("admin"))));
/// ```
pub fn any<G>(guards: G) -> Any<G> {
    Any(guards)
}

/// Returns a guard that allows what `guard` denies, and denies what `guard` allows.
///
/// Only a plain denial and a refusal that the application defines are inverted. Any other denial is
/// passed on, such as the denial of a guard that failed, timed out or has reached a rate limit, or
/// the denial of [`Fresh`](crate::guard::Fresh).
///
/// # Examples
/// ```
/// use doorward::{guard::not, prelude::*};
///
/// let gateway: Gateway<Claims> = Gateway::at("/").guard(not(Role::new("guest")));
/// ```
pub fn not<G>(guard: G) -> Not<G> {
    Not(guard)
}

/// Guard that is returned by [`all`].
#[derive(Clone, Debug)]
#[must_use]
pub struct All<G>(G);

/// Guard that is returned by [`any`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Any<G>(G);

/// Guard that is returned by [`not`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Not<G>(G);

/// Returns `true` if the refusal is a plain denial or a refusal that the application defines. Other
/// refusals are not inverted. Most of them mean that the guard could not decide. If these were
/// inverted, an outage of a store would allow the action.
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
            // `Allow` becomes a denial. `Verdict` is non-exhaustive, and an unknown verdict denies
            // as well.
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
                // A denial that closes the socket is kept until the end, because a later guard may
                // allow the action.
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
