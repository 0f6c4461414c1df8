//! What a configuration file may say.

use std::{ffi::OsString, fs, path::Path};

use super::*;

/// Writes a file with this text, in a folder that goes with the first value.
fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

/// Loads a file with this text, and options that say nothing else.
fn loaded(text: &str) -> Config {
    let (_folder, path) = written(text);
    Config::load(&PlaceOptions { data_dir: None, config: Some(path) }, None).unwrap()
}

#[test]
fn without_a_file_there_are_defaults() {
    let config = Config::load(&PlaceOptions::default(), None).unwrap();

    assert_eq!(config.listen.as_str(), "localhost:3000");
    assert_eq!(config.data_dir, Path::new("./doorward-data"));
    assert_eq!(config.public_url, None);
    assert_eq!(config.token.issuer.as_str(), "doorward");
    assert_eq!(config.token.audience.as_str(), "doorward");
    let defaults = Limits::default();
    assert_eq!(format!("{:?}", config.limits.limits()), format!("{defaults:?}"));
}

#[test]
fn an_empty_file_changes_nothing() {
    assert_eq!(loaded(""), Config::load(&PlaceOptions::default(), None).unwrap());
}

#[test]
fn the_file_beats_the_defaults() {
    let config = loaded(
        "listen = '0.0.0.0:80'\ndata_dir = '/var/lib/doorward'\n\
         public_url = 'https://chat.example.org'\n[token]\nissuer = 'i'\naudience = 'a'\n\
         [limits]\nmax_unauthenticated_links = 5000\nmax_http_connections = 7\n\
         max_proxy_connections = 8\nmin_body_rate = 9\nrequest_timeout = '2m'\n",
    );

    assert_eq!(config.listen.as_str(), "0.0.0.0:80");
    assert_eq!(config.data_dir, Path::new("/var/lib/doorward"));
    assert_eq!(config.public_url, Some("https://chat.example.org".parse().unwrap()));
    assert_eq!((config.token.issuer.as_str(), config.token.audience.as_str()), ("i", "a"));
    let limits = config.limits.limits();
    assert_eq!(limits.max_unauthenticated_links, 5000);
    assert_eq!((limits.max_http_connections, limits.max_proxy_connections), (7, 8));
    assert_eq!((limits.min_body_rate, limits.request_timeout.as_secs()), (9, 120));
}

#[test]
fn options_beat_the_file() {
    let (_folder, path) = written("listen = 'localhost:1'\ndata_dir = 'there'");
    let place = PlaceOptions { data_dir: Some("here".into()), config: Some(path) };
    let listen = "[::]:2".parse().unwrap();

    let config = Config::load(&place, Some(&listen)).unwrap();

    assert_eq!(config.listen.as_str(), "[::]:2");
    assert_eq!(config.data_dir, Path::new("here"));
}

#[test]
fn a_data_directory_is_beside_the_file_that_names_it() {
    let (folder, path) = written("data_dir = 'data'");
    let place = PlaceOptions { data_dir: None, config: Some(path) };

    let config = Config::load(&place, None).unwrap();

    assert_eq!(config.data_dir, folder.path().join("data"));
}

