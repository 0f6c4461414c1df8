//! Measures broadcasts of one client to many.

use std::{cell::RefCell, collections::VecDeque, rc::Rc, time::Duration};

use clap::Args;
use doorward_bench::{Failure, credentials, measurement::Measurement};
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    client::{Client, Frame, append},
    latency::Latencies,
    sample::Sample,
    target::Target,
};

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Number of clients that listen. One more client sends.
    #[arg(long, default_value_t = 200)]
    clients: usize,
    /// Maximum number of messages that have not reached all clients yet.
    #[arg(long, default_value_t = 4)]
    in_flight: usize,
    /// Duration of the measurement.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

/// Totals of all clients.
#[derive(Default)]
struct Tally {
    delivered: u64,
    out_of_order: u64,
    latencies: Latencies,
    /// Messages in flight, oldest first. Each entry has the time of sending, and the number of clients that have
    /// received the message.
    on_their_way: VecDeque<(Instant, usize)>,
    /// Number of the oldest message in flight.
    first: u64,
}

#[derive(Default)]
struct Shared {
    tally: RefCell<Tally>,
    /// Notified when the oldest message in flight has reached all clients.
    room: Notify,
}

pub(crate) async fn run(target: Target, plan: Plan) -> Result<Measurement, Failure> {
    let shared = Rc::<Shared>::default();
    let mut opened = Vec::new();
    for number in 0..plan.clients {
        let mut client = Client::open(target.address, number).await?;
        client.connect(&credentials::token(number)?).await?;
        if client.packet().await?.is_none_or(|packet| !packet.starts_with(b"40")) {
            return Err("a client was not admitted".into());
        }
        opened.push(client);
    }
    let mut tasks = JoinSet::new();
    let mut speaker = Client::open(target.address, plan.clients).await?;
    speaker.connect(&credentials::token(0)?).await?;
    speaker.packet().await?;
    for client in opened {
        tasks.spawn_local(listen(client, plan.clients, Rc::clone(&shared)));
    }
    tasks.spawn_local(speak(speaker, plan.in_flight, Rc::clone(&shared)));
    let measured = async {
        sleep(WARM_UP).await;
        {
            let mut tally = shared.tally.borrow_mut();
            (tally.delivered, tally.out_of_order) = (0, 0);
            tally.latencies = Latencies::default();
        }
        let before = Sample::take(target)?;
        sleep(Duration::from_secs(plan.seconds)).await;
        let after = Sample::take(target)?;
        let tally = shared.tally.borrow();
        let mut measurement = after.since(&before, tally.delivered, &tally.latencies);
        measurement.out_of_order = tally.out_of_order;
        Ok(measurement)
    };
    tokio::select! {
        measured = measured => measured,
        Some(client) = tasks.join_next() => {
            client??;
            Err("a client ended before its time".into())
        }
    }
}

/// Keeps up to `in_flight` messages in flight. The sender receives its own messages too, and does not count them.
async fn speak(mut client: Client, in_flight: usize, shared: Rc<Shared>) -> Result<(), Failure> {
    let mut number = 0_u64;
    let mut out = Vec::new();
    loop {
        let free = in_flight - shared.tally.borrow().on_their_way.len();
        for _ in 0..free {
            append(&mut out, format!(r#"42["shout","{number:020}{TEXT}"]"#).as_bytes());
            shared.tally.borrow_mut().on_their_way.push_back((Instant::now(), 0));
            number += 1;
        }
        if !out.is_empty() {
            client.write(&out).await?;
            out.clear();
        }
        tokio::select! {
            () = shared.room.notified() => {}
            read = client.fill() => {
                if read? == 0 {
                    return Err("the server has closed".into());
                }
                while let Some(frame) = client.take() {
                    if frame == Frame::Text(b"2") {
                        append(&mut out, b"3");
                    }
                }
            }
        }
    }
}

/// Counts the messages that a client receives, and those that it receives out of order.
async fn listen(mut client: Client, listeners: usize, shared: Rc<Shared>) -> Result<(), Failure> {
    let mut expected = 0;
    loop {
        if client.fill().await? == 0 {
            return Err("the server has closed".into());
        }
        let mut pongs = Vec::new();
        let now = Instant::now();
        while let Some(frame) = client.take() {
            match frame {
                Frame::Text(b"2") => append(&mut pongs, b"3"),
                Frame::Text(text) => {
                    let number = number(text).ok_or("a packet that is not a message")?;
                    let mut tally = shared.tally.borrow_mut();
                    tally.delivered += 1;
                    tally.out_of_order += u64::from(number < expected);
                    expected = expected.max(number + 1);
                    tally.arrived(number, listeners, now);
                    // Only the oldest message makes room: the window slides in the order of sending.
                    if tally.is_oldest_done(listeners) {
                        drop(tally);
                        shared.tally.borrow_mut().forget_done(listeners);
                        shared.room.notify_one();
                    }
                }
                Frame::Other => return Err("an unexpected frame".into()),
            }
        }
        if !pongs.is_empty() {
            client.write(&pongs).await?;
        }
    }
}

impl Tally {
    fn arrived(&mut self, number: u64, listeners: usize, now: Instant) {
        let index = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let Some((sent, count)) = self.on_their_way.get_mut(index) else { return };
        *count += 1;
        if *count == listeners {
            let took = now - *sent;
            self.latencies.add(took);
        }
    }

    fn is_oldest_done(&self, listeners: usize) -> bool {
        self.on_their_way.front().is_some_and(|(_, count)| *count >= listeners)
    }

    fn forget_done(&mut self, listeners: usize) {
        while self.is_oldest_done(listeners) {
            self.on_their_way.pop_front();
            self.first += 1;
        }
    }
}

/// Parses the number in `42["shouted","<20 digits>..."]`. Returns `None` for any other packet.
fn number(text: &[u8]) -> Option<u64> {
    let rest = text.strip_prefix(br#"42["shouted",""#)?;
    let digits = rest.get(..20)?;
    Some(digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

/// Text after the number. Both together have 64 bytes.
const TEXT: &str = "bytes of text that all connected clients get";

/// Time before the measurement, until throughput is steady.
const WARM_UP: Duration = Duration::from_secs(1);
