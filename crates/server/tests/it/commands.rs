//! Commands that succeed: their output, their files and how they end.

use std::{fs, io::pipe, os::unix::fs::PermissionsExt, path::Path};

use crate::support::{Server, doorward, finish, path, run, token};

#[test]
fn a_token_is_printed_as_one_line() {
    let folder = tempfile::tempdir().unwrap();

    assert_eq!(run(&["keys", "create", "--data-dir", path(folder.path())]).code, Some(0));

    let made = run(&["token", "--sub", "alice", "--data-dir", path(folder.path())]);

    assert_eq!((made.code, &*made.stderr), (Some(0), ""));
    let token = made.stdout.strip_suffix('\n').unwrap();
    assert_eq!(token.split('.').count(), 3);
    assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)), "{token}");
}

#[test]
fn the_key_is_created_once_and_readable_by_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;

    let first = token(&data);
    let key = fs::read(data.join("token-key.pem")).unwrap();
    let second = token(&data);

    assert_eq!((mode(&data), mode(&data.join("token-key.pem"))), (0o700, 0o600));
    assert_eq!(fs::read(data.join("token-key.pem")).unwrap(), key);
    assert_ne!(first, second);
}

#[test]
fn help_and_version_succeed() {
    for arguments in [&["--help"][..], &["help"], &["serve", "--help"], &["--version"]] {
        let shown = run(arguments);

        assert_eq!((shown.code, &*shown.stderr), (Some(0), ""), "{arguments:?}");
        assert!(!shown.stdout.is_empty(), "{arguments:?}");
    }
    assert!(run(&["token", "--help"]).stdout.contains("at most 1h"));
    assert_eq!(run(&["--version"]).stdout, concat!("doorward ", env!("CARGO_PKG_VERSION"), "\n"));
}

/// Returns the soft and the hard limit of open files of a process.
#[cfg(target_os = "linux")]
fn file_limits(process: u32) -> (String, String) {
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let mut words = line.split_whitespace().map(str::to_owned);
    (words.next().unwrap(), words.next().unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_raises_its_limit_of_open_files_to_the_hard_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};

    // A child process inherits the limits of this one. One file less does not hurt the other tests of
    // this process.
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum.map(|maximum| maximum.min(1 << 16) - 1);
    setrlimit(Resource::Nofile, limit).unwrap();
    let (soft, hard) = file_limits(std::process::id());
    assert_ne!(soft, hard);

    let server = Server::start();

    assert_eq!(file_limits(server.id()), (hard.clone(), hard));
}

#[test]
fn a_server_prints_its_address_and_how_to_get_a_token() {
    let server = Server::start();
    let (port, data) = (server.port(), server.data_dir().to_owned());
    let config = server.config();

    let said = server.stop();

    let expected = format!(
        "Doorward {} is listening on http://localhost:{port}\n\
         Open it in a browser, or get a token:  doorward token --sub alice --config {} \
         --data-dir {}\n",
        env!("CARGO_PKG_VERSION"),
        config.display(),
        data.display()
    );
    assert!(said.starts_with(&expected), "{said}");
}

#[test]
fn a_signal_shuts_the_server_down() {
    for name in ["TERM", "INT"] {
        let ended = Server::start().end(name);

        assert_eq!(ended.code, Some(0), "{name}: {ended:?}");
    }
}

#[test]
fn a_server_on_all_addresses_hints_at_the_public_url() {
    let server = Server::start_at("0.0.0.0:0", "", |_| {});
    let configured = Server::start_at("0.0.0.0:0", "public_url = 'http://localhost:1'", |_| {});

    let said = server.stop();

    assert!(said.contains("\nHint: this server listens on 0.0.0.0:"), "{said}");
    assert!(!configured.stop().contains("Hint"));
}

#[test]
fn a_closed_standard_output_causes_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let token = ["token", "--sub", "alice", "--data-dir", path(folder.path())];
    let closed = |arguments: &[&str]| {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        finish(doorward(arguments).stdout(writer))
    };

    let made = closed(&token);
    let helped = closed(&["--help"]);

    assert_eq!(made.code, Some(2));
    assert!(made.stderr.starts_with("doorward: cannot print the token: "), "{made:?}");
    assert_eq!((helped.code, &*helped.stderr), (Some(0), ""));
}

#[test]
fn a_server_runs_with_a_closed_standard_output() {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let server = Server::start_with("", |command| {
        command.stdout(writer);
    });

    assert_eq!(server.request("GET", "/healthz").text(), "ok\n");
}

#[test]
fn a_server_runs_with_a_closed_log() {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let server = Server::start_with("", |command| {
        command.stderr(writer).env("DOORWARD_LOG", "trace");
    });

    for _ in 0..3 {
        let evil = server.request_with("GET", "/", "Host: evil.example\r\n");
        assert_eq!(evil.status, 421);
    }
    assert_eq!(server.request("GET", "/healthz").text(), "ok\n");
}

#[test]
fn routes_are_printed_without_creating_a_key() {
    let folder = tempfile::tempdir().unwrap();

    let printed = run(&["routes", "--data-dir", path(folder.path())]);

    assert_eq!((printed.code, &*printed.stderr), (Some(0), ""));
    for line in ["namespace /", "  authenticator  FirstOf", "  events         echo    none"] {
        assert!(printed.stdout.lines().any(|printed| printed == line), "{line}: {printed:?}");
    }
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
}

#[test]
fn the_log_lists_the_policies_of_each_namespace_at_the_start() {
    let said = Server::start().stop();

    let line = said.lines().find(|line| line.contains("Namespace mounted.")).unwrap();
    for field in [
        "namespace=\"/\"",
        "authenticator=\"FirstOf\"",
        "guards=\"none\"",
        "events=\"echo, whoami\"",
    ] {
        assert!(line.contains(field), "{field}: {line}");
    }
    assert!(said.contains("Listening. address=127.0.0.1:"), "{said}");
}
