//! Builds the sign-in service from its settings. Start reading at [`IdentityBuilder::build`].

use std::{future::Future, sync::Arc, time::Duration};

use doorward::{
    BoxError, UserId,
    audit::{Audit, TracingAudit},
    auth::{Issuer, OriginError, Origins, SessionCookie},
    server::{Clock, Entropy, OsEntropy, SystemClock},
    session::{SessionData, Sessions, Tickets},
    store::TicketStore,
};
use doorward_core::AccountStore;

use crate::{
    attempts::Attempts,
    build_error::BuildError,
    ceremony::{Ceremonies, Decoys, RelyingParty},
    farewell::Farewell,
    hook::{Hook, SignInError, SigningIn},
    identity::Identity,
    records::Records,
    recovery_codes::Hasher,
    service::Service,
};

/// Builder of an [`Identity`]. [`Identity::builder`] creates it.
///
/// | setting | default |
/// |---|---|
/// | [`rp_id`](IdentityBuilder::rp_id) | the host of the public URL |
/// | [`name`](IdentityBuilder::name) | `Doorward` |
/// | [`allow_origin`](IdentityBuilder::allow_origin) | the public URL only |
/// | [`decoy_secret`](IdentityBuilder::decoy_secret) | generated at each start |
/// | [`issuer`](IdentityBuilder::issuer) | none; no access tokens are issued |
/// | [`on_sign_in`](IdentityBuilder::on_sign_in) | all users may sign in, and no data is stored with the session |
/// | [`on_account_removed`](IdentityBuilder::on_account_removed) | no hook |
/// | [`same_site_strict`](IdentityBuilder::same_site_strict) | no |
/// | [`expose_token`](IdentityBuilder::expose_token) | no |
/// | [`sign_up`](IdentityBuilder::sign_up) | open |
/// | [`fresh_for`](IdentityBuilder::fresh_for) | 5 minutes |
/// | [`audit`](IdentityBuilder::audit) | the log |
///
/// # Examples
/// See the [crate](crate).
/// ```
/// use doorward_identity::IdentityBuilder;
///
/// fn of_the_example(builder: IdentityBuilder) -> IdentityBuilder {
///     builder.name("Example").rp_id("example.org")
/// }
/// ```
#[must_use]
pub struct IdentityBuilder {
    public_url: Box<str>,
    accounts: Arc<dyn AccountStore>,
    sessions: Arc<Sessions>,
    tickets: Arc<dyn TicketStore>,
    rp_id: Option<Box<str>>,
    name: Box<str>,
    others: Vec<Box<str>>,
    decoy_secret: Option<[u8; 32]>,
    issuer: Option<Issuer>,
    hook: Option<Hook>,
    farewell: Option<Farewell>,
    is_strict: bool,
    exposes_token: bool,
    is_sign_up_open: bool,
    fresh_for: Duration,
    audit: Arc<dyn Audit>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Identity {
    /// Creates a builder for a service whose pages are at `public_url`, such as `https://chat.example.org`. `accounts`
    /// and `tickets` are the stores in which the service keeps accounts and tickets.
    pub fn builder(
        public_url: &str,
        accounts: Arc<dyn AccountStore>,
        sessions: Arc<Sessions>,
        tickets: Arc<dyn TicketStore>,
    ) -> IdentityBuilder {
        IdentityBuilder {
            public_url: public_url.trim_end_matches('/').into(),
            accounts,
            sessions,
            tickets,
            rp_id: None,
            name: "Doorward".into(),
            others: Vec::new(),
            decoy_secret: None,
            issuer: None,
            hook: None,
            farewell: None,
            is_strict: false,
            exposes_token: false,
            is_sign_up_open: true,
            fresh_for: Duration::from_mins(5),
            audit: Arc::new(TracingAudit),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
        }
    }
}

impl IdentityBuilder {
    /// Binds passkeys to the domain `rp_id`, which must be the host of the public URL or a parent domain of it, such as
    /// `example.org` for `https://chat.example.org`.
    ///
    /// # Security
    /// Passkeys are bound to the domain permanently. After a change of the domain, no user can sign in with an existing
    /// passkey.
    pub fn rp_id(self, rp_id: &str) -> Self {
        Self { rp_id: Some(rp_id.into()), ..self }
    }

