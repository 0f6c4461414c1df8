//! The tables of a configuration file.

use std::path::PathBuf;

use serde::Deserialize;

use super::{
    allowed_origin::AllowedOrigin, issuers::IssuerList, listen::ListenAddress,
    public_url::PublicUrl, span::Span,
};
use super::{
    form::{Known, Setting},
    limits::LimitSettings,
    values::{
        AppName, AuditSink, Count, Excess, HostName, KeyStore, Profile, Proxies, RpId, SameSite,
        SecretUrl, Store, TokenName, Transport,
    },
};

/// Declares tables of optional settings. Tables from two sources can be merged.
macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident { $($(#[$nested:ident])? $setting:ident: $type:ty,)+ })+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Default, Deserialize)]
            #[serde(deny_unknown_fields, default)]
            pub(super) struct $name {
                $(pub(super) $setting: settings!(@type $($nested)? $type),)+
            }

            impl $name {
                /// Returns these settings, and those of `weaker` that are not set here.
                pub(super) fn or(self, weaker: Self) -> Self {
                    Self { $($setting: self.$setting.or(weaker.$setting),)+ }
                }

                /// Appends every setting of the table to `all`. `inside` is the prefix of the
                /// names.
                pub(super) fn list(all: &mut Vec<Known>, inside: &str) {
                    $(settings!(@list $($nested)? $type, all, format!("{inside}{}", stringify!($setting)));)+
                }
            }
        )+
    };
    (@type table $type:ty) => { $type };
    (@type $type:ty) => { Option<$type> };
    (@list table $type:ty, $all:ident, $name:expr) => { <$type>::list($all, &($name + ".")) };
    (@list $type:ty, $all:ident, $name:expr) => {
        $all.push(Known { name: $name, form: <$type as Setting>::FORM })
    };
}

settings! {
    /// The top level of the configuration file.
    Settings {
        profile: Profile,
        listen: ListenAddress,
        data_dir: PathBuf,
        public_url: PublicUrl,
        apps: Vec<AppName>,
        transports: Vec<Transport>,
        #[table] polling: Polling,
        trusted_proxies: Proxies,
        proxy_protocol: bool,
        #[table] tls: Tls,
        #[table] token: Token,
        issuers: IssuerList,
        #[table] session: Session,
        #[table] passkeys: Passkeys,
        #[table] redis: Redis,
        #[table] cluster: Cluster,
        #[table] database: Database,
        #[table] hosts: Hosts,
        #[table] origins: OriginSettings,
        #[table] connections: Connections,
        #[table] audit: Audit,
        #[table] metrics: Metrics,
        #[table] mole: Mole,
        #[table] limits: LimitSettings,
    }

    /// The table `[token]`.
    Token {
        issuer: TokenName,
        audience: TokenName,
        key_store: KeyStore,
    }

    /// The table `[session]`.
    Session {
        store: Store,
        idle_timeout: Span,
        lifetime: Span,
        same_site: SameSite,
        expose_token: bool,
        fresh_for: Span,
    }

    /// The table `[passkeys]`.
    Passkeys {
        rp_id: RpId,
        name: TokenName,
        sign_up: bool,
    }

    /// The table `[redis]`.
    Redis {
        url: SecretUrl,
        ca: PathBuf,
        #[table] socket_io: SocketIo,
    }

    /// The table `[redis.socket_io]`.
    SocketIo {
        enabled: bool,
        key: TokenName,
        url: SecretUrl,
    }

    /// The table `[cluster]`.
    Cluster {
        node: TokenName,
    }

    /// The table `[database]`.
    Database {
        url: SecretUrl,
    }

    /// The table `[hosts]`.
    Hosts {
        allow: Vec<HostName>,
    }

    /// The table `[origins]`.
    OriginSettings {
        allow: Vec<AllowedOrigin>,
    }

    /// The table `[connections]`.
    Connections {
        per_user: Count,
        on_excess: Excess,
        per_namespace: bool,
    }

    /// The table `[audit]`.
    Audit {
        sink: AuditSink,
        file: PathBuf,
        record_first: bool,
    }

    /// The table `[polling]`.
    Polling {
        same_address: bool,
        node_cookie: TokenName,
    }

    /// The table `[metrics]`.
    Metrics {
        listen: ListenAddress,
    }

    /// The table `[tls]`.
    Tls {
        certificate: PathBuf,
        key: PathBuf,
    }

    /// The table `[mole]`.
    Mole {
        round: Span,
    }
}