#[test]
fn mistakes_are_told_with_their_place() {
    let cases = [
        ("listen = ", "1:10: "),
        ("\n\nlisen = 'x'", "3:1: unknown field `lisen`, expected one of "),
        ("[token]\nisuer = 'x'", "2:1: unknown field `isuer`, expected `issuer` or `audience`"),
        ("listen = 3000", "1:10: invalid type: integer `3000`, expected a string"),
        ("listen = '3000'", "1:10: write HOST:PORT, such as "),
        ("\npublic_url = 'localhost'", "2:14: an origin begins with http:// or https://"),
        ("[token]\naudience = ''", "2:12: issuer and audience are 1-255 printable characters"),
        ("token = 'x'", "1:9: invalid type: "),
        (
            "[limits]\ninbox = 1",
            "2:1: unknown field `inbox`, expected one of `max_unauthenticated_links`",
        ),
        ("[limits]\nmax_unauthenticated_links = 0", "2:29: max_unauthenticated_links is a whole"),
        ("[limits]\nmax_unauthenticated_links = -1", "2:29: max_unauthenticated_links is a whole"),
        ("[limits]\nmax_unauthenticated_links = 1.5", "2:29: invalid type: floating point"),
        ("[limits]\nmax_unauthenticated_links = '9'", "2:29: invalid type: string"),
    ];
    for (text, expected) in cases {
        let (_folder, path) = written(text);
        let expected = format!("doorward: {}:{expected}", path.display());

        let place = PlaceOptions { data_dir: None, config: Some(path) };
        let failure = Config::load(&place, None).unwrap_err().to_string();

        assert!(failure.starts_with(&expected), "{failure:?} does not begin with {expected:?}");
        assert!(!failure.contains('\n'), "{failure}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let place = PlaceOptions { data_dir: None, config: Some("/nowhere/doorward.toml".into()) };

    let failure = Config::load(&place, None).unwrap_err().to_string();

    assert!(failure.starts_with("doorward: cannot read the configuration file /nowhere/doorward"));
}

/// Joins a file and variables.
fn joined(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let (_folder, path) = written(text);
    let place = PlaceOptions { data_dir: None, config: Some(path) };
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
    Config::join(&place, None, variables).map_err(|failure| failure.to_string())
}

#[test]
fn the_environment_beats_the_file_and_options_beat_both() {
    let (_folder, path) = written("listen = 'localhost:1'\n[token]\nissuer = 'f'\naudience = 'f'");
    let place = PlaceOptions { data_dir: Some("option".into()), config: Some(path) };
    let variables = [
        ("DOORWARD_LISTEN", "localhost:2"),
        ("DOORWARD_DATA_DIR", "variable"),
        ("DOORWARD_TOKEN__ISSUER", "7"),
        ("DOORWARD_LOG", "not a setting"),
        ("DOORWARD_TOKEN__AUDIENCE", ""),
        ("DOORWARD_SERVICE_HOST", "10.0.0.1"),
        ("DOORWARD_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("UNRELATED", "x"),
    ];
    let variables = || variables.map(|(name, value)| (name.into(), value.into())).into_iter();

    let config = Config::join(&place, None, variables()).unwrap();
    let option = Config::join(&place, Some(&"localhost:3".parse().unwrap()), variables()).unwrap();

    assert_eq!(config.listen.as_str(), "localhost:2");
    assert_eq!(config.data_dir, Path::new("option"));
    assert_eq!((config.token.issuer.as_str(), config.token.audience.as_str()), ("7", "f"));
    assert_eq!(option.listen.as_str(), "localhost:3");
}

#[test]
fn variables_have_the_types_of_their_settings() {
    let config = joined(
        "",
        &[
            ("DOORWARD_ORIGINS__ALLOW", "['http://localhost:5173', 'https://app.example.org']"),
            ("DOORWARD_CONNECTIONS__PER_USER", "2"),
            ("DOORWARD_CONNECTIONS__ON_EXCESS", "replace_oldest"),
            ("DOORWARD_CONNECTIONS__PER_NAMESPACE", "true"),
            ("DOORWARD_SESSION__IDLE_TIMEOUT", "30m"),
            ("DOORWARD_METRICS__LISTEN", "localhost:9090"),
        ],
    )
    .unwrap();

    assert_eq!(config.origins.len(), 2);
    assert_eq!(config.connections, PerUser::ReplaceOldest(2).per_namespace());
    assert_eq!(config.session.idle_timeout, "30m".parse().unwrap());
    assert_eq!(config.metrics.unwrap().as_str(), "localhost:9090");
}

#[test]
fn a_variable_that_is_no_setting_is_named_and_its_value_is_not() {
    let secret = "redis-canary";
    let cases = [
        ("DOORWARD_LISEN", secret, "DOORWARD_LISEN cannot be used: unknown field `lisen`"),
        ("DOORWARD_TOKEN__ISUER", secret, "DOORWARD_TOKEN__ISUER cannot be used: unknown field"),
        ("DOORWARD_TOKEN", secret, "DOORWARD_TOKEN cannot be used: invalid type"),
        (
            "DOORWARD_SESSION__STORE",
            secret,
            "DOORWARD_SESSION__STORE cannot be used: unknown variant",
        ),
        ("REDIS_URL", secret, "REDIS_URL cannot be used: write a URL"),
    ];
    for (name, value, expected) in cases {
        let failure = joined("", &[(name, value)]).unwrap_err();

        assert!(failure.contains(expected), "{failure}");
        assert!(!failure.contains(secret), "{failure}");
    }
}

#[test]
fn redis_is_taken_when_it_is_named() {
    let url = ("REDIS_URL", "redis://:secret@localhost:6379");

    let named = joined("", &[url]).unwrap();
    let unused = joined("[session]\nstore = 'sqlite'", &[url]).unwrap();
    let ours = joined("", &[url, ("DOORWARD_REDIS__URL", "redis://ours")]).unwrap();
    let missing = joined("[session]\nstore = 'redis'", &[]).unwrap_err();

    let StoreConfig::Redis(named_url) = &named.session.store else { panic!("{named:?}") };
    assert_eq!(named_url.expose(), url.1);
    assert!(matches!(unused.session.store, StoreConfig::Sqlite));
    let StoreConfig::Redis(ours) = &ours.session.store else { panic!("{ours:?}") };
    assert_eq!(ours.expose(), "redis://ours");
    assert!(missing.contains("REDIS_URL"), "{missing}");
    assert!(!format!("{named:?}").contains("secret"));
}

#[test]
fn the_database_is_in_the_data_directory_unless_a_url_says_otherwise() {
    let place = PlaceOptions { data_dir: Some("data".into()), config: None };
    let file = |variables: Vec<(OsString, OsString)>| {
        Config::join(&place, None, variables.into_iter()).unwrap().database
    };

    assert_eq!(file(Vec::new()), Path::new("data/doorward.db"));
    for (url, expected) in [("sqlite:/a/b.db", "/a/b.db"), ("sqlite://c.db", "c.db")] {
        let url = vec![("DATABASE_URL".into(), url.into())];
        assert_eq!(file(url), Path::new(expected));
    }
    let failure = joined("", &[("DATABASE_URL", "mysql://me:secret@db")]).unwrap_err();
    assert!(failure.contains("sqlite:PATH") && !failure.contains("secret"), "{failure}");
}

#[test]
fn accounts_are_in_postgresql_when_it_is_named_and_everything_else_stays() {
    let config = joined("", &[("DATABASE_URL", "postgres://me:secret@db/doorward")]).unwrap();

    assert_eq!(config.postgres.as_ref().unwrap().expose(), "postgres://me:secret@db/doorward");
    assert!(config.database.ends_with("doorward.db"));
    assert!(matches!(config.session.store, StoreConfig::Sqlite));
    assert!(!format!("{config:?}").contains("secret"));
}

/// Attack 105.
#[test]
fn production_refuses_what_is_convenient_only() {
    let cases = [
        ("[session]\nstore = 'memory'", "\"memory\""),
        ("public_url = 'http://chat.example.org'", "http://chat.example.org is not encrypted"),
        (
            "[origins]\nallow = ['http://app.example.org']",
            "http://app.example.org is not encrypted",
        ),
    ];
    for (text, expected) in cases {
        assert!(joined(text, &[]).is_ok(), "{text}");

        let failure = joined(text, &[("DOORWARD_PROFILE", "production")]).unwrap_err();

        assert!(failure.contains("production") && failure.contains(expected), "{failure}");
    }
    let good = "profile = 'production'\npublic_url = 'https://chat.example.org'";
    assert_eq!(joined(good, &[]).unwrap().profile, Profile::Production);
}
