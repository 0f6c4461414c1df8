//! Settings for the access tokens of well-known identity providers.
//!
//! Each row of [`Preset::shape`] comes from the public documentation of the provider. The tests in
//! `tests/it/providers.rs` have a token of each shape.

use crate::{
    jwt::{
        authenticator::Jwt,
        shape::{Requirement, Shape},
    },
    key::rsa_algorithm::RsaAlgorithm,
};

/// Identity provider whose access tokens differ from RFC 9068.
///
/// A preset sets the claims that name the audience, the user, the session, the scopes and the roles,
/// the algorithm of keys that state none, and further claims that only access tokens have. It does
/// not set the issuer or the audience.
///
/// # Examples
/// ```
/// use doorward_auth::{IssuerError, Jwt, Preset};
///
/// fn keycloak() -> Result<Jwt, IssuerError> {
///     Jwt::issuer("https://sso.example.com/realms/demo").preset(Preset::Keycloak).audience("chat")
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Preset {
    /// Auth0. The permissions of the user (RBAC) count as roles.
    Auth0,
    /// Amazon Cognito. Its access tokens have no `aud`, so the audience is compared with
    /// `client_id`.
    Cognito,
    /// Microsoft Entra ID, formerly Azure AD. The user is `oid`, which is the same in all
    /// applications of a tenant.
    EntraId,
    /// Firebase Authentication, and Google Cloud Identity Platform without tenants. Their clients show
    /// ID tokens.
    Firebase,
    /// Keycloak. Roles are those of the realm.
    Keycloak,
    /// Okta, with a custom authorization server. The user is `uid`, because `sub` is a login name
    /// that another person may get later.
    Okta,
    /// Supabase Auth, with asymmetric signing keys.
    Supabase,
}

impl Preset {
    /// All presets, with the names that settings use.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("auth0", Self::Auth0),
        ("cognito", Self::Cognito),
        ("entra-id", Self::EntraId),
        ("firebase", Self::Firebase),
        ("keycloak", Self::Keycloak),
        ("okta", Self::Okta),
        ("supabase", Self::Supabase),
    ];

    pub(crate) const fn shape(self) -> Shape {
        use Requirement::{Absent, Is, OneOf};
        const DEFAULT: Shape = Shape::DEFAULT;
        match self {
            // ID tokens have the nonce of their client. `azp` and `client_id` are those of the two
            // profiles of access tokens.
            Self::Auth0 => Shape {
                roles: &["permissions"],
                requires: &[OneOf(&["azp", "client_id"]), Absent("nonce", &["nonce"])],
                ..DEFAULT
            },
            // ID tokens have the same issuer and key. A token with an `aud` is for another resource.
            Self::Cognito => Shape {
                audience: "client_id",
                session: "origin_jti",
                roles: &["cognito:groups"],
                requires: &[Is("token_use", "access"), Absent("aud", &["aud"])],
                ..DEFAULT
            },
            // ID tokens may have the same audience and type, but they name no calling application.
            Self::EntraId => Shape {
                user: "oid",
                scopes: &["scp"],
                requires: &[OneOf(&["azp", "appid"])],
                ..DEFAULT
            },
            // Users of two tenants may have the same id.
            Self::Firebase => Shape {
                requires: &[
                    OneOf(&["firebase"]),
                    Absent("firebase.tenant", &["firebase", "tenant"]),
                ],
                ..DEFAULT
            },
            // ID tokens and access tokens have the same type in their header.
            Self::Keycloak => Shape {
                roles: &["realm_access", "roles"],
                requires: &[Is("typ", "Bearer")],
                ..DEFAULT
            },
            // ID tokens have neither `uid` nor `cid`.
            Self::Okta => Shape {
                user: "uid",
                scopes: &["scp"],
                roles: &["groups"],
                requires: &[OneOf(&["cid"])],
                ..DEFAULT
            },
            // Tokens that were issued to applications of third parties have a `client_id`.
            Self::Supabase => Shape {
                session: "session_id",
                roles: &["app_metadata", "roles"],
                requires: &[Is("role", "authenticated"), Absent("client_id", &["client_id"])],
                ..DEFAULT
            },
        }
    }

    /// Returns the algorithm of RSA keys of the provider that state none. Returns `None` if all its
    /// keys state it.
    #[must_use]
    pub const fn rsa_algorithm(self) -> Option<RsaAlgorithm> {
        match self {
            Self::EntraId => Some(RsaAlgorithm::Rs256),
            _ => None,
        }
    }
}

impl Jwt {
    /// Reads the claims of a well-known provider whose keys are in memory. Call it before
    /// [`user_claim`](Jwt::user_claim), which it replaces.
    ///
    /// For keys that are read over HTTP, use `RemoteIssuer::preset`, which also sets the algorithm of
    /// keys that state none.
    ///
    /// # Examples
    /// ```
    /// use doorward_auth::{Jwt, KeySet, Preset};
    ///
    /// /// Accepts the tokens of a user pool, whose keys come from a file.
    /// fn cognito(keys: KeySet, pool: &str, client_id: &str) -> Jwt {
    ///     Jwt::key_set(keys).bound_to(pool, client_id).preset(Preset::Cognito)
    /// }
    /// ```
    pub fn preset(mut self, preset: Preset) -> Self {
        self.policy.shape = preset.shape();
        self
    }
}
