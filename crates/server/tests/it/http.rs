//! HTTP of the server: pages, files, headers, redirects and host names.

use crate::support::{Answer, Server};

const CLIENT: &[u8] = include_bytes!("../../client/socket.io.esm.min.js");

/// Returns the URL of a server without configuration.
fn local(server: &Server) -> String {
    format!("http://localhost:{}", server.port())
}

/// Sends a request with the header `Host: {host}`.
fn ask(server: &Server, host: &str, path: &str) -> Answer {
    server.request_with("GET", path, &format!("Host: {host}\r\n"))
}

#[test]
fn the_health_probe_answers_for_any_host() {
    let server = Server::start();

    for headers in ["Host: localhost\r\n", "Host: 10.0.0.1:80\r\n", ""] {
        let answer = server.request_with("GET", "/healthz", headers);

        assert_eq!((answer.status, answer.text()), (200, "ok\n"), "{headers:?}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    }
}

#[test]
fn the_page_and_its_files_are_served() {
    let server = Server::start();
    let files = [
        ("/", "text/html; charset=utf-8"),
        ("/assets/home.js", "application/javascript; charset=utf-8"),
        ("/assets/style.css", "text/css; charset=utf-8"),
        ("/assets/icon.svg", "image/svg+xml"),
        ("/assets/texts/ko.js", "application/javascript; charset=utf-8"),
        ("/assets/doorward-client/index.js", "application/javascript; charset=utf-8"),
    ];
    for (path, content_type) in files {
        let answer = server.request("GET", path);

        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), Some(content_type), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
        let host = format!("Host: localhost:{}\r\n", server.port());
        let tag = format!("{host}If-None-Match: {}\r\n", answer.header("etag").unwrap());
        assert_eq!(server.request_with("GET", path, &tag).status, 304, "{path}");
    }
}

/// A debug build reads the pages from the source tree at each request.
#[test]
fn served_pages_equal_those_of_the_source_tree() {
    let server = Server::start();
    let source =
        |path: &str| std::fs::read(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();

    for (path, file) in [
        ("/assets/home.js", "pages/home.js"),
        ("/assets/vendor/standalone.module.js", "pages/vendor/standalone.module.js"),
        ("/assets/doorward-client/index.js", "../../clients/js/src/index.js"),
    ] {
        assert_eq!(server.request("GET", path).body, source(file), "{path}");
    }
    let page = String::from_utf8(source("pages/page.html")).unwrap();
    let page = page.replace("{script}", "home").replace("{apps}", "chat mole");
    assert_eq!(server.request("GET", "/").text(), page.replace("{session}", "none"));
    // A page is another one for a browser with a session, whose cookie may have ended.
    let headers =
        format!("Host: localhost:{}\r\nCookie: theme=dark; __Host-doorward=x\r\n", server.port());
    let with_cookie = server.request_with("GET", "/", &headers);
    assert_eq!(with_cookie.text(), page.replace("{session}", "perhaps"));
    // A browser keeps a strict cookie back if another site has opened the page.
    let headers = format!("Host: localhost:{}\r\nSec-Fetch-Site: cross-site\r\n", server.port());
    let from_elsewhere = server.request_with("GET", "/", &headers);
    assert_eq!(from_elsewhere.text(), page.replace("{session}", "perhaps"));
    assert!(with_cookie.head.lines().any(|line| line == "vary: cookie, sec-fetch-site"));
}

#[test]
fn pages_that_are_not_public_redirect_to_the_sign_in() {
    let server = Server::start();
    let page = |path: &str| {
        let headers = format!("Host: localhost:{}\r\nAccept: text/html\r\n", server.port());
        server.request_with("GET", path, &headers)
    };

    for (path, location) in [
        ("/account", "/?next=/account"),
        ("/chat", "/?next=/chat"),
        ("/mole?room=tea", "/?next=/mole%3Froom%3Dtea"),
        ("/nothing?a=b", "/?next=/nothing%3Fa%3Db"),
        ("/index.html", "/?next=/index.html"),
        ("//evil.example", "/"),
    ] {
        let answer = page(path);

        assert_eq!(answer.status, 303, "{path}");
        assert_eq!(answer.header("location"), Some(location), "{path}");
        assert_eq!(server.request("GET", path).status, 401, "{path}");
    }
    // Only listed files are public, and only by their own path.
    for path in ["/assets/page.html", "/assets/vendor/VENDORED.toml", "/assets/../home.js"] {
        assert_eq!(server.request("GET", path).status, 404, "{path}");
    }
}

#[test]
fn the_page_has_no_inline_script_or_style() {
    let page = Server::start().request("GET", "/").text().to_owned();

    let scripts = page.matches("<script").count();
    let own = page.matches("<script type=\"module\" src=\"assets/home.js\"></script>").count();
    let theme = page.matches("<script src=\"assets/theme.js\"></script>").count();
    assert_eq!((own, theme, scripts), (1, 1, 2));
    for inline in ["<style", " style=", " onclick=", " onload=", "javascript:"] {
        assert!(!page.contains(inline), "{inline}");
    }
}

#[test]
fn every_response_has_the_security_headers() {
    let server = Server::start();
    // Errors of every layer need the headers as well.
    let answers = [
        (200, server.request("GET", "/")),
        (200, server.request("GET", "/healthz")),
        (200, server.request("GET", "/socket.io/socket.io.js")),
        (401, server.request("GET", "/nothing")),
        (404, server.request("GET", "/assets/nothing")),
        (401, server.request("GET", "/auth/me")),
        (403, server.request("POST", "/auth/session")),
        (405, server.request("POST", "/")),
        (400, server.request("GET", "/socket.io/")),
        (421, ask(&server, "evil.example", "/")),
        (308, ask(&server, &format!("127.0.0.1:{}", server.port()), "/")),
        (400, server.request_with("GET", "/", "")),
    ];
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src \
         'self' ws://localhost:{}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        server.port()
    );
    for (status, answer) in answers {
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.header("content-security-policy"), Some(&*policy), "{answer:?}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer:?}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{answer:?}");
        assert_eq!(answer.header("cross-origin-opener-policy"), Some("same-origin"), "{answer:?}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{answer:?}");
        assert_eq!(answer.header("strict-transport-security"), None, "{answer:?}");
    }
}

