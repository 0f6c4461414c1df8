//! What a configuration file may say, as it is written there.

use std::{
    fs,
    num::{NonZeroU32, NonZeroUsize},
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::values::{
    AuditSink, Excess, LinkCount, Profile, Proxies, RpId, SameSite, SecretUrl, Store, TokenName,
};
use crate::{failure::Failure, listen::ListenAddress, public_url::PublicUrl, span::Span};

/// Declares a table of settings: each may be left out, and one source may stand in for another.
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
                /// Takes from `weaker` what is not said here.
                pub(super) fn or(self, weaker: Self) -> Self {
                    Self { $($setting: self.$setting.or(weaker.$setting),)+ }
                }
            }
        )+
    };
    (@type table $type:ty) => { $type };
    (@type $type:ty) => { Option<$type> };
}

settings! {
    /// Everything.
    Settings {
        profile: Profile,
        listen: ListenAddress,
        data_dir: PathBuf,
        public_url: PublicUrl,
        trusted_proxies: Proxies,
        #[table] token: Token,
        #[table] session: Session,
        #[table] passkeys: Passkeys,
        #[table] redis: Redis,
        #[table] database: Database,
        #[table] origins: Origins,
        #[table] connections: Connections,
        #[table] audit: Audit,
        #[table] metrics: Metrics,
        #[table] mole: Mole,
        #[table] limits: Limits,
    }

    /// The table `[token]`.
    Token {
        issuer: TokenName,
        audience: TokenName,
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
    }

    /// The table `[redis]`.
    Redis {
        url: SecretUrl,
    }

    /// The table `[database]`.
    Database {
        url: SecretUrl,
    }

    /// The table `[origins]`.
    Origins {
        allow: Vec<PublicUrl>,
    }

    /// The table `[connections]`.
    Connections {
        per_user: NonZeroUsize,
        on_excess: Excess,
        per_namespace: bool,
    }

    /// The table `[audit]`.
    Audit {
        sink: AuditSink,
        file: PathBuf,
        record_first: bool,
    }

    /// The table `[metrics]`.
    Metrics {
        listen: ListenAddress,
    }

    /// The table `[mole]`.
    Mole {
        round: Span,
    }

    /// The table `[limits]`.
    Limits {
        max_unauthenticated_links: LinkCount,
        max_address_refusals: NonZeroU32,
        max_http_connections: NonZeroUsize,
        max_proxy_connections: NonZeroUsize,
        min_body_rate: NonZeroUsize,
        request_timeout: Span,
    }
}

impl Settings {
    /// Reads a configuration file.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display();
        let text = fs::read_to_string(path).map_err(|error| {
            Failure::because(format_args!("cannot read the configuration file {name}"), &error)
        })?;
        let mut settings: Self = toml::from_str(&text).map_err(|error| {
            let (line, column) = position(&text, error.span().map_or(0, |span| span.start));
            Failure::new(format_args!("{name}:{line}:{column}: {}", error.message()))
        })?;
        // Beside the file, so that all commands find the same wherever they are started.
        let folder = path.parent();
        for path in [&mut settings.data_dir, &mut settings.audit.file] {
            if let (Some(path), Some(folder)) = (path, folder) {
                *path = folder.join(&*path);
            }
        }
        Ok(settings)
    }
}

/// Counts lines and characters from 1, as editors do.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
    (before.matches('\n').count() + 1, column + 1)
}
