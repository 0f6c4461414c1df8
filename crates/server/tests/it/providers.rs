//! The pages of `docs/providers/`: the settings of each page accept the token that the page shows.
//!
//! A page has one block of settings and one token without its signature. Each test replaces the
//! address of the provider by that of a local one, which publishes the key of the test. The pages are
//! docs/providers/auth0.md, docs/providers/cognito.md, docs/providers/entra-id.md,
//! docs/providers/firebase.md, docs/providers/keycloak.md, docs/providers/okta.md and
//! docs/providers/supabase.md.

use std::{fs, path::Path, time::SystemTime};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward::{
    auth::Preset,
    server::{Clock as _, SystemClock},
};
use doorward_testkit::{Answer, LyingIssuer};
use serde_json::{Value, json};

use crate::support::{Server, by_token};

/// Page of one provider.
struct Page {
    settings: String,
    url: String,
    header: Value,
    claims: Value,
}

impl Page {
    fn read(name: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/providers");
        let text = fs::read_to_string(root.join(format!("{name}.md"))).unwrap();
        let block = |language: &str| {
            let fence = format!("```{language}\n");
            let mut blocks = text.split(&fence).skip(1);
            let block = blocks.next().unwrap().split("\n```").next().unwrap().to_owned();
            assert!(blocks.next().is_none(), "{name}.md has two blocks of {language}");
            block
        };
        let (settings, mut token) = (block("toml"), parsed(&block("json")));
        let url =
            settings.lines().find_map(|line| line.strip_prefix("url = \"")?.split('"').next());
        let url = url.unwrap().to_owned();
        assert_eq!(token["claims"]["iss"], url.as_str(), "{name}.md");
        Self { settings, url, header: token["header"].take(), claims: token["claims"].take() }
    }
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

/// Key of a provider.
enum Key {
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl Key {
    /// Generates a key for the algorithm in the header of a token.
    fn new(header: &Value) -> Self {
        match header["alg"].as_str().unwrap() {
            "ES256" => {
                Self::Ecdsa(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
            }
            "RS256" => Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
            other => panic!("no provider signs with {other}"),
        }
    }

    /// Returns the key set that a provider publishes. Entra ID does not state the algorithm.
    fn set(&self, header: &Value, states_algorithm: bool) -> String {
        let mut jwk = match self {
            Self::Ecdsa(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y)})
            }
            Self::Rsa(pair) => {
                let public = pair.public_key();
                let (n, e) = (public.modulus(), public.exponent());
                let text = |bytes: &[u8]| base64url(bytes);
                json!({
                    "kty": "RSA",
                    "n": text(n.big_endian_without_leading_zero()),
                    "e": text(e.big_endian_without_leading_zero()),
                })
            }
        };
        jwk["use"] = json!("sig");
        jwk["kid"] = header["kid"].clone();
        if states_algorithm {
            jwk["alg"] = header["alg"].clone();
        }
        json!({ "keys": [jwk] }).to_string()
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| base64url(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let random = SystemRandom::new();
        let signature = match self {
            Self::Ecdsa(pair) => pair.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{signed}.{}", base64url(&signature))
    }
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Starts a server with the settings of a page, and shows it the token of the page. The user must be
/// the claim `user` of the token.
async fn accepts(name: &str, user: &str) {
    let (page, local) = (Page::read(name), LyingIssuer::start().await.unwrap());
    // Some issuers have a slash at their end.
    let slash = if page.url.ends_with('/') { "/" } else { "" };
    let url = format!("{}{slash}", local.url());
    let settings = page.settings.replace(&page.url, &url);
    let key = Key::new(&page.header);
    let metadata = json!({"issuer": url, "jwks_uri": format!("{}/keys", local.url())});
    local.answer("/.well-known/openid-configuration", Answer::json(metadata.to_string()));
    local.answer("/keys", Answer::json(key.set(&page.header, name != "entra-id")));
    let mut claims = page.claims.clone();
    let now = SystemClock.wall().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let lifetime = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
    claims["iss"] = json!(url);
    claims["iat"] = json!(now);
    claims["exp"] = json!(now + lifetime);
    for time in ["auth_time", "nbf"] {
        if claims.get(time).is_some() {
            claims[time] = json!(now);
        }
    }
    let server = Server::start_with(&settings, |_| {});

    let mut client = server.connect(&by_token(&key.token(&page.header, &claims))).await;

    client.text("420[\"whoami\"]").await;
    let whoami = client.json("430").await;
    let expected = format!("{name}:{}", page.claims[user].as_str().unwrap());
    assert_eq!(whoami[0]["user"], expected);
    let line = settings.lines().find_map(|line| line.strip_prefix("name_claim = \""));
    let shown = match line.and_then(|line| line.split('"').next()) {
        Some(claim) => format!("#{name} {}", page.claims[claim].as_str().unwrap()),
        None => format!("#{expected}"),
    };
    assert_eq!(whoami[0]["name"], shown);
    // The settings are those of this provider alone.
    let audience = if claims.get("aud").is_some() { "aud" } else { "client_id" };
    for claim in ["iss", audience] {
        let mut wrong = claims.clone();
        wrong[claim] = json!("https://another.example.org");
        let token = key.token(&page.header, &wrong);
        assert_eq!(server.refusal(&by_token(&token)).await, "unauthenticated", "{claim}");
    }
    let mut nameless = claims.clone();
    nameless.as_object_mut().unwrap().remove(user);
    let token = key.token(&page.header, &nameless);
    assert_eq!(server.refusal(&by_token(&token)).await, "unauthenticated", "{user}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_page_of_auth0_accepts_its_token() {
    accepts("auth0", "sub").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_page_of_cognito_accepts_its_token() {
    accepts("cognito", "sub").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_page_of_entra_id_accepts_its_token() {
    accepts("entra-id", "oid").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_page_of_firebase_accepts_its_token() {
    accepts("firebase", "sub").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_page_of_keycloak_accepts_its_token() {
    accepts("keycloak", "sub").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_page_of_okta_accepts_its_token() {
    accepts("okta", "uid").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_page_of_supabase_accepts_its_token() {
    accepts("supabase", "sub").await;
}

#[test]
fn each_preset_has_a_page() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/providers");
    let pages = fs::read_dir(folder).unwrap().map(|page| page.unwrap().file_name());
    let mut pages: Vec<_> = pages.map(|page| page.into_string().unwrap()).collect();
    pages.sort();

    let presets: Vec<_> = Preset::ALL.iter().map(|(name, _)| format!("{name}.md")).collect();
    assert_eq!(pages, presets);
}
