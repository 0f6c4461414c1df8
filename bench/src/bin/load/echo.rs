//! Measures events with acks, several in flight.

use std::{cell::RefCell, collections::VecDeque, rc::Rc, time::Duration};

use clap::Args;
use doorward_bench::{Failure, credentials, measurement::Measurement};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    client::{Client, Frame, append},
    latency::Latencies,
    sample::Sample,
    target::Target,
};

#[derive(Args, Clone, Debug)]
pub(crate) struct Plan {
    /// Name of the event.
    #[arg(long, default_value = "echo")]
    event: String,
    /// Number of clients.
    #[arg(long, default_value_t = 50)]
    clients: usize,
    /// Maximum number of unanswered events of each client.
    #[arg(long, default_value_t = 1)]
    in_flight: u64,
    /// Duration of the measurement.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

/// Totals of all clients.
#[derive(Default)]
struct Tally {
    answered: u64,
    out_of_order: u64,
    latencies: Latencies,
}

pub(crate) async fn run(target: Target, plan: Plan) -> Result<Measurement, Failure> {
    let tally = Rc::<RefCell<Tally>>::default();
    let mut clients = JoinSet::new();
    for number in 0..plan.clients {
        let mut client = Client::open(target.address, number).await?;
        client.connect(&credentials::token(number)?).await?;
        if client.packet().await?.is_none_or(|packet| !packet.starts_with(b"40")) {
            return Err("a client was not admitted".into());
        }
        let event = format!(r#"["{}","{TEXT}"]"#, plan.event);
        clients.spawn_local(echo(client, event, plan.in_flight, Rc::clone(&tally)));
    }
    let measured = async {
        sleep(WARM_UP).await;
        *tally.borrow_mut() = Tally::default();
        let before = Sample::take(target)?;
        sleep(Duration::from_secs(plan.seconds)).await;
        let after = Sample::take(target)?;
        let tally = tally.borrow();
        let mut measurement = after.since(&before, tally.answered, &tally.latencies);
        measurement.out_of_order = tally.out_of_order;
        Ok(measurement)
    };
    tokio::select! {
        measured = measured => measured,
        Some(client) = clients.join_next() => {
            client??;
            Err("a client ended before its time".into())
        }
    }
}

/// Repeatedly sends `in_flight` events and waits until all of them are answered.
///
/// Sending one event for each answer would be the same with one event in flight. With more events in flight, bursts
/// would break up into ever smaller ones, and system calls would dominate the measurement.
async fn echo(
    mut client: Client,
    event: String,
    in_flight: u64,
    tally: Rc<RefCell<Tally>>,
) -> Result<(), Failure> {
    let mut next = 0_u64;
    // Unanswered events, the oldest first: id and time of sending.
    let mut waiting = VecDeque::new();
    let mut out = Vec::new();
    let mut packet = Vec::new();
    loop {
        let now = Instant::now();
        if waiting.is_empty() {
            for id in next..next + in_flight {
                write_event(&mut packet, id, &event);
                append(&mut out, &packet);
                waiting.push_back((id, now));
            }
            next += in_flight;
        }
        if !out.is_empty() {
            client.write(&out).await?;
            out.clear();
        }
        if client.fill().await? == 0 {
            return Err("the server has closed".into());
        }
        let now = Instant::now();
        let mut tally = tally.borrow_mut();
        while let Some(frame) = client.take() {
            match frame {
                Frame::Text(b"2") => append(&mut out, b"3"),
                Frame::Text(text) => {
                    let id = ack_id(text).ok_or("a packet that is not an ack")?;
                    let place = waiting.iter().position(|(waits, _)| *waits == id);
                    let place = place.ok_or("an unexpected ack")?;
                    let found = waiting.remove(place);
                    let (_, sent) = found.expect("the place was found just now");
                    tally.answered += 1;
                    tally.out_of_order += u64::from(place > 0);
                    tally.latencies.add(now - sent);
                }
                Frame::Other => return Err("an unexpected frame".into()),
            }
        }
    }
}

/// Replaces `packet` with `42<id><event>`, such as `42<id>["echo","<64 bytes>"]`.
fn write_event(packet: &mut Vec<u8>, id: u64, event: &str) {
    packet.clear();
    packet.extend_from_slice(b"42");
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = id;
    loop {
        start -= 1;
        digits[start] = b'0' + u8::try_from(rest % 10).expect("a digit is small");
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    packet.extend_from_slice(&digits[start..]);
    packet.extend_from_slice(event.as_bytes());
}

/// Parses the id of `43<id>["<64 bytes>"]`. Returns `None` if the payload is not the one that was sent.
fn ack_id(text: &[u8]) -> Option<u64> {
    let rest = text.strip_prefix(b"43")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, payload) = rest.split_at(digits);
    let id = digits.iter().fold(0_u64, |id, digit| id * 10 + u64::from(digit - b'0'));
    let payload = payload.strip_prefix(br#"[""#)?.strip_suffix(br#""]"#)?;
    (payload == TEXT.as_bytes()).then_some(id)
}

const TEXT: &str = "sixty-four bytes of text that are sent there and come back again";

/// Time before the measurement, until throughput is steady.
const WARM_UP: Duration = Duration::from_secs(1);
