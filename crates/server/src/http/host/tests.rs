//! Tests of the hosts that the server answers.

use super::*;

fn hosts(public_url: &str, addresses: &[&str]) -> Hosts {
    let addresses: Vec<_> = addresses.iter().map(|at| at.parse().unwrap()).collect();
    Hosts::new(&public_url.parse().unwrap(), &addresses, &[])
}

fn local() -> Hosts {
    hosts("http://localhost:3000", &["127.0.0.1:3000", "[::1]:3000"])
}

/// Returns the verdict on a request with these `Host` headers.
fn check(hosts: &Hosts, uri: &str, named: &[&str]) -> Verdict {
    let mut headers = HeaderMap::new();
    for host in named {
        headers.append(header::HOST, host.parse().unwrap());
    }
    hosts.check(&uri.parse().unwrap(), &headers)
}

#[test]
fn a_local_server_is_localhost_and_its_addresses_lead_there() {
    for host in ["localhost:3000", "LocalHost:3000"] {
        assert_eq!(check(&local(), "/", &[host]), Verdict::Own, "{host}");
    }
    for host in ["127.0.0.1:3000", "[::1]:3000"] {
        assert_eq!(check(&local(), "/", &[host]), Verdict::Alias, "{host}");
    }
}

#[test]
fn other_hosts_are_misdirected() {
    let names = [
        "evil.example",
        "evil.example:3000",
        "localhost",
        "localhost:3001",
        "localhost:03000",
        "localhost.:3000",
        "localhost:3000.",
        "localhost:3000@evil.example",
        "me@localhost:3000",
        "localhost:3000.evil.example",
        "xlocalhost:3000",
        "127.0.0.2:3000",
        "127.1:3000",
        "2130706433:3000",
        "::1:3000",
        "[::ffff:127.0.0.1]:3000",
        "0.0.0.0:3000",
        "localhost:3000, evil.example",
        "",
    ];
    for host in names {
        assert_eq!(check(&local(), "/", &[host]), Verdict::Misdirected, "{host:?}");
    }
}

#[test]
fn a_request_names_exactly_one_host() {
    assert_eq!(check(&local(), "/", &[]), Verdict::Malformed);
    assert_eq!(check(&local(), "/", &["localhost:3000", "localhost:3000"]), Verdict::Malformed);
    let absolute = "http://localhost:3000/";
    assert_eq!(check(&local(), absolute, &["localhost:3000"]), Verdict::Own);
    assert_eq!(check(&local(), absolute, &["evil.example"]), Verdict::Malformed);
    assert_eq!(check(&local(), "http://evil.example/", &["localhost:3000"]), Verdict::Malformed);
}

#[test]
fn a_public_server_is_what_it_is_called() {
    let public = hosts("https://chat.example.org", &["0.0.0.0:3000"]);

    for host in ["chat.example.org", "Chat.Example.org", "chat.example.org:443"] {
        assert_eq!(check(&public, "/", &[host]), Verdict::Own, "{host}");
    }
    // These are the hosts of clients on the machine, and of a proxy that forwards no host.
    for host in ["localhost:3000", "127.0.0.1:3000", "[::1]:3000"] {
        assert_eq!(check(&public, "/", &[host]), Verdict::Own, "{host}");
    }
    for host in ["chat.example.org:3000", "chat.example.org:80", "chat.example.org.", "10.0.0.1"] {
        assert_eq!(check(&public, "/", &[host]), Verdict::Misdirected, "{host}");
    }
}

#[test]
fn a_server_on_another_address_is_not_called_localhost() {
    let remote = hosts("http://chat.example.org", &["192.0.2.1:80"]);

    assert_eq!(check(&remote, "/", &["chat.example.org"]), Verdict::Own);
    for host in ["localhost", "localhost:80", "127.0.0.1", "192.0.2.1"] {
        assert_eq!(check(&remote, "/", &[host]), Verdict::Misdirected, "{host}");
    }
}

#[test]
fn the_port_of_http_need_not_be_written() {
    let local = hosts("http://localhost:80", &["127.0.0.1:80"]);

    for (host, expected) in [
        ("localhost", Verdict::Own),
        ("localhost:80", Verdict::Own),
        ("127.0.0.1", Verdict::Alias),
        ("[::1]", Verdict::Alias),
    ] {
        assert_eq!(check(&local, "/", &[host]), expected, "{host}");
    }
}

#[test]
fn a_mapped_port_leads_to_the_public_one() {
    let mapped = hosts("http://localhost:8080", &["0.0.0.0:3000"]);

    for host in ["127.0.0.1:8080", "127.0.0.1:3000"] {
        assert_eq!(check(&mapped, "/", &[host]), Verdict::Alias, "{host}");
    }
    let response = mapped.redirect(&"/a?b".parse().unwrap());
    assert_eq!(response.headers()[header::LOCATION], "http://localhost:8080/a?b");
}

#[test]
fn a_redirect_stays_at_home() {
    let cases = [
        ("/", "/"),
        ("/a/../b?c=d", "/a/../b?c=d"),
        ("//evil.example", "//evil.example"),
        ("/\\evil.example", "/\\evil.example"),
        ("/@evil.example", "/@evil.example"),
        ("*", "/"),
        ("evil.example:80", "/"),
        ("http://evil.example/x", "/x"),
    ];
    for (uri, path) in cases {
        let Ok(uri) = uri.parse() else { continue };
        let response = local().redirect(&uri);

        assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT);
        let location = response.headers()[header::LOCATION].to_str().unwrap();
        assert_eq!(location, format!("http://localhost:3000{path}"));
    }
}

/// A further name may be the name of a container.
#[test]
fn further_names_are_answered_to() {
    let allowed =
        ["doorward", "Chat.internal:3000"].map(|name| name.to_owned().try_into().unwrap());
    let addresses = ["0.0.0.0:3000".parse().unwrap()];
    let hosts = Hosts::new(&"https://chat.example.org".parse().unwrap(), &addresses, &allowed);

    for host in
        ["doorward", "Doorward:3000", "doorward:80", "chat.internal:3000", "chat.example.org"]
    {
        assert_eq!(check(&hosts, "/", &[host]), Verdict::Own, "{host}");
    }
    for host in [
        "chat.internal",
        "chat.internal:80",
        "doorward.evil.example",
        "doorward:",
        "doorward:x",
        "xdoorward",
    ] {
        assert_eq!(check(&hosts, "/", &[host]), Verdict::Misdirected, "{host}");
    }
}