#[test]
fn the_client_library_is_served_as_released() {
    let server = Server::start();

    for name in ["socket.io", "socket.io.min", "socket.io.esm.min", "socket.io.msgpack.min"] {
        let script = server.request("GET", &format!("/socket.io/{name}.js"));
        let map = server.request("GET", &format!("/socket.io/{name}.js.map"));

        assert_eq!((script.status, map.status), (200, 200), "{name}");
        let script_type = "application/javascript; charset=utf-8";
        assert_eq!(script.header("content-type"), Some(script_type), "{name}");
        assert_eq!(map.header("content-type"), Some("application/json"), "{name}");
        for answer in [&script, &map] {
            assert_eq!(answer.header("etag"), Some("\"4.8.4\""), "{name}");
            assert_eq!(answer.header("cache-control"), Some("public, max-age=0"), "{name}");
        }
    }
    assert_eq!(server.request("GET", "/socket.io/socket.io.esm.min.js").body, CLIENT);
    assert_eq!(server.request("GET", "/socket.io/LICENSE").status, 401);
    assert_eq!(server.request("GET", "/socket.io/%2e%2e/app.js").status, 401);
}

#[test]
fn the_client_library_is_not_sent_again_for_a_matching_etag() {
    let server = Server::start();
    let path = "/socket.io/socket.io.esm.min.js";
    let having = |etag: &str| {
        let headers = format!("Host: localhost:{}\r\nIf-None-Match: {etag}\r\n", server.port());
        server.request_with("GET", path, &headers)
    };

    for etag in ["\"4.8.4\"", "W/\"4.8.4\"", "*"] {
        let answer = having(etag);

        assert_eq!((answer.status, answer.body.len()), (304, 0), "{etag}");
        assert_eq!(answer.header("etag"), Some("\"4.8.4\""));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=0"));
    }
    assert_eq!(having("\"4.8.3\"").status, 200);
}

#[test]
fn head_responses_have_the_headers_of_get() {
    let server = Server::start();

    for path in ["/", "/healthz", "/socket.io/socket.io.esm.min.js"] {
        let (head, whole) = (server.request("HEAD", path), server.request("GET", path));

        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        let length = whole.body.len().to_string();
        assert_eq!(head.header("content-length"), Some(&*length), "{path}");
        assert_eq!(head.header("content-type"), whole.header("content-type"), "{path}");
    }
}