    /// Sets the name of the service. Authenticators show it to users.
    pub fn name(self, name: &str) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Accepts cookies and passkeys from another origin. It is the origin of web pages or of a native application
    /// ([`AppOrigin`](doorward::auth::AppOrigin)). An application may need two origins, such as `capacitor://localhost`
    /// for its pages and `android:apk-key-hash:..` for its passkeys.
    ///
    /// # Security
    /// Pages of this origin can act as every user who visits them.
    pub fn allow_origin(mut self, origin: &str) -> Self {
        self.others.push(origin.into());
        self
    }

    /// Sets the secret from which the made-up passkeys of unknown users are derived. With made-up passkeys, a sign-in
    /// with an unknown user name looks like one with a known name.
    ///
    /// # Security
    /// The secret must be random, persist over restarts, and be the same on all servers. After a change of the secret,
    /// the made-up passkeys differ from before and the real passkeys do not. This reveals which users exist.
    pub fn decoy_secret(self, secret: [u8; 32]) -> Self {
        Self { decoy_secret: Some(secret), ..self }
    }

    /// Sets the issuer of access tokens, which clients request at `POST /auth/token`.
    pub fn issuer(self, issuer: Issuer) -> Self {
        Self { issuer: Some(issuer), ..self }
    }

    /// Calls `hook` after a user has proved their identity, before the session exists. The hook rejects the user with
    /// an error, or returns data. The data is stored with the session and never leaves the server. It may contain the
    /// token of an upstream provider, for example. The hook fails if it takes longer than 10 seconds.
    ///
    /// A new account is stored only after the hook has succeeded. The same applies to the use of a recovery code. A
    /// rejected user therefore has neither created an account nor used up a code.
    pub fn on_sign_in<F, Fut>(self, hook: F) -> Self
    where
        F: Fn(SigningIn) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<SessionData, SignInError>> + Send + 'static,
    {
        Self { hook: Some(Box::new(move |who| Box::pin(hook(who)))), ..self }
    }

    /// Calls `hook` before the owner or an operator removes an account, so that the application can delete the data of
    /// the user.
    ///
    /// The account is already disabled, and its sessions and sockets have ended, so nothing new is written for the
    /// user. The hook fails if it takes longer than 10 seconds. If the hook fails, the account still exists and is
    /// disabled, and the request to remove it fails. An operator may try again, so the hook must be idempotent.
    ///
    /// # Examples
    /// ```
    /// use doorward_identity::IdentityBuilder;
    ///
    /// # async fn delete_messages_of(_: doorward::UserId) -> Result<(), doorward::BoxError> { Ok(()) }
    /// fn with_messages(builder: IdentityBuilder) -> IdentityBuilder {
    ///     builder.on_account_removed(|user| async move { delete_messages_of(user).await })
    /// }
    /// ```
    pub fn on_account_removed<F, Fut>(self, hook: F) -> Self
    where
        F: Fn(UserId) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let farewell = Farewell(Box::new(move |user| Box::pin(hook(user))));
        Self { farewell: Some(farewell), ..self }
    }

    /// Sets `SameSite=Strict` on the session cookie, as [`SessionCookie::same_site_strict`] does.
    pub fn same_site_strict(self) -> Self {
        Self { is_strict: true, ..self }
    }

    /// Lets clients that are not browsers receive a session token instead of a ticket if `exposes_token` is `true`.
    /// Such clients keep no cookies. The default is `false`.
    ///
    /// # Security
    /// A client counts as a browser if its request has an `Origin`. Browsers always send an `Origin`, and pages cannot
    /// change it.
    pub fn expose_token(self, exposes_token: bool) -> Self {
        Self { exposes_token, ..self }
    }

