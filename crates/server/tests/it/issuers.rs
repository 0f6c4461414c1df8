//! Clients with tokens of other issuers, at the ready-made server.
//!
//! The issuers run on a thread of their own, because a test blocks its thread while it waits for a log
//! line of the server.

use std::{fs, sync::Arc, time::Duration};

use doorward::{
    auth::{Issuer, KeyRing, SigningKey},
    server::{Clock as _, SystemClock},
};
use doorward_testkit::{Answer, LyingIssuer, RawClient, Seen};
use serde_json::{Value, json};

use crate::{
    chat_client::ChatClient,
    metrics::{metrics_of, scrape},
    support::{Server, by_session, by_token, doorward, finish, path, token},
};

/// Identity provider with a key of its own.
struct Provider {
    issuer: LyingIssuer,
    ring: Arc<KeyRing>,
}

impl Provider {
    async fn start() -> Self {
        let ring = Arc::new(KeyRing::new(SigningKey::generate().unwrap()));
        let provider = Self { issuer: LyingIssuer::start().await.unwrap(), ring };
        provider.publish();
        provider
    }

    /// Publishes the current keys.
    fn publish(&self) {
        self.issuer.publish(&self.ring.jwks(SystemClock.wall()));
    }

    /// Returns a token of this provider for the audience `chat`.
    fn token(&self, user: &str) -> String {
        let issuer = Issuer::with_ring(Arc::clone(&self.ring), self.issuer.url(), "chat");
        issuer
            .issue(user, Duration::from_secs(600), SystemClock.wall(), &format!("t-{user}"))
            .unwrap()
    }

    /// Returns the settings of this provider under a name.
    fn settings(&self, name: &str) -> String {
        format!(
            "[[issuers]]\nname = \"{name}\"\nurl = \"{}\"\naudience = \"chat\"\n",
            self.issuer.url()
        )
    }
}

async fn whoami(client: &mut RawClient) -> Value {
    client.text("420[\"whoami\"]").await;
    client.json("430").await[0].clone()
}

/// Settings with which a removed issuer is noticed soon.
const SOON: &str = "[limits]\nsweep_interval = \"1s\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn equal_subjects_of_two_issuers_and_an_account_are_three_users() {
    let (one, two) = (Provider::start().await, Provider::start().await);
    let config = format!(
        "{}{}[connections]\nper_user = 1\non_excess = \"replace_oldest\"\n",
        one.settings("one"),
        two.settings("two")
    );
    let server = Server::start_with(&config, |_| {});
    let own = token(server.data_dir());

    let mut first = server.connect(&by_token(&one.token("alice"))).await;
    let mut second = server.connect(&by_token(&two.token("alice"))).await;
    let mut third = server.connect(&by_token(&own)).await;

    assert_eq!(whoami(&mut first).await["user"], "one:alice");
    assert_eq!(whoami(&mut first).await["name"], "#one:alice");
    assert_eq!(whoami(&mut second).await["user"], "two:alice");
    assert_eq!(whoami(&mut third).await["user"], "alice");
    // Each of them has used its only connection.
    let mut again = server.connect(&by_token(&one.token("alice"))).await;
    assert!(matches!(first.rest().await.last(), Some(Seen::Closed(_))));

    let revoked = server.operate(&["revoke", "--id", "one:alice"]);
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    assert!(matches!(again.rest().await.last(), Some(Seen::Closed(_))));
    assert_eq!(whoami(&mut second).await["user"], "two:alice");
    assert_eq!(whoami(&mut third).await["user"], "alice");
}

/// Rooms, invitations and messages belong to the user of one issuer.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn equal_subjects_of_two_issuers_have_their_own_rooms_in_the_chat() {
    let (one, two) = (Provider::start().await, Provider::start().await);
    let config = format!("{}{}", one.settings("one"), two.settings("two"));
    let server = Server::start_with(&config, |_| {});
    let mut first = ChatClient::enter(server.address(), &one.token("alice")).await;
    let mut second = ChatClient::enter(server.address(), &two.token("alice")).await;
    let mut third = ChatClient::enter(server.address(), &token(server.data_dir())).await;

    let room = first.ask("create", json!({ "name": "Tea" })).await["id"].clone();
    let message = json!({ "room": room, "key": "1", "text": "secret" });
    assert_eq!(first.ask("send", message.clone()).await["user"], "one:alice");
    let history = json!({ "room": room, "lastSeen": 0 });
    for other in [&mut second, &mut third] {
        assert_eq!(other.ask("rooms", Value::Null).await, json!([]));
        assert_eq!(other.ask("history", history.clone()).await["code"], "forbidden");
        assert_eq!(other.ask("send", message.clone()).await["code"], "forbidden");
    }
    let invited = first.ask("invite", json!({ "room": room, "id": "two:alice" })).await;
    assert_eq!(invited["user"], "two:alice");
    let in_room = json!({ "room": room });
    assert_eq!(third.ask("accept", in_room.clone()).await["code"], "forbidden");
    assert_eq!(second.ask("accept", in_room).await["members"], 2);
    let seen = second.ask("history", history).await;
    assert_eq!(seen["messages"][0]["user"], "one:alice", "{seen}");
}

