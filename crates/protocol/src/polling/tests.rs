//! Tests of the order of requests, stepped without I/O.

use super::*;

#[expect(clippy::disallowed_methods, reason = "tests need some instant to begin with")]
fn start() -> (Polling, Instant) {
    (Polling::new(PollingConfig::default()), Instant::now())
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[test]
fn a_second_get_ends_the_link() {
    let (mut polling, now) = start();
    polling.get(now).unwrap();

    assert_eq!(polling.get(now), Err(RequestError::Overlap));
    assert_eq!(polling.answer(Some(Waiting::Packets)), Some(GetAnswer::Close));
    assert_eq!(polling.get(now), Err(RequestError::Ended));
    assert_eq!(polling.post(), Err(RequestError::Ended));
    assert!(polling.has_ended());
}

#[test]
fn a_second_post_ends_the_link() {
    let (mut polling, now) = start();
    polling.get(now).unwrap();
    polling.post().unwrap();

    assert_eq!(polling.post(), Err(RequestError::Overlap));
    assert_eq!(polling.answer(None), Some(GetAnswer::Close));
    assert_eq!(polling.post(), Err(RequestError::Ended));
}

#[test]
fn posts_one_after_the_other_are_served_beside_a_waiting_get() {
    let (mut polling, now) = start();
    polling.get(now).unwrap();
    for _ in 0..3 {
        polling.post().unwrap();
        polling.posted();
    }
    assert_eq!(polling.answer(None), None);
    assert!(!polling.has_ended());
}

#[test]
fn a_close_of_the_client_answers_its_get_with_a_noop() {
    let (mut polling, now) = start();
    polling.get(now).unwrap();
    polling.post().unwrap();
    polling.end(GetAnswer::Noop);
    polling.end(GetAnswer::Close);

    assert_eq!(polling.answer(None), Some(GetAnswer::Noop));
    assert_eq!(polling.answer(None), None);
    assert_eq!(polling.get(now), Err(RequestError::Ended));
}

#[test]
fn a_cancelled_get_ends_the_link() {
    let (mut polling, now) = start();
    polling.get(now).unwrap();
    polling.get_cancelled();

    assert!(polling.has_ended());
    assert_eq!(polling.answer(Some(Waiting::Packets)), None);
    assert_eq!(polling.get(now), Err(RequestError::Ended));
}

#[test]
fn a_cancelled_post_ends_the_link_and_answers_the_get() {
    let (mut polling, now) = start();
    polling.get(now).unwrap();
    polling.post().unwrap();
    polling.post_cancelled();

    assert!(polling.has_ended());
    assert_eq!(polling.answer(Some(Waiting::Packets)), Some(GetAnswer::Refused));
    assert_eq!(polling.post(), Err(RequestError::Ended));
}

#[test]
fn a_get_is_answered_before_a_proxy_gives_up() {
    let (mut polling, now) = start();
    assert_eq!(polling.deadline(), None);
    polling.get(now).unwrap();

    assert_eq!(polling.deadline(), Some(now + ms(25_000)));
    assert_eq!(polling.answer_in_time(now + ms(24_999)), None);
    assert_eq!(polling.answer_in_time(now + ms(25_000)), Some(GetAnswer::Noop));
    assert_eq!(polling.deadline(), None);
    polling.get(now + ms(25_001)).unwrap();
}

#[test]
fn each_get_is_answered_during_a_probe() {
    let (mut polling, now) = start();
    polling.get(now).unwrap();
    polling.probe().unwrap();
    // It has waited long enough before the probe began.
    assert_eq!(polling.answer_in_time(now + ms(500)), Some(GetAnswer::Noop));

    polling.get(now + ms(600)).unwrap();
    assert_eq!(polling.deadline(), Some(now + ms(700)));
    assert_eq!(polling.answer_in_time(now + ms(699)), None);
    assert_eq!(polling.answer_in_time(now + ms(700)), Some(GetAnswer::Noop));

    polling.get(now + ms(800)).unwrap();
    polling.post().unwrap();
    polling.posted();
    assert_eq!(polling.answer(Some(Waiting::Packets)), Some(GetAnswer::Packets));
}

#[test]
fn a_failed_probe_leaves_the_client_polling_and_another_may_follow() {
    let (mut polling, now) = start();
    polling.probe().unwrap();
    assert_eq!(polling.probe(), Err(RequestError::Busy));
    polling.probe_failed();
    assert!(!polling.upgrade());
    polling.get(now).unwrap();
    assert_eq!(polling.deadline(), Some(now + ms(25_000)));

    polling.probe().unwrap();
    assert!(polling.upgrade());
}

#[test]
fn after_an_upgrade_requests_are_refused_and_change_nothing() {
    let (mut polling, now) = start();
    polling.get(now).unwrap();
    polling.probe().unwrap();
    assert!(polling.upgrade());

    assert_eq!(polling.answer(Some(Waiting::Packets)), Some(GetAnswer::Noop));
    assert_eq!(polling.get(now), Err(RequestError::Ended));
    assert_eq!(polling.post(), Err(RequestError::Ended));
    assert_eq!(polling.probe(), Err(RequestError::Ended));
    assert!(!polling.has_ended());
}

#[test]
fn an_upgrade_of_a_link_that_has_ended_fails() {
    let (mut polling, _) = start();
    polling.probe().unwrap();
    polling.end(GetAnswer::Noop);
    polling.probe_failed();

    assert!(!polling.upgrade());
    assert_eq!(polling.probe(), Err(RequestError::Ended));
}
