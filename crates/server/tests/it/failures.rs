//! Failures before the server starts: one line, exit code 2, and no files left behind.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, chown},
    path::PathBuf,
    process::Command,
};

use crate::support::{Finished, Server, doorward, finish, path, run, token};

/// Asserts that a program failed with one line, and returns it without `doorward: `.
fn line(finished: &Finished) -> &str {
    assert_eq!((finished.code, &*finished.stdout), (Some(2), ""), "{finished:?}");
    let line = finished.stderr.strip_suffix('\n').unwrap();
    assert!(!line.contains('\n'), "{finished:?}");
    line.strip_prefix("doorward: ").unwrap_or_else(|| panic!("{finished:?}"))
}

/// Runs `doorward serve` in a folder, with further arguments.
fn serve(folder: &tempfile::TempDir, more: &[&str]) -> Finished {
    let data = folder.path().join("data");
    let mut arguments = vec!["serve", "--data-dir", path(&data)];
    if !more.contains(&"--listen") {
        arguments.extend(["--listen", "localhost:0"]);
    }
    arguments.extend(more);
    run(&arguments)
}

#[test]
fn a_bad_command_line_is_explained() {
    let cases: [(&[&str], &str); 9] = [
        (&["--nonsense"], "unexpected argument '--nonsense' found"),
        (&["nonsense"], "unrecognized subcommand 'nonsense'"),
        (&["serve", "--lisen", "localhost:0"], "unexpected argument '--lisen' found; a similar"),
        (&["serve", "extra"], "unexpected argument 'extra' found"),
        (&["serve", "--listen"], "a value is required for '--listen <HOST:PORT>'"),
        (&["serve", "--listen", "localhost"], "invalid value 'localhost' for '--listen"),
        (&["token"], "the following required arguments were not provided: --sub <USER>"),
        (&["token", "--sub", "alice", "--ttl", "2h"], "invalid value '2h' for '--ttl <TIME>': the"),
        (&["token", "--sub", "alice", "--ttl", "five"], "invalid value 'five' for '--ttl <TIME>'"),
    ];
    for (arguments, expected) in cases {
        let failed = run(arguments);

        assert!(line(&failed).starts_with(expected), "{failed:?}");
    }
}

#[test]
fn a_bad_subject_gets_no_token() {
    let folder = tempfile::tempdir().unwrap();

    for subject in ["", "a\nb", "a\u{202e}b", &"a".repeat(256)] {
        let failed = run(&["token", "--sub", subject, "--data-dir", path(folder.path())]);

        assert!(line(&failed).contains("1-255 printable characters"), "{failed:?}");
    }
}

#[test]
fn an_error_of_the_configuration_names_file_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("doorward.toml");
    let cases = [
        ("listen = 'localhost:0'\n\n%garbage", ":3:9: key with no value"),
        ("\n[token]\nisuer = 'me'", ":3:1: there is no setting \"token.isuer\"; did you mean "),
        (
            "public_url = 'http://localhost/../chat'",
            ":1:14: behind host and port there may be a path",
        ),
        (
            "[origins]\nallow = ['http://localhost/chat']",
            ":2:9: an origin ends after host and port",
        ),
        (
            "[limits]\nmax_rooms = 0",
            ":2:13: the limit max_rooms is 0, and must be from 1 to 1000000",
        ),
    ];
    for (text, expected) in cases {
        fs::write(&file, text).unwrap();
        let commands: [&[&str]; 2] = [&["serve"], &["token", "--sub", "alice"]];
        for command in commands {
            let failed = run(&[command, &["--config", path(&file)]].concat());

            let expected = format!("{}{expected}", file.display());
            assert!(line(&failed).starts_with(&expected), "{failed:?}");
        }
    }
}

#[test]
fn a_missing_or_unreadable_configuration_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join("binary.toml");
    fs::write(&binary, [0xFF, 0xFE]).unwrap();

    for file in [&folder.path().join("missing.toml"), folder.path(), &binary] {
        let failed = serve(&folder, &["--config", path(file)]);

        let expected = format!("cannot read the configuration file {}: ", file.display());
        assert!(line(&failed).starts_with(&expected), "{failed:?}");
    }
    assert!(!folder.path().join("data").exists());
}

/// Makes a folder whose data directory has a key; returns both paths.
fn folder_with_key() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    token(&folder.path().join("data"));
    let key = folder.path().join("data/token-key.pem");
    (folder, key)
}