/// Neither an operator nor an issuer can act as a user of another issuer.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_token_of_this_server_cannot_name_a_user_of_an_issuer() {
    let provider = Provider::start().await;
    let server = Server::start_with(&provider.settings("corp"), |_| {});
    // Without the configuration, the command does not know of the issuer.
    let made = server.operate(&["token", "--sub", "corp:alice"]);
    let made = made.stdout.trim_end();
    let config = server.config();
    let warned = server.operate(&["token", "--sub", "corp:alice", "--config", path(&config)]);
    assert_eq!(warned.code, Some(2), "{warned:?}");
    assert!(warned.stderr.contains("user of the issuer \"corp\""), "{warned:?}");
    let session = server.operate(&["sessions", "--create", "--id", "corp:alice"]);
    assert_ne!(session.code, Some(0), "{session:?}");
    assert!(session.stderr.contains("user of one of the issuers"), "{session:?}");

    assert_eq!(server.refusal(&by_token(made)).await, "unauthenticated");
    let record = server.logged("refused");
    assert!(record.contains("claim=\"sub\"") && record.contains("not_allowed"), "{record}");
    let mut client = server.connect(&by_token(&provider.token("doorward:alice"))).await;
    assert_eq!(whoami(&mut client).await["user"], "corp:doorward:alice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn tokens_for_another_audience_or_of_an_unknown_issuer_are_refused() {
    let (known, unknown) = (Provider::start().await, Provider::start().await);
    let server = Server::start_with(&known.settings("corp"), |_| {});
    let issuer = Issuer::with_ring(Arc::clone(&known.ring), known.issuer.url(), "shop");
    let for_a_shop =
        issuer.issue("alice", Duration::from_secs(600), SystemClock.wall(), "t-1").unwrap();

    assert_eq!(server.refusal(&by_token(&for_a_shop)).await, "unauthenticated");
    let record = server.logged("refused");
    assert!(record.contains("claim=\"aud\"") && record.contains("mismatch"), "{record}");
    assert_eq!(server.refusal(&by_token(&unknown.token("alice"))).await, "unauthenticated");
    let record = server.logged("refused");
    assert!(record.contains("claim=\"iss\"") && record.contains("unknown"), "{record}");
    assert_eq!(unknown.issuer.requests().len(), 0);
}

