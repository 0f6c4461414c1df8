//! Tests of the configuration file, the environment and the options.

use std::{ffi::OsString, fs, path::Path};

use super::*;

/// Writes a file with this text. Its folder is removed when the first value is dropped.
fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

/// Loads a configuration file with this text, without other options.
fn loaded(text: &str) -> Config {
    let (_folder, path) = written(text);
    Config::load(&PlaceOptions { data_dir: None, config: Some(path) }, None).unwrap()
}

#[test]
fn without_a_file_there_are_defaults() {
    let config = Config::load(&PlaceOptions::default(), None).unwrap();

    assert_eq!(config.listener.address.to_string(), "localhost:3000");
    assert_eq!(config.data_dir, Path::new("./doorward-data"));
    assert_eq!(config.public_url, None);
    assert_eq!(config.token.issuer.as_str(), "doorward");
    assert_eq!(config.token.audience.as_str(), "doorward");
    assert_eq!(config.limits, Limits::default());
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

    assert_eq!(config.listener.address.to_string(), "0.0.0.0:80");
    assert_eq!(config.data_dir, Path::new("/var/lib/doorward"));
    assert_eq!(config.public_url, Some("https://chat.example.org".parse().unwrap()));
    assert_eq!((config.token.issuer.as_str(), config.token.audience.as_str()), ("i", "a"));
    let limits = config.limits;
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

    assert_eq!(config.listener.address.to_string(), "[::]:2");
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
        ("\n\nlisen = 'x'", "3:1: there is no setting \"lisen\"; did you mean \"listen\"?"),
        (
            "[token]\nisuer = 'x'",
            "2:1: there is no setting \"token.isuer\"; did you mean \"token.issuer\"?",
        ),
        ("[sesion]\nstore = 'x'", "1:2: there is no setting \"sesion\"; did you mean \"session\"?"),
        ("issuer = 'x'", "1:1: there is no setting \"issuer\"; did you mean \"token.issuer\"?"),
        ("colour = 'x'", "1:1: there is no setting \"colour\"; doorward --help names all"),
        (
            "[session]\nstore = 'redi'",
            "2:9: write \"memory\", \"redis\" or \"sqlite\"; did you mean \"redis\"?",
        ),
        ("apps = ['chatt']", "1:8: write \"chat\" or \"whack-a-mole\"; did you mean \"chat\"?"),
        ("apps = 'chat'", "1:8: invalid type: string \"chat\", expected a sequence"),
        ("profile = 'live'", "1:11: write \"development\" or \"production\""),
        ("[connections]\nper_user = 0", "2:12: write a whole number, 1 at least"),
        ("listen = 3000", "1:10: invalid type: integer `3000`, expected a string"),
        ("listen = '3000'", "1:10: write HOST:PORT, such as "),
        ("\npublic_url = 'localhost'", "2:14: an origin begins with http:// or https://"),
        ("[token]\naudience = ''", "2:12: issuer and audience are 1-255 printable characters"),
        ("redis = 'redis://:x@host'", "1:9: \"redis\" is a table of settings; write them in it"),
        (
            "[limits]\nmax_room = 1",
            "2:1: there is no setting \"limits.max_room\"; did you mean \"limits.max_rooms\"?",
        ),
        (
            "[limits]\nmax_rooms = 0",
            "2:13: the limit max_rooms is 0, and must be from 1 to 1000000",
        ),
        (
            "[limits]\nmax_rooms = -1",
            "2:13: the limit max_rooms is -1, and must be from 1 to 1000000",
        ),
        (
            "[limits]\nmax_rooms = 10000000",
            "2:13: the limit max_rooms is 10000000, and must be from 1",
        ),
        ("[limits]\nmax_rooms = 1.5", "2:13: invalid type: floating point"),
        ("[limits]\nmax_rooms = '9'", "2:13: invalid type: string"),
        (
            "[limits]\nack_timeout = '2d'",
            "2:15: the limit ack_timeout is 2d, and must be from 100ms to 1d",
        ),
        ("[limits]\nack_timeout = 20", "2:15: invalid type: integer"),
        ("listen = 'unix:d.sock'", "1:10: write the absolute path of a Unix socket, such as "),
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

/// Loads a configuration file with this text, and these environment variables.
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

    assert_eq!(config.listener.address.to_string(), "localhost:2");
    assert_eq!(config.data_dir, Path::new("option"));
    assert_eq!((config.token.issuer.as_str(), config.token.audience.as_str()), ("7", "f"));
    assert_eq!(option.listener.address.to_string(), "localhost:3");
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
    assert_eq!(config.links, PerUser::Unlimited);
    assert_eq!(config.sockets, PerUser::ReplaceOldest(2));
    assert_eq!(config.session.idle_timeout, "30m".parse().unwrap());
    assert_eq!(config.metrics.unwrap().to_string(), "localhost:9090");
}

