//! Floods a server with clients that it refuses.

use doorward_testkit::RawClient;
use futures_util::{StreamExt as _, stream};

use crate::server::{Server, client_address};

pub(super) async fn run() -> String {
    let server =
        Server::start("[audit]\nsink = \"file\"\n[limits]\nmax_address_refusals = 1000000\n");
    let (address, tokens) = (server.address, server.tokens());
    let begun = tokio::time::Instant::now();
    let refused = stream::iter(0..REFUSALS).map(|number| async move {
        let from = client_address(number % 5_000);
        let mut client = RawClient::open_from(from, address, "").await;
        client.text(r#"40{"token":"x"}"#).await;
        client.packet().await.is_some_and(|packet| packet.starts_with("44"))
    });
    let mut refused = refused.buffer_unordered(64);
    let (mut count, mut admitted) = (0, Vec::new());
    while let Some(is_refused) = refused.next().await {
        count += usize::from(is_refused);
        if count % (REFUSALS / ADMISSIONS) == 0 {
            let user = format!("user-{}", admitted.len());
            let mut client = RawClient::open_from(client_address(60_000), address, "").await;
            client.text(&format!(r#"40{{"token":"{}"}}"#, tokens.sign(&user))).await;
            client.json("40").await;
            admitted.push(client);
        }
    }
    // The server records up to 1,000 refusals in 10 s one by one, and only counts the rest. The first and the last
    // window may be incomplete.
    let windows = begun.elapsed().as_secs() / 10 + 2;
    let file = server.data_dir().join("audit.jsonl");
    let _folder = server.end_in_order();

    let text = std::fs::read_to_string(file).expect("there is an audit file");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let of = |outcome: &str| lines.iter().filter(|line| line["outcome"] == outcome).count();
    let (one_by_one, admissions) = (of("refused"), of("admitted"));
    let together: u64 = lines.iter().filter_map(|line| line["count"].as_u64()).sum();
    assert_eq!(count, REFUSALS, "each unauthenticated client gets a refusal");
    assert_eq!(admissions, admitted.len(), "each admission is recorded");
    let told = u64::try_from(one_by_one).unwrap_or(u64::MAX) + together;
    assert_eq!(told, u64::try_from(REFUSALS).unwrap_or(0), "the records add up");
    let bound = usize::try_from(windows).unwrap_or(usize::MAX) * 1_000;
    assert!(one_by_one <= bound, "{one_by_one} refusals are recorded one by one");
    format!(
        "{REFUSALS} refusals: {one_by_one} records, {together} counted together; {admissions} of {} admissions recorded",
        admitted.len()
    )
}

const REFUSALS: usize = 30_000;

const ADMISSIONS: usize = 100;