/// A client with a key that is not known yet is neither admitted nor refused: its link closes without a packet.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sockets_stay_while_keys_rotate_and_a_client_with_a_new_key_is_not_refused() {
    let provider = Provider::start().await;
    let server = Server::start_with(&provider.settings("corp"), |_| {});
    let mut before = server.connect(&by_token(&provider.token("alice"))).await;
    provider.ring.rotate(SigningKey::generate().unwrap(), SystemClock.wall());
    let new = provider.token("bob");

    // The issuer signs with the key before it publishes it.
    let mut early = RawClient::open(server.address()).await;
    early.text(&format!("40{}", by_token(&new))).await;
    let seen = early.rest().await;
    assert!(
        !seen.iter().any(|seen| matches!(seen, Seen::Text(text) if text.starts_with("44"))),
        "{seen:?}"
    );
    server.logged("key_unknown");

    provider.publish();
    loop {
        let mut client = RawClient::open(server.address()).await;
        client.text(&format!("40{}", by_token(&new))).await;
        match client.packet().await {
            Some(answer) => {
                assert!(answer.starts_with("40{\"sid\""), "{answer}");
                break;
            }
            None => tokio::task::yield_now().await,
        }
    }
    assert_eq!(whoami(&mut before).await["user"], "corp:alice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn issuers_are_replaced_at_a_hang_up_and_sockets_of_a_removed_one_end() {
    let (old, new, kept) =
        (Provider::start().await, Provider::start().await, Provider::start().await);
    let config = format!("{}{}{SOON}", old.settings("old"), kept.settings("kept"));
    let server = Server::start_with(&config, |_| {});
    let mut leaving = server.connect(&by_token(&old.token("alice"))).await;
    let mut staying = server.connect(&by_token(&kept.token("bob"))).await;
    assert_eq!(server.refusal(&by_token(&new.token("carol"))).await, "unauthenticated");
    let asked = kept.issuer.requests().len();

    fs::write(server.config(), format!("{}{}{SOON}", new.settings("new"), kept.settings("kept")))
        .unwrap();
    server.signal("HUP");
    let changed = server.logged("The issuers have changed");

    assert!(
        changed.contains(r#"added=["new"]"#) && changed.contains(r#"removed=["old"]"#),
        "{changed}"
    );
    let seen = leaving.rest().await;
    assert!(matches!(seen.last(), Some(Seen::Closed(_))), "{seen:?}");
    server.connect(&by_token(&new.token("carol"))).await;
    assert_eq!(server.refusal(&by_token(&old.token("alice"))).await, "unauthenticated");
    assert_eq!(whoami(&mut staying).await["user"], "kept:bob");
    // An issuer whose settings have not changed keeps its keys.
    assert_eq!(kept.issuer.requests().len(), asked);
}

/// A session that was made before the issuer was configured must not act for a user of the issuer.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_session_of_this_server_cannot_act_for_a_user_of_an_issuer() {
    let provider = Provider::start().await;
    let server = Server::start();
    let made = server.operate(&["sessions", "--create", "--id", "corp:alice"]);
    let session = by_session(made.stdout.trim_end());
    server.connect(&session).await;

    fs::write(server.config(), provider.settings("corp")).unwrap();
    server.signal("HUP");
    server.logged("The issuers have changed");

    assert_eq!(server.refusal(&session).await, "unauthenticated");
}