/// A native application has an origin for its embedded pages, and one for its passkeys.
#[test]
fn applications_are_allowed_by_name() {
    let key_hash = "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
    let allow = |origins: &str| {
        let text = format!(
            "profile = 'production'\npublic_url = 'https://chat.example.org'\n[origins]\nallow = {origins}"
        );
        joined(&text, &[]).map(|config| config.origins)
    };

    let origins = allow(&format!("['capacitor://localhost', 'https://localhost', '{key_hash}']"));

    let origins: Vec<_> = origins.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(origins, ["capacitor://localhost", "https://localhost", key_hash]);
    for wrong in ["'*'", "'null'", "'capacitor://*'", "'android:apk-key-hash:short'", "'file://'"] {
        assert!(allow(&format!("[{wrong}]")).is_err(), "{wrong}");
    }
}

#[test]
fn a_variable_that_cannot_be_used_is_named_and_its_value_is_not() {
    let secret = "redis-canary";
    let cases = [
        (
            "DOORWARD_LISEN",
            secret,
            "there is no setting of this name; did you mean DOORWARD_LISTEN?",
        ),
        (
            "DOORWARD_SESION__STORE",
            "x",
            "there is no setting of this name; did you mean DOORWARD_SESSION__STORE?",
        ),
        ("DOORWARD_TOKEN__ISUER", secret, "did you mean DOORWARD_TOKEN__ISSUER?"),
        ("DOORWARD_COLOUR", secret, "there is no setting of this name; doorward --help names all"),
        (
            "DOORWARD_REDIS",
            secret,
            "names a table of settings; set one of them, such as DOORWARD_REDIS__URL",
        ),
        ("DOORWARD_SESSION__STORE", secret, "write \"memory\", \"redis\" or \"sqlite\""),
        (
            "DOORWARD_SESSION__STORE",
            "sqlit",
            "write \"memory\", \"redis\" or \"sqlite\"; did you mean \"sqlite\"?",
        ),
        ("REDIS_URL", secret, "write a URL"),
        ("DOORWARD_ORIGINS__ALLOW", "[\"x\"]", "an origin begins with http:// or https://"),
        (
            "DOORWARD_ORIGINS__ALLOW",
            "https://a.example",
            "write a list, such as [\"one\", \"two\"]",
        ),
        ("DOORWARD_CONNECTIONS__PER_USER", "many", "write a whole number"),
        ("DOORWARD_CONNECTIONS__PER_USER", "0", "write a whole number, 1 at least"),
        ("DOORWARD_CONNECTIONS__PER_NAMESPACE", "yes", "write true or false"),
        (
            "DOORWARD_LIMITS__MAX_ROOMS",
            "0",
            "the limit max_rooms is 0, and must be from 1 to 1000000",
        ),
        ("DOORWARD_LIMITS__MAX_ROOM", "1", "did you mean DOORWARD_LIMITS__MAX_ROOMS?"),
    ];
    for (name, value, expected) in cases {
        let failure = joined("", &[(name, value)]).unwrap_err();

        assert!(
            failure.starts_with(&format!("doorward: the environment variable {name}: ")),
            "{failure}"
        );
        assert!(failure.contains(expected), "{failure}");
        assert!(!failure.contains(secret), "{failure}");
    }
}

/// Sets a limit in two ways: in a configuration file, and in an environment variable.
fn as_settings(
    limit: &doorward::server::Limit,
    value: doorward::server::LimitValue,
) -> [(String, String); 2] {
    let (name, text) = (limit.name(), value.to_string());
    let quoted = if value.time().is_some() { format!("'{text}'") } else { text.clone() };
    [
        (format!("[limits]\n{name} = {quoted}"), String::new()),
        (String::new(), format!("DOORWARD_LIMITS__{}={text}", name.to_ascii_uppercase())),
    ]
}

#[test]
fn every_limit_is_a_setting_of_the_same_name() {
    for limit in Limits::ALL {
        for (file, variable) in as_settings(limit, limit.default()) {
            let variables: Vec<_> = variable.split_once('=').into_iter().collect();

            let config = joined(&file, &variables).unwrap();

            assert_eq!(config.limits, Limits::default(), "{}", limit.name());
        }
        // The maximum of one limit may contradict the default of another. Then the error names
        // both.
        for (file, variable) in as_settings(limit, limit.most()) {
            let variables: Vec<_> = variable.split_once('=').into_iter().collect();

            match joined(&file, &variables) {
                Ok(config) => assert_eq!(limit.get(&config.limits), limit.most()),
                Err(failure) => assert!(failure.contains("contradict each other"), "{failure}"),
            }
        }
    }
}

#[test]
fn limits_of_the_environment_beat_those_of_the_file_one_by_one() {
    let file = "[limits]\nmax_rooms = 1\nmax_streams = 2\nack_timeout = '1m'";

    let limits = joined(file, &[("DOORWARD_LIMITS__MAX_ROOMS", "3")]).unwrap().limits;

    assert_eq!((limits.max_rooms, limits.max_streams, limits.ack_timeout.as_secs()), (3, 2, 60));
}

#[test]
fn limits_that_contradict_each_other_are_both_named() {
    let failure = joined("[limits]\nmax_connect = 100000", &[]).unwrap_err();

    assert_eq!(
        failure,
        "doorward: the settings contradict each other: the limit max_connect is 100000, and must not be more \
         than max_unauthenticated, which is 65536"
    );
}

