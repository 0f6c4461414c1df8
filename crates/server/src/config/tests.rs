//! What a configuration file may say.

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
         [limits]\nmax_unauthenticated_links = 5000\n",
    );

    assert_eq!(config.listen.as_str(), "0.0.0.0:80");
    assert_eq!(config.data_dir, Path::new("/var/lib/doorward"));
    assert_eq!(config.public_url, Some("https://chat.example.org".parse().unwrap()));
    assert_eq!((config.token.issuer.as_str(), config.token.audience.as_str()), ("i", "a"));
    assert_eq!(config.limits.limits().max_unauthenticated_links, 5000);
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
        ("\npublic_url = 'localhost'", "2:14: public_url must begin with http:// or https://"),
        ("[token]\naudience = ''", "2:12: issuer and audience are 1-255 printable characters"),
        ("token = 'x'", "1:9: invalid type: "),
        ("[limits]\ninbox = 1", "2:1: unknown field `inbox`, expected `max_unauthenticated_links`"),
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
