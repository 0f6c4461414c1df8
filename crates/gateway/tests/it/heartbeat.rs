//! Pings, pongs and clients that stop answering.

use std::time::Duration;

use doorward::{DisconnectReason, audit::Decision};
use doorward_testkit::Seen as Frame;

use crate::fixture::Fixture;

#[tokio::test]
async fn a_client_that_answers_its_pings_stays_connected() {
    let fixture = Fixture::start().await;
    let mut client = fixture.alice().await;

    for _ in 0..5 {
        // The default ping interval.
        fixture.clock.advance(Duration::from_secs(25));
        assert_eq!(client.packet().await.as_deref(), Some("2"));
        client.text("3").await;
        // The answer shows that the server has read the pong before the clock moves on.
        client.text(r#"420["echo",1]"#).await;
        assert_eq!(client.packet().await.as_deref(), Some("430[1]"));
    }
}

#[tokio::test]
async fn a_client_that_misses_a_pong_times_out() {
    let fixture = Fixture::start().await;
    let mut client = fixture.alice().await;

    fixture.clock.advance(Duration::from_secs(25));
    assert_eq!(client.packet().await.as_deref(), Some("2"));
    // The default ping timeout.
    fixture.clock.advance(Duration::from_secs(20));

    assert_eq!(client.rest().await, [Frame::Closed(Some(1001))]);
    let outcomes = fixture.audit.wait_for(2).await;
    assert_eq!(outcomes[1], Decision::Ended(DisconnectReason::PingTimeout));
    fixture.seen.disconnected.notified().await;
}