/// The keys of an issuer that hangs take seconds to read.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_hang_up_right_after_another_one_is_not_lost() {
    let (hanging, provider) = (LyingIssuer::start().await.unwrap(), Provider::start().await);
    hanging.answer("/.well-known/openid-configuration", Answer::Never);
    let other = format!(
        "[[issuers]]\nname = \"other\"\nurl = \"{}\"\naudience = \"chat\"\n",
        hanging.url()
    );
    let server = Server::start_with(&format!("{}{SOON}", provider.settings("corp")), |_| {});
    let mut client = server.connect(&by_token(&provider.token("alice"))).await;

    fs::write(server.config(), format!("{}{other}{SOON}", provider.settings("corp"))).unwrap();
    server.signal("HUP");
    server.logged("The issuers have changed");
    fs::write(server.config(), format!("{other}{SOON}")).unwrap();
    server.signal("HUP");
    let changed = server.logged("The issuers have changed");

    assert!(changed.contains(r#"removed=["corp"]"#), "{changed}");
    assert!(matches!(client.rest().await.last(), Some(Seen::Closed(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_mistake_in_the_issuers_changes_nothing_at_a_hang_up() {
    let provider = Provider::start().await;
    let config = provider.settings("corp");
    let server = Server::start_with(&format!("{config}{SOON}"), |_| {});
    let mut client = server.connect(&by_token(&provider.token("alice"))).await;

    for (mistake, reason) in [
        (config.replace("corp", "Corp"), "a-z, 0-9 and -"),
        (config.replace("http://127.0.0.1", "http://id.example.org"), "https"),
        (format!("{config}{config}"), "two issuers are named"),
        (config.replace("audience", "audiense"), "audiense"),
    ] {
        fs::write(server.config(), mistake).unwrap();
        server.signal("HUP");
        let line = server.logged("The issuers were not reloaded");
        assert!(line.contains(reason), "{line}");
    }
    assert_eq!(whoami(&mut client).await["user"], "corp:alice");
    server.connect(&by_token(&provider.token("bob"))).await;
}

/// An operator learns at the start that an issuer does not answer, and clients of others are admitted.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_issuer_that_is_away_is_logged_and_keeps_no_other_client_out() {
    let (away, provider) = (LyingIssuer::start().await.unwrap(), Provider::start().await);
    let config = format!(
        "[[issuers]]\nname = \"away\"\nurl = \"{}\"\naudience = \"chat\"\n{}",
        away.url(),
        provider.settings("corp")
    );
    let server = Server::start_with(&config, |_| {});

    let line = server.logged("The keys of an issuer could not be read");
    assert!(line.contains(&away.url()) && line.contains("status 404"), "{line}");
    server.connect(&by_token(&provider.token("alice"))).await;
    assert_eq!(server.request("GET", "/readyz").status, 200);
}

#[test]
fn mistakes_in_the_issuers_are_told_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("doorward.toml");
    let told = |text: &str| {
        fs::write(&file, text).unwrap();
        let mut command = doorward(&["serve", "--listen", "localhost:0", "--config", path(&file)]);
        command.arg("--data-dir").arg(folder.path().join("data"));
        let ended = finish(&mut command);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        ended.stderr
    };
    let good =
        "[[issuers]]\nname = \"corp\"\nurl = \"https://id.example.org\"\naudience = \"chat\"\n";

    for (text, place, reason) in [
        (good.replace("corp", "Corp"), ":2:8: ", "a-z, 0-9 and -"),
        (good.replace("corp", "doorward"), ":2:8: ", "tokens of this server"),
        (good.replace("\"chat\"", "[]"), ":4:12: ", "audience"),
        (good.replace("\"chat\"", "7"), ":4:12: ", "audience"),
        (format!("{good}preset = \"keycloack\"\n"), ":5:10: ", "did you mean \"keycloak\"?"),
        (format!("{good}algorithm = \"HS256\"\n"), ":5:13: ", "\"RS256\""),
        (format!("{good}user_clame = \"oid\"\n"), ":5:1: ", "user_clame"),
        (good.replace("https:", "http:"), "issuer \"corp\"", "the scheme must be https"),
        (good.replace("id.example.org", "10.0.0.1"), "issuer \"corp\"", "not a public address"),
        (good.replace("url = \"https://id.example.org\"\n", ""), ":1:1: ", "url"),
    ] {
        let said = told(&text);
        assert!(said.contains(place) && said.contains(reason), "{text}\n{said}");
    }
    // A list in the environment has the same form.
    let mut command = doorward(&["routes"]);
    command.env(
        "DOORWARD_ISSUERS",
        "[{ name = \"corp\", url = \"https://id.example.org\", audience = [\"a\", \"b\"] }]",
    );
    assert_eq!(finish(&mut command).code, Some(0));
}

/// The migration page reads this metric.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn tokens_are_counted_by_their_issuer() {
    let (old, new) = (Provider::start().await, Provider::start().await);
    let metrics = "[metrics]\nlisten = \"127.0.0.1:0\"\n";
    let config = format!("{}{}{metrics}", old.settings("old"), new.settings("new"));
    let server = Server::start_with(&config, |_| {});
    let address = metrics_of(&server);
    let other = Issuer::with_ring(Arc::clone(&old.ring), old.issuer.url(), "shop");
    let for_a_shop = other.issue("a", Duration::from_secs(60), SystemClock.wall(), "t").unwrap();

    for _ in 0..3 {
        server.connect(&by_token(&new.token("alice"))).await;
    }
    server.connect(&by_token(&old.token("alice"))).await;
    server.refusal(&by_token(&for_a_shop)).await;
    server.connect(&by_token(&token(server.data_dir()))).await;

    let text = scrape(&address);
    for line in [
        r#"doorward_tokens_total{issuer="new",outcome="accepted"} 3"#.to_owned(),
        r#"doorward_tokens_total{issuer="old",outcome="accepted"} 1"#.to_owned(),
        r#"doorward_tokens_total{issuer="old",outcome="refused"} 1"#.to_owned(),
        r#"doorward_tokens_total{issuer="doorward",outcome="accepted"} 1"#.to_owned(),
        format!(
            r#"doorward_issuer_requests_total{{issuer="{}",outcome="answered"}} 2"#,
            old.issuer.url()
        ),
        format!(r#"doorward_issuer_away{{issuer="{}"}} 0"#, old.issuer.url()),
        format!(r#"doorward_issuer_keys{{issuer="{}"}} 1"#, new.issuer.url()),
    ] {
        assert!(text.lines().any(|own| own == line), "{line} is not in\n{text}");
    }
}
