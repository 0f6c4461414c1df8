//! Pings, pongs and the client that is gone.

use std::time::Duration;

use doorward::{Decision, DisconnectReason};
use doorward_testkit::Seen as Frame;

use crate::fixture::Fixture;

#[tokio::test]
async fn a_client_that_answers_its_pings_stays() {
    let fixture = Fixture::start().await;
    let mut client = fixture.alice().await;

    for _ in 0..5 {
        fixture.clock.advance(Duration::from_secs(25));
        assert_eq!(client.packet().await.as_deref(), Some("2"));
        client.text("3").await;
        // The answer shows that the pong has been read before time goes on.
        client.text(r#"420["echo",1]"#).await;
        assert_eq!(client.packet().await.as_deref(), Some("430[1]"));
    }
}

#[tokio::test]
async fn a_client_that_does_not_answer_is_gone() {
    let fixture = Fixture::start().await;
    let mut client = fixture.alice().await;

    fixture.clock.advance(Duration::from_secs(25));
    assert_eq!(client.packet().await.as_deref(), Some("2"));
    fixture.clock.advance(Duration::from_secs(20));

    assert_eq!(client.rest().await, [Frame::Closed(Some(1001))]);
    let outcomes = fixture.audit.wait_for(2).await;
    assert_eq!(outcomes[1], Decision::Ended(DisconnectReason::PingTimeout));
    fixture.seen.disconnected.notified().await;
}