    /// Accepts new accounts if `is_open` is `true`, which is the default. Otherwise a sign-up is answered with
    /// [`SignInCode::SignUpClosed`](crate::SignInCode::SignUpClosed), and users of existing accounts still sign in.
    pub fn sign_up(self, is_open: bool) -> Self {
        Self { is_sign_up_open: is_open, ..self }
    }

    /// Sets the time for which a sign-in permits sensitive changes, such as adding a passkey or removing the account.
    /// After this time, the user must sign in again. The default is 5 minutes.
    pub fn fresh_for(self, fresh_for: Duration) -> Self {
        Self { fresh_for, ..self }
    }

    /// Sets the sink of audit records. The default writes the records to the log.
    pub fn audit(self, audit: Arc<dyn Audit>) -> Self {
        Self { audit, ..self }
    }

    /// Sets the clock, which must be the clock of the [`Sessions`]. The default is the clock of the system.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Sets the source of random bytes. The default is the source of the system. The WebAuthn library generates the
    /// challenges from its own source.
    pub fn entropy(self, entropy: Arc<dyn Entropy>) -> Self {
        Self { entropy, ..self }
    }

    /// Builds the service.
    ///
    /// # Errors
    /// The operator must correct the settings, except for the last error:
    /// - [`BuildError::Origin`]: the public URL or another origin is invalid.
    /// - [`BuildError::RelyingParty`]: passkeys cannot be bound to the public URL, for example because its host is an
    ///   IP address. Or [`rp_id`](IdentityBuilder::rp_id) is neither the host of the public URL nor a parent domain of
    ///   it.
    /// - [`BuildError::Cryptography`]: the cryptography library failed.
    pub fn build(self) -> Result<Identity, BuildError> {
        let all = || [&self.public_url].into_iter().chain(&self.others);
        let none = Ok(Origins::default());
        let origins = all().fold(none, |origins: Result<Origins, OriginError>, origin| {
            // The operator decides if an origin without TLS is acceptable. Passkeys have stricter rules, which the
            // browser enforces.
            origins?.danger_allow_insecure(origin)
        });
        let origins = Arc::new(origins?);
        let written: Vec<Box<str>> = all().cloned().collect();
        let rp_id = self.rp_id.unwrap_or_else(|| host(&self.public_url).into());
        let relying_party = RelyingParty::new(&rp_id, &self.name, &written)?;
        let secret = self.decoy_secret.unwrap_or_else(|| {
            let mut secret = [0; 32];
            self.entropy.fill(&mut secret);
            secret
        });
        let cookie = SessionCookie::new(Arc::clone(&self.sessions), Arc::clone(&origins));
        let cookie = if self.is_strict { cookie.same_site_strict() } else { cookie };
        Ok(Identity(Arc::new(Service {
            accounts: self.accounts,
            tickets: Tickets::new(self.tickets, Arc::clone(&self.sessions)),
            sessions: self.sessions,
            cookie,
            origins,
            own_origin: self.public_url,
            issuer: self.issuer,
            relying_party,
            decoys: Decoys::new(&secret)?,
            hasher: Hasher::new(&secret, &self.clock),
            registrations: Ceremonies::new(),
            authentications: Ceremonies::new(),
            attempts: Attempts::new(),
            hook: self.hook,
            farewell: self.farewell,
            records: Records {
                audit: self.audit,
                clock: Arc::clone(&self.clock),
                entropy: Arc::clone(&self.entropy),
            },
            clock: self.clock,
            entropy: self.entropy,
            exposes_token: self.exposes_token,
            is_sign_up_open: self.is_sign_up_open,
            fresh_for: self.fresh_for,
        })))
    }
}

doorward_core::debug_fields!(IdentityBuilder { public_url });

/// Returns the host of an origin, without its port.
fn host(origin: &str) -> &str {
    let authority = origin.split_once("://").map_or(origin, |(_, authority)| authority);
    authority.split(':').next().unwrap_or(authority)
}
