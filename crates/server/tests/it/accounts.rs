//! Accounts of the running server: signing in, and the commands of operators.

use doorward_testkit::{PostgresServer, RawClient, SoftPasskey};
use serde_json::{Value, json};

use crate::support::{Server, by_token};

/// Client program without cookies, in the namespace `/auth`.
struct Program {
    client: RawClient,
    origin: String,
}

impl Program {
    async fn enter(server: &Server) -> Self {
        let mut client = RawClient::open(server.address()).await;
        client.text("40/auth,").await;
        let admitted = client.packet().await.unwrap();
        assert!(admitted.starts_with("40/auth,{\"sid\":"), "{admitted}");
        Self { client, origin: format!("http://localhost:{}", server.port()) }
    }

    async fn ask(&mut self, event: &str, payload: &Value) -> Value {
        self.client.text(&format!("42/auth,7[\"{event}\",{payload}]")).await;
        self.client.json("43/auth,7").await[0].clone()
    }

    /// Creates an account, and returns its passkey and the token of its session.
    async fn sign_up(&mut self, name: &str) -> (SoftPasskey, String) {
        let mut passkey = SoftPasskey::new();
        let begun = self.ask("webauthn:register", &json!({ "username": name })).await;
        assert_eq!(begun["success"], true, "{begun}");
        let answer = passkey.attestation(&begun["options"], &self.origin).answer(&mut passkey);
        let verify = json!({ "credential": answer });
        let done = self.ask("webauthn:register:verify", &verify).await;
        (passkey, done["sessionToken"].as_str().unwrap().to_owned())
    }

    async fn sign_in(&mut self, passkey: &mut SoftPasskey) -> Value {
        let begun = self.ask("webauthn:authenticate", &json!({})).await;
        let answer = passkey.assertion(&begun["options"], &self.origin).answer(passkey);
        self.ask("webauthn:authenticate:verify", &json!({ "credential": answer })).await
    }
}

/// Setting with which programs receive session tokens.
const EXPOSE: &str = "[session]\nexpose_token = true\n";

/// Connects to `/` with a session, and returns the client and the answer.
async fn connect(server: &Server, token: &str) -> (RawClient, String) {
    let mut client = RawClient::open(server.address()).await;
    client.text(&format!("40{{\"sessionToken\":\"{token}\"}}")).await;
    let packet = client.packet().await.unwrap();
    (client, packet)
}

#[tokio::test]
async fn an_account_is_known_by_its_name_and_outlives_a_restart() {
    let server = Server::start_with(EXPOSE, |_| {});
    let (mut passkey, token) = Program::enter(&server).await.sign_up("Alice").await;

    let (mut client, admitted) = connect(&server, &token).await;
    assert!(admitted.starts_with("40{\"sid\":"), "{admitted}");
    client.text("420[\"whoami\"]").await;
    let me = client.json("430").await[0].clone();
    assert_eq!(me["name"], "Alice");
    assert_ne!(me["user"], "Alice");

    let server = server.restart();
    let (_, admitted) = connect(&server, &token).await;
    assert!(admitted.starts_with("40{\"sid\":"), "{admitted}");
    let back = Program::enter(&server).await.sign_in(&mut passkey).await;
    assert_eq!(back["success"], true, "{back}");
}

#[tokio::test]
async fn an_account_is_revoked_by_name_and_by_id() {
    let server = Server::start_with(EXPOSE, |_| {});
    let mut program = Program::enter(&server).await;
    for by_name in [true, false] {
        let (_, token) = program.sign_up(if by_name { "alice" } else { "bob" }).await;
        let (mut client, _) = connect(&server, &token).await;
        client.text("420[\"whoami\"]").await;
        let id = client.json("430").await[0]["user"].as_str().unwrap().to_owned();
        let name = if by_name { "Alice" } else { &*id };

        let listed = server.operate(&["sessions", "--user", name, "--json"]);
        let done = server.operate(&["revoke", "--user", name]);

        let sessions: Value = serde_json::from_str(&listed.stdout).unwrap();
        assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1, "{listed:?}");
        let user = if by_name { "alice" } else { "bob" };
        let other = match by_name {
            true => {
                " The subject \"Alice\" of tokens would be another user: --id Alice revokes it."
            }
            false => "",
        };
        let told = format!(
            "Revoked; 1 socket closed. It was the account {user:?} (id {id}), with 1 session and 1 socket.{other}\n"
        );
        assert_eq!((done.code, done.stdout), (Some(0), told), "{}", done.stderr);
        assert_eq!(client.json("42").await[1]["code"], "revoked");
    }
}

/// One user has the user name `alice`, and tokens with the subject `alice` are another user.
#[tokio::test]
async fn an_ambiguous_name_revokes_no_user() {
    let server = Server::start_with(EXPOSE, |_| {});
    let (_, session) = Program::enter(&server).await.sign_up("alice").await;
    let (mut account, _) = connect(&server, &session).await;
    let token = crate::support::token(server.data_dir());
    let mut subject = server.connect(&by_token(&token)).await;

    let ambiguous = server.operate(&["revoke", "--user", "alice"]);
    let sessions = server.operate(&["sessions", "--user", "alice"]);
    let exact = server.operate(&["revoke", "--id", "alice"]);

    for done in [&ambiguous, &sessions] {
        assert_eq!((done.code, &*done.stdout), (Some(2), ""), "{done:?}");
        for part in [
            "the account \"alice\" (id ",
            "the subject \"alice\", with 0 sessions and 1 socket",
            "--id",
        ] {
            assert!(done.stderr.contains(part), "{done:?}");
        }
    }
    assert!(exact.stdout.starts_with("Revoked; 1 socket closed. It was the subject"), "{exact:?}");
    assert_eq!(subject.json("42").await[1]["code"], "revoked");
    account.text("420[\"whoami\"]").await;
    assert_eq!(account.json("430").await[0]["name"], "alice");
}

