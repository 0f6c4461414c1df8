//! Clients with tokens of other issuers, at the ready-made server.
//!
//! The issuers run on a thread of their own, because a test blocks its thread while it waits for a log
//! line of the server.

use std::{sync::Arc, time::Duration};

use doorward::{
    auth::{Issuer, KeyRing, SigningKey},
    server::{Clock as _, SystemClock},
};
use doorward_testkit::{LyingIssuer, RawClient, Seen};
use serde_json::{Value, json};

use crate::{
    chat_client::ChatClient,
    metrics::{metrics_of, scrape},
    support::{Server, by_token, eventually, path, token},
};

/// Identity provider with a key of its own.
pub(crate) struct Provider {
    pub(crate) issuer: LyingIssuer,
    pub(crate) ring: Arc<KeyRing>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let ring = Arc::new(KeyRing::new(SigningKey::generate().unwrap()));
        let provider = Self { issuer: LyingIssuer::start().await.unwrap(), ring };
        provider.publish();
        provider
    }

    /// Publishes the current keys.
    pub(crate) fn publish(&self) {
        self.issuer.publish(&self.ring.jwks(SystemClock.wall()));
    }

    /// Returns a token of this provider for the audience `chat`.
    pub(crate) fn token(&self, user: &str) -> String {
        let issuer = Issuer::with_ring(Arc::clone(&self.ring), self.issuer.url(), "chat");
        issuer
            .issue(user, Duration::from_secs(600), SystemClock.wall(), &format!("t-{user}"))
            .unwrap()
    }

    /// Returns the settings of this provider under a name.
    pub(crate) fn settings(&self, name: &str) -> String {
        format!(
            "[[issuers]]\nname = \"{name}\"\nurl = \"{}\"\naudience = \"chat\"\n",
            self.issuer.url()
        )
    }
}

pub(crate) async fn whoami(client: &mut RawClient) -> Value {
    client.text("420[\"whoami\"]").await;
    client.json("430").await[0].clone()
}

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

/// The ids of most providers mean nothing to people.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_claim_names_the_users_of_an_issuer() {
    let provider = Provider::start().await;
    let config = format!("{}name_claim = \"nickname\"\n", provider.settings("corp"));
    let server = Server::start_with(&config, |_| {});
    let issuer = Issuer::with_ring(Arc::clone(&provider.ring), provider.issuer.url(), "chat");
    for (nickname, shown) in [
        (json!("Alice"), "#corp Alice"),
        (json!(" Álice  B. "), "#corp Álice  B."),
        (json!("two\nlines"), "#corp:7"),
        (json!("x".repeat(65)), "#corp:7"),
        (json!(7), "#corp:7"),
    ] {
        let named = issuer.clone().claim("nickname", nickname.clone());
        let token = named.issue("7", Duration::from_secs(60), SystemClock.wall(), "t").unwrap();
        let mut client = server.connect(&by_token(&token)).await;
        let me = whoami(&mut client).await;
        assert_eq!((&me["user"], &me["name"]), (&json!("corp:7"), &json!(shown)), "{nickname}");
    }
    let mut nameless = server.connect(&by_token(&provider.token("8"))).await;
    assert_eq!(whoami(&mut nameless).await["name"], "#corp:8");
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

/// An operator may forget the name of the issuer, and must not believe that the user is revoked.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_revocation_without_the_name_of_the_issuer_is_told() {
    let provider = Provider::start().await;
    let server = Server::start_with(&provider.settings("corp"), |_| {});
    let revoke = |options: &[&str]| server.operate(&[&["revoke"], options].concat());

    let unknown = revoke(&["--id", "eve"]).stdout;
    assert!(unknown.contains("such as \"corp:eve\""), "{unknown}");
    let unknown = revoke(&["--id", "corq:eve"]).stdout;
    assert!(unknown.contains("No issuer is named \"corq\""), "{unknown}");

    let mut eve = server.connect(&by_token(&provider.token("eve"))).await;
    let known = revoke(&["--id", "eve"]).stdout;
    assert!(known.contains("--id corp:eve revokes it"), "{known}");
    let refused = revoke(&["--user", "eve"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("\"corp:eve\" is connected"), "{refused:?}");
    let of_this_server = revoke(&["--token", "t-eve"]).stdout;
    assert!(of_this_server.contains("such as \"corp:t-eve\""), "{of_this_server}");
    assert_eq!(whoami(&mut eve).await["user"], "corp:eve");

    let done = revoke(&["--token", "corp:t-eve"]).stdout;
    assert_eq!(done, "Revoked; 1 socket closed. The token is refused from now on.\n");
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
    assert!(session.stderr.contains("begins with the name of an issuer"), "{session:?}");

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
    let unknown = Provider::start().await;
    server.refusal(&by_token(&unknown.token("alice"))).await;

    let text = scrape(&address);
    for line in [
        r#"doorward_tokens_total{issuer="new",outcome="accepted"} 3"#.to_owned(),
        r#"doorward_tokens_total{issuer="old",outcome="accepted"} 1"#.to_owned(),
        r#"doorward_tokens_total{issuer="old",outcome="refused"} 1"#.to_owned(),
        r#"doorward_tokens_total{issuer="doorward",outcome="accepted"} 1"#.to_owned(),
        r#"doorward_tokens_total{issuer="(unknown)",outcome="refused"} 1"#.to_owned(),
        format!(
            r#"doorward_issuer_requests_total{{url="{}",outcome="answered"}} 2"#,
            old.issuer.url()
        ),
        format!(r#"doorward_issuer_away{{url="{}"}} 0"#, old.issuer.url()),
        format!(r#"doorward_issuer_keys{{url="{}"}} 1"#, new.issuer.url()),
    ] {
        assert!(text.lines().any(|own| own == line), "{line} is not in\n{text}");
    }
}

/// An alert about an issuer ends when the operator removes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_removed_issuer_is_not_away_any_more() {
    let away = LyingIssuer::start().await.unwrap();
    let metrics = "[metrics]\nlisten = \"127.0.0.1:0\"\n";
    let settings =
        format!("[[issuers]]\nname = \"away\"\nurl = \"{}\"\naudience = \"chat\"\n", away.url());
    let server = Server::start_with(&format!("{settings}{metrics}"), |_| {});
    let address = metrics_of(&server);
    let is_away = |value: u8| {
        let line = format!(r#"doorward_issuer_away{{url="{}"}} {value}"#, away.url());
        scrape(&address).lines().any(|own| own == line).then_some(())
    };
    eventually(|| is_away(1));

    std::fs::write(server.config(), metrics).unwrap();
    server.signal("HUP");

    eventually(|| is_away(0));
}