/// A client without a session does not learn which paths exist.
#[test]
fn paths_that_are_not_public_require_a_session() {
    let server = Server::start();

    for path in
        ["/nothing", "/socket.iox", "/socket.io/nothing.js", "/index.html", "//", "/healthz/"]
    {
        assert_eq!(server.request("GET", path).status, 401, "{path}");
    }
}

#[test]
fn a_request_by_address_redirects_to_localhost() {
    let server = Server::start();

    for address in ["127.0.0.1", "[::1]"] {
        let host = format!("{address}:{}", server.port());
        for path in ["/", "/a?b=c", "/socket.iox", "/nothing"] {
            let answer = ask(&server, &host, path);

            assert_eq!(answer.status, 308, "{host}{path}");
            let location = format!("{}{path}", local(&server));
            assert_eq!(answer.header("location"), Some(&*location));
        }
        assert_eq!(ask(&server, &host, "/healthz").status, 200);
        assert_eq!(ask(&server, &host, "/socket.io/socket.io.js").status, 200);
    }
}

#[test]
fn a_redirect_never_leads_to_another_host() {
    let server = Server::start();
    let host = format!("127.0.0.1:{}", server.port());

    for path in
        ["//evil.example", "//evil.example/..", "/\\evil.example", "/@evil.example", "/%0d%0aX:"]
    {
        let answer = ask(&server, &host, path);

        assert_eq!(answer.status, 308, "{path}");
        let location = answer.header("location").unwrap();
        assert!(location.starts_with(&format!("{}/", local(&server))), "{location}");
    }
    // Headers of proxies must not change the target of a redirect.
    for headers in [
        format!("Host: {host}\r\nX-Forwarded-Host: evil.example\r\n"),
        format!("Host: {host}\r\nForwarded: host=evil.example\r\n"),
    ] {
        let answer = server.request_with("GET", "/", &headers);
        assert_eq!(answer.header("location"), Some(&*format!("{}/", local(&server))));
    }
}

#[test]
fn a_foreign_host_is_misdirected_and_the_response_names_the_setting() {
    let server = Server::start();
    let hosts = ["evil.example", "evil.example:80", "localhost", "localhost.:80", "127.0.0.1"];

    for host in hosts {
        for path in ["/", "/app.js", "/socket.io/", "/socket.io/socket.io.js", "/nothing"] {
            let answer = ask(&server, host, path);

            assert_eq!(answer.status, 421, "{host}{path}");
            assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
            assert!(answer.text().contains("public_url"), "{answer:?}");
            assert!(!answer.text().contains("evil"), "{answer:?}");
        }
    }
    assert_eq!(ask(&server, &format!("LOCALHOST:{}", server.port()), "/").status, 200);
}

#[test]
fn a_request_must_name_exactly_one_host() {
    let server = Server::start();
    let own = format!("Host: localhost:{}\r\n", server.port());
    let requests = [
        ("/", String::new()),
        ("/", format!("{own}{own}")),
        ("/", format!("{own}Host: evil.example\r\n")),
        ("http://evil.example/", own.clone()),
    ];
    for (target, headers) in requests {
        let answer = server.request_with("GET", target, &headers);

        assert_eq!(answer.status, 400, "{target} {headers:?}");
    }
    let absolute = format!("{}/", local(&server));
    assert_eq!(server.request_with("GET", &absolute, &own).status, 200);
}

#[test]
fn a_public_server_answers_to_its_host_name() {
    let server = Server::start_with("public_url = 'https://chat.example.org'", |_| {});

    let page = ask(&server, "chat.example.org", "/");
    let by_address = ask(&server, &format!("127.0.0.1:{}", server.port()), "/");
    let other = ask(&server, "www.example.org", "/");

    assert_eq!((page.status, by_address.status, other.status), (200, 200, 421));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("connect-src 'self' wss://chat.example.org;"), "{policy}");
    assert_eq!(page.header("strict-transport-security"), Some("max-age=31536000"));
}

/// It would otherwise read that it has to sign in, for ever.
#[test]
fn a_client_with_a_wrong_path_is_told_the_right_one() {
    let server = Server::start();

    let answer = server.request("GET", "/ws/?EIO=4&transport=polling");

    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("Socket.IO is at /socket.io/"), "{}", answer.text());
    assert_eq!(server.request("GET", "/ws/").status, 401);
}
