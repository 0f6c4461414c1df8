//! Tests of the setting `apps`.

use doorward_testkit::RawClient;

use crate::support::{Server, rows, run, token};

/// Returns what a server offers of each application: a connection to its namespace, and the file of its page.
async fn offered(server: &Server) -> [(bool, u16); 2] {
    let token = token(server.data_dir());
    let mut offered = [(false, 0); 2];
    for (app, found) in ["chat", "mole"].into_iter().zip(&mut offered) {
        let mut client = RawClient::open(server.address()).await;
        client.text(&format!("40/{app},{{\"token\":\"{token}\"}}")).await;
        let packet = client.packet().await.unwrap();
        *found =
            (packet.starts_with("40"), server.request("GET", &format!("/assets/{app}.js")).status);
        assert!(found.0 || packet.contains("Invalid namespace"), "{packet}");
        let page = server.request("GET", "/").text().to_owned();
        let (_, apps) = page.split_once("<meta name=\"apps\" content=\"").unwrap();
        let (apps, _) = apps.split_once('"').unwrap();
        assert_eq!(apps.split(' ').any(|one| one == app), found.0, "{page}");
    }
    offered
}

/// Requests both pages with a session.
fn pages(server: &Server) -> [u16; 2] {
    let made = run(&[
        "sessions",
        "--id",
        "alice",
        "--create",
        "--data-dir",
        server.data_dir().to_str().unwrap(),
    ]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let port = server.port();
    let headers = format!(
        "Host: localhost:{port}\r\nOrigin: http://localhost:{port}\r\nCookie: __Host-doorward={}\r\n",
        made.stdout.trim_end()
    );
    ["/chat", "/mole"].map(|path| server.request_with("GET", path, &headers).status)
}

const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";

fn routes(server: &Server) -> String {
    run(&["routes", "--config", server.config().to_str().unwrap()]).stdout
}

fn bots(server: &Server, more: &[&str]) -> String {
    let config = server.config();
    let place = ["--config", config.to_str().unwrap()];
    run(&[&["bots"], more, &place].concat()).stderr
}

#[tokio::test]
async fn without_apps_there_is_nothing_of_them() {
    let server = Server::start_with("apps = []", |_| {});

    assert_eq!(offered(&server).await, [(false, 404); 2]);
    assert_eq!(pages(&server), [404; 2]);
    let routes = routes(&server);
    assert!(!routes.contains("/chat") && !routes.contains("/mole"), "{routes}");
    assert_eq!(server.request("GET", "/readyz").status, 200);
    for chatters in [&[][..], &["--chatters", "2"]] {
        let refused = bots(&server, chatters);
        assert!(refused.contains("the setting apps does not name \""), "{refused}");
    }
    assert!(!server.data_dir().join("applications.db").exists());
    // A backup copies the files that exist.
    let copy = server.config().with_file_name("copy");
    let data_dir = server.data_dir().to_str().unwrap();
    let backup = run(&["backup", copy.to_str().unwrap(), "--data-dir", data_dir]);
    assert_eq!(backup.code, Some(0), "{backup:?}");
}

#[tokio::test]
async fn one_app_is_mounted_without_the_other() {
    let server = Server::start_with("apps = ['whack-a-mole']", |_| {});

    assert_eq!(offered(&server).await, [(false, 404), (true, 200)]);
    assert_eq!(pages(&server), [404, 200]);
    let routes = routes(&server);
    assert!(!routes.contains("/chat") && routes.contains("/mole"), "{routes}");
    let refused = bots(&server, &["--chatters", "2"]);
    assert!(refused.contains("the setting apps does not name \"chat\""), "{refused}");
    let database = server.data_dir().join("applications.db");
    assert_eq!(rows(&database, TABLES).await, ["application_versions", "mole_best"]);
}

#[tokio::test]
async fn both_are_there_in_development_and_neither_in_production() {
    let server = Server::start();
    assert_eq!(offered(&server).await, [(true, 200); 2]);
    assert_eq!(pages(&server), [200; 2]);

    let production = server.restart_with(|command| {
        command.env("DOORWARD_PROFILE", "production");
    });
    assert_eq!(offered(&production).await, [(false, 404); 2]);
    assert_eq!(pages(&production), [404; 2]);
    // Nor is the page that shows the parts of pages. It needs a session as any unknown path does.
    assert_eq!(production.request("GET", "/styleguide").status, 401);

    let one = production.restart_with(|command| {
        command.env("DOORWARD_PROFILE", "production").env("DOORWARD_APPS", "[\"chat\"]");
    });
    assert_eq!(offered(&one).await, [(true, 200), (false, 404)]);
}

#[tokio::test]
async fn the_command_line_beats_the_other_sources() {
    let server = Server::start_with("apps = ['chat']", |command| {
        command.args(["--apps", "whack-a-mole"]).env("DOORWARD_APPS", "[]");
    });
    assert_eq!(offered(&server).await, [(false, 404), (true, 200)]);

    let server = server.restart_with(|command| {
        command.args(["--apps", ""]);
    });
    assert_eq!(offered(&server).await, [(false, 404); 2]);
}

/// A cached page offers the applications of that time.
#[test]
fn a_browser_does_not_keep_a_page_that_offers_something_else() {
    let server = Server::start();
    let tag = server.request("GET", "/").header("etag").unwrap().to_owned();

    let server = server.restart_with(|command| {
        command.args(["--apps", "chat"]);
    });
    let headers = format!("Host: localhost:{}\r\nIf-None-Match: {tag}\r\n", server.port());

    assert_eq!(server.request_with("GET", "/", &headers).status, 200);
}