#[test]
fn a_malformed_key_is_refused_and_kept() {
    let (folder, key) = folder_with_key();
    let data = folder.path().join("data");

    for garbage in ["", "garbage", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
    {
        fs::write(&key, garbage).unwrap();
        let failures =
            [serve(&folder, &[]), run(&["token", "--sub", "alice", "--data-dir", path(&data)])];
        for failed in &failures {
            let expected = format!("cannot use the key {}: ", key.display());
            let line = line(failed);
            assert!(line.starts_with(&expected), "{failed:?}");
            assert!(
                line.contains(": the text is not a private key") || line.contains(": the key is "),
                "{failed:?}"
            );
        }
        assert_eq!(fs::read_to_string(&key).unwrap(), garbage);
    }
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let (folder, key) = folder_with_key();
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();

    let failed = serve(&folder, &[]);

    let expected = format!("the key {} is open to others (mode 0644)", key.display());
    assert!(line(&failed).starts_with(&expected), "{failed:?}");
    assert!(line(&failed).ends_with(&format!("chmod 600 {}", key.display())), "{failed:?}");
}

#[test]
fn a_key_that_is_a_directory_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("data/token-key.pem");
    fs::create_dir_all(&key).unwrap();
    // On some machines the umask lets the group write, which would be refused first.
    fs::set_permissions(folder.path().join("data"), Permissions::from_mode(0o700)).unwrap();

    let failed = serve(&folder, &[]);

    assert_eq!(line(&failed), format!("the key {} is not a file", key.display()));
}

#[test]
fn a_key_that_is_a_fifo_is_refused_at_once() {
    let (folder, key) = folder_with_key();
    fs::remove_file(&key).unwrap();
    assert!(Command::new("mkfifo").arg(&key).status().unwrap().success());

    let failed = serve(&folder, &[]);

    assert_eq!(line(&failed), format!("the key {} is not a file", key.display()));
}

#[test]
fn a_key_or_a_data_directory_of_another_user_is_refused() {
    for name in ["data/token-key.pem", "data"] {
        let (folder, _) = folder_with_key();
        let theirs = folder.path().join(name);
        let Ok(()) = chown(&theirs, Some(4321), None) else {
            // Only root can change the owner. The check itself has unit tests.
            return;
        };

        let failed = serve(&folder, &[]);

        let expected = format!("{} belongs to user 4321, but this runs as ", theirs.display());
        assert!(line(&failed).contains(&expected), "{failed:?}");
    }
}

#[test]
fn a_data_directory_in_which_others_write_is_refused() {
    let (folder, _) = folder_with_key();
    let data = folder.path().join("data");
    fs::set_permissions(&data, Permissions::from_mode(0o777)).unwrap();

    let failed = serve(&folder, &[]);

    let expected = format!("the data directory {} (mode 0777)", data.display());
    assert!(line(&failed).contains(&expected), "{failed:?}");
    assert!(line(&failed).ends_with(&format!("chmod go-w {}", data.display())), "{failed:?}");
}

#[test]
fn a_data_directory_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();

    let failed = run(&["token", "--sub", "alice", "--data-dir", path(&file.join("data"))]);

    assert!(line(&failed).contains(path(&file)), "{failed:?}");
}

#[test]
fn a_port_in_use_is_named_and_no_files_are_created() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let address = format!("localhost:{}", server.port());

    let failed = serve(&folder, &["--listen", &address]);

    assert!(line(&failed).contains(&format!(":{}", server.port())), "{failed:?}");
    assert!(line(&failed).contains("--listen"), "{failed:?}");
    assert!(!folder.path().join("data").exists());
    assert_eq!(server.request("GET", "/healthz").status, 200);
}

/// Each line names the setting or file at fault and what to do; none shows a password.
#[tokio::test]
async fn a_failed_start_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("doorward.toml");
    let text = folder.path().join("text.db");
    fs::write(&text, "no database").unwrap();
    fs::set_permissions(&text, Permissions::from_mode(0o600)).unwrap();
    // The port is bound without listening: connections are refused, and no other program gets the port.
    let silent = tokio::net::TcpSocket::new_v4().unwrap();
    silent.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let away = silent.local_addr().unwrap();
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap();
    let cases = [
        (
            format!("[redis]\nurl = 'redis://:canary@{away}'"),
            format!(
                "Redis does not answer, and this node has no signing key yet (the store does not answer: {away} "
            ),
        ),
        (
            "[redis]\nurl = 'redis://:canary@/x/y'".to_owned(),
            "cannot use Redis: the URL of Redis cannot be read: write redis://".to_owned(),
        ),
        (
            format!("[database]\nurl = 'postgres://me:canary@{away}/doorward'"),
            "cannot use database.url: PostgreSQL ".to_owned(),
        ),
        (
            format!("[database]\nurl = 'sqlite:{}'", text.display()),
            format!("{} is not an SQLite database: name another file, or move", text.display()),
        ),
        ("data_dir = '/proc/doorward'".to_owned(), "/proc/doorward".to_owned()),
        (
            format!("[metrics]\nlisten = '{taken}'"),
            format!("cannot listen on {taken}, where another program"),
        ),
        (
            "[audit]\nsink = 'file'\nfile = '/proc/audit.jsonl'".to_owned(),
            "/proc/audit.jsonl".to_owned(),
        ),
        (
            "public_url = 'https://192.0.2.1'".to_owned(),
            "passkeys need a public URL with a host name".to_owned(),
        ),
        (
            "trusted_proxies = ['0.0.0.0/0']".to_owned(),
            "trusted_proxies are addresses or networks".to_owned(),
        ),
    ];
    for (config, expected) in cases {
        fs::write(&file, &config).unwrap();
        let data = folder.path().join("data");
        let mut arguments = vec!["serve", "--listen", "localhost:0", "--config", path(&file)];
        if !config.contains("data_dir") {
            arguments.extend(["--data-dir", path(&data)]);
        }

        let failed = run(&arguments);

        assert_eq!((failed.code, &*failed.stdout), (Some(2), ""), "{config}: {failed:?}");
        let last = failed.stderr.lines().last().unwrap();
        assert!(last.starts_with("doorward: ") && last.contains(&expected), "{config}: {failed:?}");
        assert!(!failed.stderr.contains("canary"), "{config}: {failed:?}");
    }
    drop((silent, held));
}