#[test]
fn redis_is_taken_when_it_is_named() {
    let url = ("REDIS_URL", "redis://:secret@localhost:6379");

    let named = joined("", &[url]).unwrap();
    let unused = joined("[session]\nstore = 'sqlite'", &[url]).unwrap();
    let ours = joined("", &[url, ("DOORWARD_REDIS__URL", "redis://ours")]).unwrap();
    let missing = joined("[session]\nstore = 'redis'", &[]).unwrap_err();

    let StoreConfig::Redis(redis) = &named.session.store else { panic!("{named:?}") };
    assert_eq!(redis.url.expose(), url.1);
    assert!(matches!(unused.session.store, StoreConfig::Sqlite));
    let StoreConfig::Redis(ours) = &ours.session.store else { panic!("{ours:?}") };
    assert_eq!(ours.url.expose(), "redis://ours");
    assert!(missing.contains("REDIS_URL"), "{missing}");
    assert!(!format!("{named:?}").contains("secret"));
}

#[test]
fn the_bridge_is_off_unless_it_is_turned_on() {
    let bridge =
        |text: &str, variables: &[(&str, &str)]| joined(text, variables).map(|it| it.bridge);
    let on = "[redis]\nurl = 'redis://one'\n[redis.socket_io]\nenabled = true\n";

    assert_eq!(bridge("", &[("REDIS_URL", "redis://one")]), Ok(None));
    assert_eq!(bridge("[redis.socket_io]\nurl = 'redis://two'", &[]), Ok(None));
    let shared = bridge(on, &[]).unwrap().unwrap();
    assert_eq!((shared.url.expose(), shared.key), ("redis://one", None));
    let own = [
        ("DOORWARD_REDIS__SOCKET_IO__ENABLED", "true"),
        ("DOORWARD_REDIS__SOCKET_IO__KEY", "shop"),
        ("DOORWARD_REDIS__SOCKET_IO__URL", "redis://bridge:canary@two"),
    ];
    let own = bridge("", &own).unwrap().unwrap();
    assert_eq!(own.url.expose(), "redis://bridge:canary@two");
    assert!(own.key.as_ref().is_some_and(|key| key.as_str() == "shop"));
    assert!(!format!("{own:?}").contains("canary"));
    let nowhere = bridge("[redis.socket_io]\nenabled = true", &[]).unwrap_err();
    assert!(nowhere.contains("set redis.socket_io.url or redis.url"), "{nowhere}");
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

/// Attack 105 in `docs/attacks.md`: starting with insecure settings.
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

#[test]
fn the_files_of_a_certificate_are_relative_to_the_configuration() {
    let (folder, path) = written("[tls]\ncertificate = 'a.crt'\nkey = '/b.key'");
    let place = PlaceOptions { data_dir: None, config: Some(path) };

    let config = Config::load(&place, None).unwrap();

    let files =
        listener::TlsFiles { certificate: folder.path().join("a.crt"), key: "/b.key".into() };
    assert_eq!(config.listener.tls, Some(files));
    assert_eq!(config.local_url(3000).to_string(), "https://localhost:3000");
}

/// Clients could not connect, or would all count as one client.
#[test]
fn a_listener_that_cannot_work_is_refused() {
    let unix = "listen = 'unix:/run/d.sock'\n";
    let cases = [
        ("[tls]\ncertificate = 'a.crt'", Some("tls.key is missing")),
        ("[tls]\nkey = 'a.key'", Some("tls.certificate is missing")),
        (
            "[tls]\ncertificate = 'a'\nkey = '-----BEGIN PRIVATE KEY-----'",
            Some("tls.certificate and tls.key are paths of files: write"),
        ),
        (
            "public_url = 'http://a.org'\n[tls]\ncertificate = 'a'\nkey = 'b'",
            Some("public_url is http://a.org, but tls is set: begin public_url with https://"),
        ),
        ("public_url = 'https://a.org'\n[tls]\ncertificate = 'a'\nkey = 'b'", None),
        ("proxy_protocol = true", Some("proxy_protocol is set, but trusted_proxies is empty")),
        ("proxy_protocol = true\ntrusted_proxies = ['10.0.0.0/8']", None),
        (unix, Some("listen is a Unix socket: set public_url")),
        (
            &format!("{unix}public_url = 'https://a.org'\ntrusted_proxies = ['10.0.0.1']"),
            Some("listen is a Unix socket, but its proxy is not trusted"),
        ),
        (&format!("{unix}public_url = 'https://a.org'\ntrusted_proxies = ['127.0.0.0/8']"), None),
        ("[metrics]\nlisten = 'unix:/run/m.sock'", Some("metrics.listen cannot be a Unix socket")),
    ];
    for (text, expected) in cases {
        let (_folder, path) = written(text);
        let place = PlaceOptions { data_dir: None, config: Some(path) };
        let failure = Config::load(&place, None).err().map(|failure| failure.to_string());
        match expected {
            None => assert_eq!(failure, None, "{text}"),
            Some(part) => assert!(failure.is_some_and(|line| line.contains(part)), "{text}"),
        }
    }
}
