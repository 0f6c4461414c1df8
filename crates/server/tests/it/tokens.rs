//! Attacks with tokens on the running server. Attacks that need a key are tested in `doorward-auth`.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_testkit::RawClient;
use serde_json::{Value, json};

use crate::support::{Server, by_session, by_token, path, run, session, token};

/// Valid token in its three parts.
struct TokenParts {
    header: Value,
    claims: Value,
    signature: String,
}

impl TokenParts {
    fn of(token: &str) -> Self {
        let mut parts = token.split('.');
        let mut json = || {
            let bytes = URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap();
            serde_json::from_slice(&bytes).unwrap()
        };
        let (header, claims) = (json(), json());
        Self { header, claims, signature: token.rsplit('.').next().unwrap().to_owned() }
    }

    /// Makes a token with members of the header and the claims replaced, and with this signature.
    fn with(&self, header: &Value, claims: &Value, signature: &str) -> String {
        let merged = |own: &Value, change: &Value| {
            let mut own = own.as_object().unwrap().clone();
            own.extend(change.as_object().unwrap().clone());
            URL_SAFE_NO_PAD.encode(Value::Object(own).to_string())
        };
        format!("{}.{}.{signature}", merged(&self.header, header), merged(&self.claims, claims))
    }
}

/// Attacks 1, 2, 4, 5, 7, 10, 12, 14, 15, 16, 18, 19, 21, 28.
#[tokio::test]
async fn a_modified_token_is_refused() {
    let server = Server::start();
    let good = token(server.data_dir());
    let parts = TokenParts::of(&good);
    let none = json!({});
    let own = parts.signature.as_str();
    let mut tokens: Vec<String> = ["none", "None", "nOnE", "", "HS256", "RS256", "ES384", "EdDSA"]
        .iter()
        .flat_map(|alg| [own, ""].map(|s| parts.with(&json!({ "alg": alg }), &none, s)))
        .collect();
    for header in [
        json!({ "jwk": { "kty": "EC" } }),
        json!({ "jku": "http://127.0.0.1:1/" }),
        json!({ "x5u": "http://127.0.0.1:1/" }),
        json!({ "kid": "../../etc/passwd" }),
        json!({ "kid": "' OR 1=1" }),
        json!({ "kid": "\0" }),
        json!({ "kid": 7 }),
        json!({ "kid": ["a"] }),
        json!({ "crit": ["x"] }),
        json!({ "b64": false }),
        json!({ "typ": "logout+jwt" }),
    ] {
        tokens.push(parts.with(&header, &none, own));
    }
    for claims in [
        json!({ "sub": "root" }),
        json!({ "exp": 99_999_999_999_u64 }),
        json!({ "iss": ["doorward"] }),
        json!({ "gen": u64::MAX }),
    ] {
        tokens.push(parts.with(&none, &claims, own));
    }
    let (short, _) = good.split_at(good.len() - 4);
    tokens.extend([
        short.to_owned(),
        format!("{good}="),
        format!(" {good}"),
        format!("{good}\n"),
        good.replace('.', "?."),
        format!("{good}.{good}"),
        "[".repeat(5_000),
        String::new(),
    ]);
    for token in tokens {
        let auth = json!({ "token": token }).to_string();
        assert_eq!(server.refusal(&auth).await, "unauthenticated", "{token}");
    }
    // The unmodified token is valid, so the modifications were the reason.
    server.connect(&by_token(&good)).await;
}

/// Attacks 25, 27: a valid token in another member, in another type, or in the request.
#[tokio::test]
async fn a_token_counts_only_as_the_text_of_its_own_member() {
    let server = Server::start();
    let good = token(server.data_dir());
    for auth in [
        format!(r#"{{"token":["{good}"]}}"#),
        format!(r#"{{"token":{{"token":"{good}"}}}}"#),
        r#"{"token":7}"#.to_owned(),
        r#"{"token":true}"#.to_owned(),
        format!(r#"{{"Token":"{good}"}}"#),
        format!(r#"{{"authorization":"Bearer {good}"}}"#),
    ] {
        assert_eq!(server.refusal(&auth).await, "unauthenticated", "{auth}");
    }
    for auth in [
        format!(r#"{{"token":"x","token":"{good}"}}"#),
        format!(r#"{{"__proto__":{{}},"token":"{good}"}}"#),
    ] {
        assert_eq!(server.refusal(&auth).await, "bad_handshake", "{auth}");
    }
    let request = format!(
        "GET /socket.io/?EIO=4&transport=websocket&token={good} HTTP/1.1\r\n\
         Host: localhost:{}\r\nAuthorization: Bearer {good}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        server.port()
    );
    let (mut client, head) = RawClient::request(server.address(), request.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    client.packet().await.unwrap();
    client.text("40").await;
    assert_eq!(client.json("44").await["data"]["code"], "unauthenticated");
}

/// The database holds the revocations, while the key is a file of its own: without a check, revoked
/// tokens would be valid again.
#[tokio::test]
async fn a_server_that_has_lost_its_database_refuses_earlier_tokens() {
    let server = Server::start();
    let data = server.data_dir().to_owned();
    let old = by_token(&token(&data));
    let _client = server.connect(&old).await;
    let revoked = run(&["revoke", "--user", "alice", "--data-dir", path(&data)]);
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    let _folder = server.end_and_keep("TERM");
    for name in ["doorward.db", "doorward.db-wal", "doorward.db-shm"] {
        // The last two do not exist after a clean shutdown.
        drop(std::fs::remove_file(data.join(name)));
    }

    let server = Server::start_in(&data);

    server.logged("The database is new and the data directory is not");
    assert_eq!(server.refusal(&old).await, "unauthenticated");
    server.connect(&by_session(&session(&data, "alice"))).await;
}