#[test]
fn an_address_of_another_machine_is_named() {
    let folder = tempfile::tempdir().unwrap();

    // TEST-NET-1 (RFC 5737, section 3) is assigned to no machine.
    let failed = serve(&folder, &["--listen", "192.0.2.1:0"]);

    assert!(
        line(&failed)
            .starts_with("cannot listen on 192.0.2.1:0, which is no address of this machine: "),
        "{failed:?}"
    );
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_log_filter_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = doorward(&["serve", "--listen", "localhost:0", "--data-dir", path(&data)]);

    let failed = finish(command.env("DOORWARD_LOG", "doorward=loud"));

    assert!(line(&failed).starts_with("DOORWARD_LOG is no log filter"), "{failed:?}");
    assert!(!data.exists());
}

/// Unauthenticated clients must not be able to fill the log or to raise alarms: a refusal writes one line
/// of bounded length below the level of warnings.
#[test]
fn requests_of_strangers_write_few_lines_and_no_warnings() {
    let server = Server::start();
    let host = format!("Host: localhost:{}\r\n", server.port());
    let noise = format!("{host}Origin: {}\r\n", "\u{ff}".repeat(6_000));
    let own = format!("{host}Origin: http://localhost:{}\r\n", server.port());

    for _ in 0..50 {
        assert_eq!(server.request_with("POST", "/auth/session", &noise).status, 403);
        server.request_with("POST", "/auth/passkeys/authenticate/verify", &own);
    }

    let log = server.stop();
    assert!(log.len() < 30_000, "{} bytes", log.len());
    assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
}

/// The server does not fall back to plain HTTP.
#[test]
fn a_certificate_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("c.toml");
    fs::write(&config, "[tls]\ncertificate = 'a.crt'\nkey = 'a.key'\n").unwrap();

    let missing = serve(&folder, &["--config", path(&config)]);
    fs::write(folder.path().join("a.crt"), "not PEM").unwrap();
    let broken = serve(&folder, &["--config", path(&config)]);

    assert!(
        line(&missing)
            .starts_with("cannot serve TLS with tls.certificate and tls.key: cannot read \""),
        "{missing:?}"
    );
    assert!(line(&broken).contains("a.crt\" contains no readable certificate"), "{broken:?}");
    assert!(!folder.path().join("data").exists());
}

/// The command connects to a plain port only.
#[test]
fn bots_need_a_plain_port() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("c.toml");
    fs::write(&config, "[tls]\ncertificate = 'a.crt'\nkey = 'a.key'\n").unwrap();

    let failed = run(&["bots", "--config", path(&config)]);

    assert!(
        line(&failed).starts_with("bots need plain HTTP over TCP, but tls is set"),
        "{failed:?}"
    );
}

/// Otherwise the next start would report that the database was lost, and refuse every credential from before.
#[test]
fn a_start_that_fails_does_not_count_as_use_of_the_directory() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("c.toml");
    fs::write(&config, "profile = \"production\"\n").unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, Permissions::from_mode(0o700)).unwrap();

    let refused = serve(&folder, &["--config", path(&config)]);

    assert!(line(&refused).contains("make one: doorward keys create"), "{refused:?}");
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
}

/// A token of a wrong directory is accepted nowhere.
#[test]
fn a_token_with_a_new_key_comes_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["token", "--sub", "alice", "--data-dir", path(folder.path())];

    let (first, second) = (run(&arguments), run(&arguments));

    assert!(first.stderr.contains("a new one was made"), "{first:?}");
    assert_eq!((second.code, &*second.stderr), (Some(0), ""));
}

#[test]
fn a_backup_that_fails_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backup");

    let failed = run(&["backup", path(&to), "--data-dir", path(&folder.path().join("none"))]);

    assert_eq!(failed.code, Some(2), "{failed:?}");
    assert!(!to.exists());
}
