//! Users follow their own connections at `/door`, and operators those of all users with `doorward connections --watch`.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Stdio},
};

use doorward_testkit::RawClient;
use serde_json::{Value, json};

use crate::support::{Server, by_token, doorward, path, token};

/// Returns the next item of the stream `watch`.
async fn news(client: &mut RawClient) -> Value {
    let event = client.json("42/door,").await;
    assert_eq!(event[0], "watch", "{event}");
    event[1].clone()
}

async fn at_the_door(server: &Server, token: &str) -> RawClient {
    let mut client = RawClient::open(server.address()).await;
    client.text(&format!("40/door,{}", by_token(token))).await;
    client.json("40/door,").await;
    client.text(r#"42/door,["watch"]"#).await;
    client
}

#[tokio::test]
async fn a_user_sees_the_own_connections_come_and_go_and_ends_one() {
    let server = Server::start();
    let (alice, bob) =
        (token(server.data_dir()), server.operate(&["token", "--sub", "bob"]).stdout);
    let mut door = at_the_door(&server, &alice).await;

    let list = news(&mut door).await;
    assert_eq!((&list["kind"], &list["isComplete"]), (&json!("list"), &json!(true)));
    assert_eq!(list["connections"].as_array().unwrap().len(), 1);
    assert_eq!(list["connections"][0]["namespace"], "/door");

    // Another user is not seen.
    let _bob = server.connect(&by_token(bob.trim())).await;
    let mut other = server.connect(&by_token(&alice)).await;
    let opened = news(&mut door).await;
    assert_eq!((&opened["kind"], &opened["namespace"]), (&json!("opened"), &json!("/")));
    assert_eq!(opened["network"], "127.0.0.0");
    assert!(!opened.to_string().contains(&alice), "it names no credential: {opened}");

    let socket = opened["socket"].as_str().unwrap();
    door.text(&format!(r#"42/door,1["end",{{"socket":"{socket}"}}]"#)).await;
    let ended = news(&mut door).await;
    assert_eq!((&ended["kind"], &ended["reason"]), (&json!("ended"), &json!("revoked")));
    assert_eq!((&ended["socket"], &ended["namespace"]), (&opened["socket"], &json!("/")));
    assert_eq!(door.json("43/door,1").await, json!([1]));
    assert_eq!(other.json("42").await[1]["code"], "revoked");
}

/// The socket of another user counts as one that does not exist.
#[tokio::test]
async fn a_user_cannot_end_the_connection_of_another() {
    let server = Server::start();
    let bob = server.operate(&["token", "--sub", "bob"]).stdout;
    let mut door = at_the_door(&server, &token(server.data_dir())).await;
    news(&mut door).await;
    let mut client = RawClient::open(server.address()).await;
    client.text(&format!("40{}", by_token(bob.trim()))).await;
    let socket = client.json("40").await["sid"].as_str().unwrap().to_owned();

    for socket in [&*socket, "nothing"] {
        door.text(&format!(r#"42/door,1["end",{{"socket":"{socket}"}}]"#)).await;
        assert_eq!(door.json("43/door,1").await, json!([0]));
    }

    client.text(r#"421["echo",1]"#).await;
    assert_eq!(client.json("431").await, json!([1]));
}

/// A running `doorward connections --watch`.
struct Watching {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Watching {
    fn start(server: &Server, arguments: &[&str]) -> Self {
        let mut command = doorward(&[&["connections", "--watch"], arguments].concat());
        command.args(["--data-dir", path(server.data_dir())]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("the command goes on").unwrap()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test]
async fn an_operator_watches_connections_and_one_user() {
    let server = Server::start();
    let alice = token(server.data_dir());
    let bob = server.operate(&["token", "--sub", "bob"]).stdout;
    let mut all = Watching::start(&server, &[]);
    let mut of_alice = Watching::start(&server, &["--user", "alice", "--json"]);
    assert_eq!(all.line(), "Watching connections. Press Ctrl-C to stop.");
    assert_eq!(of_alice.line(), r#"{"event":"watching"}"#);

    let _bob = server.connect(&by_token(bob.trim())).await;
    let _alice = server.connect(&by_token(&alice)).await;
    server.operate(&["revoke", "--user", "alice"]);

    for (what, whose) in [("opened", "bob"), ("opened", "alice"), ("ended", "alice")] {
        let line = all.line();
        assert!(line.contains(what) && line.contains(whose), "{line}");
    }
    let opened: Value = serde_json::from_str(&of_alice.line()).unwrap();
    let ended: Value = serde_json::from_str(&of_alice.line()).unwrap();
    assert_eq!((&opened["event"], &ended["event"]), (&json!("opened"), &json!("ended")));
    assert_eq!((&ended["reason"], &ended["socket"]), (&json!("revoked"), &opened["socket"]));

    // The server ends, and so does the command.
    server.stop();
    assert!(all.line().contains("bob  /  shutdown"));
    assert!(all.lines.next().is_none());
    assert_eq!(all.child.wait().unwrap().code(), Some(2));
}