#[tokio::test]
async fn an_operator_lists_disables_enables_and_removes_accounts() {
    let server = Server::start_with(EXPOSE, |_| {});
    let mut program = Program::enter(&server).await;
    let (mut passkey, token) = program.sign_up("alice").await;
    Program::enter(&server).await.sign_up("bob").await;
    let (mut client, _) = connect(&server, &token).await;

    let list = server.operate(&["accounts"]);
    assert!(list.stdout.contains("\nalice  alice") && list.stdout.contains("\nbob"), "{list:?}");
    let json = server.operate(&["accounts", "list", "--json"]).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["accounts"].as_array().unwrap().len(), 2);

    let disabled = server.operate(&["accounts", "disable", "ALICE"]);
    assert_eq!(disabled.stdout, "Done; 1 socket closed.\n", "{disabled:?}");
    let ended = client.json("42").await;
    assert_eq!((&ended[0], &ended[1]["code"]), (&json!("session_ended"), &json!("revoked")));
    let refused = program.sign_in(&mut passkey).await;
    assert_eq!(refused["code"], "authentication_failed");
    let (_, again) = connect(&server, &token).await;
    assert!(again.starts_with("44"), "{again}");

    assert_eq!(server.operate(&["accounts", "enable", "alice"]).code, Some(0));
    assert_eq!(program.sign_in(&mut passkey).await["success"], true);
    assert_eq!(server.operate(&["accounts", "remove", "alice"]).code, Some(0));
    assert_eq!(program.sign_in(&mut passkey).await["code"], "authentication_failed");

    let unknown = server.operate(&["accounts", "disable", "unknown"]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.stderr.contains("there is no such account"), "{unknown:?}");
    assert_eq!(server.operate(&["accounts", "disable"]).code, Some(2));
}

#[tokio::test]
async fn accounts_are_stored_in_a_configured_postgresql() {
    let postgres = PostgresServer::shared().database();
    let server = Server::start_with(EXPOSE, |command| {
        command.env("DATABASE_URL", &postgres);
    });
    let (mut passkey, _) = Program::enter(&server).await.sign_up("alice").await;

    // A second server shares only the database and the public URL with the first.
    let port = server.port();
    let other = Server::start_with(
        &format!("public_url = \"http://localhost:{port}\"\n{EXPOSE}"),
        |command| {
            command.env("DATABASE_URL", &postgres);
        },
    );
    let mut program = Program::enter(&other).await;
    program.origin = format!("http://localhost:{port}");

    assert_eq!(program.sign_in(&mut passkey).await["success"], true);
}

#[test]
fn an_unreachable_postgresql_is_an_error_that_hides_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = crate::support::doorward(&["serve", "--listen", "localhost:0"]);
    command.arg("--data-dir").arg(folder.path().join("data"));
    // Nothing listens on port 1.
    command.env("DATABASE_URL", "postgres://me:canary@localhost:1/doorward");

    let failed = crate::support::finish(&mut command);

    assert_eq!(failed.code, Some(2));
    assert!(
        failed.stderr.contains("database.url") && !failed.stderr.contains("canary"),
        "{failed:?}"
    );
}

#[test]
fn a_public_url_without_a_host_name_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = crate::support::doorward(&["serve", "--listen", "localhost:0"]);
    command.arg("--data-dir").arg(folder.path().join("data"));
    command.env("DOORWARD_PUBLIC_URL", "http://192.0.2.1");

    let failed = crate::support::finish(&mut command);

    assert_eq!(failed.code, Some(2), "{failed:?}");
    assert!(failed.stderr.contains("host name"), "{failed:?}");
}

/// Attack 100: secrets of a sign-in must not reach the log.
#[tokio::test]
async fn session_tokens_of_sign_ins_are_logged_at_no_level() {
    let server = Server::start_with(EXPOSE, |command| {
        command.env("DOORWARD_LOG", "trace");
    });
    let mut program = Program::enter(&server).await;
    let (mut passkey, token) = program.sign_up("alice").await;
    connect(&server, &token).await;
    let second = program.sign_in(&mut passkey).await["sessionToken"].as_str().unwrap().to_owned();

    let log = server.stop();

    assert!(log.contains("signed_in"), "the log has no record of the sign-in");
    for secret in [token, second] {
        assert!(!log.contains(&secret), "a session token is in the log");
    }
}

/// Users of an identity provider connect, and no other client creates an account.
#[tokio::test]
async fn new_accounts_are_refused_if_the_sign_up_is_closed() {
    let server = Server::start_with("[passkeys]\nsign_up = false\n", |_| {});
    let mut client = RawClient::open(server.address()).await;
    client.text("40/auth,").await;
    client.json("40/auth,").await;

    client.text(r#"42/auth,1["webauthn:register",{"username":"bob"}]"#).await;

    assert_eq!(client.json("43/auth,1").await[0]["code"], "sign_up_closed");
}
