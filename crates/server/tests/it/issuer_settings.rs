//! The list of issuers: its mistakes, and its changes while the server runs.

use std::fs;

use doorward_testkit::{Answer, LyingIssuer, Seen};

use crate::{
    issuers::{Provider, whoami},
    support::{Server, by_session, by_token, doorward, finish, path},
};

/// Settings with which a removed issuer is noticed soon.
const SOON: &str = "[limits]\nsweep_interval = \"1s\"\n";

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

    for part in [r#"added=["new"]"#, "changed=[]", r#"removed=["old"]"#] {
        assert!(changed.contains(part), "{changed}");
    }
    let seen = leaving.rest().await;
    assert!(matches!(seen.last(), Some(Seen::Closed(_))), "{seen:?}");
    server.connect(&by_token(&new.token("carol"))).await;
    assert_eq!(server.refusal(&by_token(&old.token("alice"))).await, "unauthenticated");
    assert_eq!(whoami(&mut staying).await["user"], "kept:bob");
    // An issuer whose settings have not changed keeps its keys.
    assert_eq!(kept.issuer.requests().len(), asked);
}

/// A client of a changed issuer connects again by itself, and the new settings decide.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sockets_of_a_changed_issuer_end_without_a_disconnect() {
    let provider = Provider::start().await;
    let server = Server::start_with(&format!("{}{SOON}", provider.settings("corp")), |_| {});
    let mut client = server.connect(&by_token(&provider.token("alice"))).await;

    let changed = format!("{}max_lifetime = \"12h\"\n{SOON}", provider.settings("corp"));
    fs::write(server.config(), &changed).unwrap();
    server.signal("HUP");
    let line = server.logged("The issuers have changed");

    assert!(line.contains(r#"added=[] changed=["corp"] removed=[]"#), "{line}");
    let seen = client.rest().await;
    let has = |start: &str| {
        seen.iter().any(|seen| matches!(seen, Seen::Text(text) if text.starts_with(start)))
    };
    assert!(has(r#"42["session_ended",{"code":"outdated","retry":"later""#), "{seen:?}");
    assert!(!has("41"), "{seen:?}");
    assert!(server.logged("reason=\"credential_outdated\"").contains("corp:alice"));
    server.connect(&by_token(&provider.token("alice"))).await;
    server.signal("HUP");
    server.logged("The issuers have not changed");
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
        (format!("{good}user_clame = \"oid\"\n"), ":5:1: ", "did you mean \"user_claim\"?"),
        (format!("{good}data_dir = \"x\"\n"), ":5:1: ", "write it above the first [[issuers]]"),
        (format!("{good}max_lifetime = \"60d\"\n"), ":5:16: ", "at most 30d"),
        (good.replace("[[issuers]]", "[[issuer]]"), ":1:3: ", "did you mean [[issuers]]?"),
        (good.replace("[[issuers]]", "[issuers]"), ":1:1: ", "write [[issuers]]"),
        (good.replace("audience = \"chat\"\n", ""), ":1:1: ", "write audience"),
        (good.replace("https:", "http:"), "issuer \"corp\"", "the scheme must be https"),
        (good.replace("id.example.org", "10.0.0.1"), "issuer \"corp\"", "not a public address"),
        (good.replace("url = \"https://id.example.org\"\n", ""), ":1:1: ", "url"),
    ] {
        let said = told(&text);
        assert!(said.contains(place) && said.contains(reason), "{text}\n{said}");
    }
    for (name, value, reason) in [
        ("DOORWARD_ISSUERS", "corp", "write a TOML list, such as [{ name = "),
        ("DOORWARD_ISSUERS__0__NAME", "corp", "DOORWARD_ISSUERS is set as a whole"),
    ] {
        let ended = finish(doorward(&["routes"]).env(name, value));
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(reason), "{ended:?}");
    }
    // A list in the environment has the same form.
    let mut command = doorward(&["routes"]);
    command.env(
        "DOORWARD_ISSUERS",
        "[{ name = \"corp\", url = \"https://id.example.org\", audience = [\"a\", \"b\"] }]",
    );
    assert_eq!(finish(&mut command).code, Some(0));
}
