//! Guards for roles and scopes of the principal, and guards that are functions of the application.

use std::{borrow::Cow, fmt, marker::PhantomData};

use doorward_core::{Guard, GuardContext, HasRoles, HasScopes, Verdict};

/// Guard that allows clients whose principal has a role.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// struct User { roles: Vec<String> }
///
/// impl HasRoles for User {
///     fn has_role(&self, role: &str) -> bool { self.roles.iter().any(|own| own == role) }
/// }
///
/// // Applies to connections, events and rooms.
/// let gateway: Gateway<User> = Gateway::at("/").guard(Role::new("member"));
/// ```
#[derive(Clone, Debug)]
pub struct Role(Cow<'static, str>);

impl Role {
    /// Creates a guard that requires `role`.
    #[must_use]
    pub fn new(role: impl Into<Cow<'static, str>>) -> Self {
        Self(role.into())
    }
}

impl<P: HasRoles + Sync> Guard<P> for Role {
    const AT_ONCE: bool = true;

    async fn check(&self, context: GuardContext<'_, P>) -> Verdict {
        Verdict::allow_if(context.principal.has_role(&self.0))
    }

    fn name(&self) -> Cow<'static, str> {
        format!("role {}", self.0).into()
    }
}

/// Guard that allows clients whose principal has a scope.
///
/// # Examples
/// ```
/// use doorward::{event::handle, prelude::*};
///
/// let gateway: Gateway<Claims> = Gateway::at("/")
///     .on("say", handle(|| async {}).guard(Scope::new("chat:write")));
/// ```
#[derive(Clone, Debug)]
pub struct Scope(Cow<'static, str>);

impl Scope {
    /// Creates a guard that requires `scope`.
    #[must_use]
    pub fn new(scope: impl Into<Cow<'static, str>>) -> Self {
        Self(scope.into())
    }
}

impl<P: HasScopes + Sync> Guard<P> for Scope {
    const AT_ONCE: bool = true;

    async fn check(&self, context: GuardContext<'_, P>) -> Verdict {
        Verdict::allow_if(context.principal.has_scope(&self.0))
    }

    fn name(&self) -> Cow<'static, str> {
        format!("scope {}", self.0).into()
    }
}

/// Creates a guard from a function that decides without waiting.
///
/// If the decision has to wait, for example for a database, implement [`Guard`] instead.
///
/// # Examples
/// ```
/// use doorward::{guard::{Action, guard_fn}, prelude::*};
///
/// let own_room = guard_fn(|context: &GuardContext<'_, Claims>| match context.action {
///     Action::Join(room) => room.ends_with(context.principal.subject()),
///     _ => true,
/// });
/// let gateway: Gateway<Claims> = Gateway::at("/").guard(own_room);
/// ```
pub fn guard_fn<P, F, V>(function: F) -> GuardFn<P, F>
where
    F: Fn(&GuardContext<'_, P>) -> V + Send + Sync + 'static,
    V: Into<Verdict> + Send,
{
    GuardFn { function, principal: PhantomData }
}

/// Guard that is returned by [`guard_fn`].
#[must_use]
pub struct GuardFn<P, F> {
    function: F,
    principal: PhantomData<fn(P)>,
}

impl<P, F> fmt::Debug for GuardFn<P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardFn")
    }
}

impl<P, F, V> Guard<P> for GuardFn<P, F>
where
    P: Sync + 'static,
    F: Fn(&GuardContext<'_, P>) -> V + Send + Sync + 'static,
    V: Into<Verdict> + Send,
{
    const AT_ONCE: bool = true;

    async fn check(&self, context: GuardContext<'_, P>) -> Verdict {
        (self.function)(&context).into()
    }

    fn name(&self) -> Cow<'static, str> {
        "a function".into()
    }
}
