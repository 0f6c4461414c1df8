//! The faults do what they say: a test that relies on one would see nothing otherwise.

use std::{
    io::{Read as _, Write as _},
    net::SocketAddr,
    process::{Command, Stdio},
    time::Duration,
};

use doorward_testkit::{Fault, FaultProxy, Frozen, SmallDisk, StarvedPipe};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// Silence is waited for so long: the network under test is this machine's own.
const A_MOMENT: Duration = Duration::from_millis(50);

/// A server that says everything back.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    address
}

async fn connect(proxy: &FaultProxy) -> TcpStream {
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(ask(&mut stream).await, b"hello");
    stream
}

async fn ask(stream: &mut TcpStream) -> Vec<u8> {
    stream.write_all(b"hello").await.unwrap();
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await.unwrap();
    answer.to_vec()
}

/// How it ends: with the number of bytes read, or with an error.
async fn end(mut stream: TcpStream) -> Result<usize, std::io::ErrorKind> {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.map_err(|error| error.kind())
}

#[tokio::test]
async fn a_proxy_ends_connections_in_order_or_with_a_reset() {
    for (fault, expected) in
        [(Fault::Cut, Ok(0)), (Fault::Reset, Err(std::io::ErrorKind::ConnectionReset))]
    {
        let proxy = FaultProxy::start(echo().await).await;
        let before = connect(&proxy).await;

        proxy.set(fault);

        assert_eq!(end(before).await, expected, "{fault:?}");
        assert_eq!(proxy.taken(), 1);
    }
}

#[tokio::test]
async fn a_proxy_delays_and_drips() {
    let proxy = FaultProxy::start(echo().await).await;
    let mut stream = connect(&proxy).await;
    for (fault, at_least) in [
        (Fault::Delay(Duration::from_millis(20)), Duration::from_millis(40)),
        // Five bytes there, five back, one after the other.
        (Fault::Drip(Duration::from_millis(2)), Duration::from_millis(20)),
    ] {
        proxy.set(fault);
        let begun = tokio::time::Instant::now();

        assert_eq!(ask(&mut stream).await, b"hello");

        assert!(begun.elapsed() >= at_least, "{fault:?}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_proxy_is_silent_and_speaks_again() {
    let proxy = FaultProxy::start(echo().await).await;
    let mut stream = connect(&proxy).await;
    proxy.set(Fault::HalfOpen);
    assert!(timeout(A_MOMENT, ask(&mut stream)).await.is_err());

    proxy.set(Fault::None);

    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"hello");
    proxy.strand();
    assert!(timeout(A_MOMENT, ask(&mut stream)).await.is_err());
    connect(&proxy).await;
}

#[test]
fn a_small_disk_is_full_and_has_room_again() {
    let disk = SmallDisk::new(256 * 1024);
    let write = |bytes: usize| {
        let script = format!("head -c {bytes} /dev/zero > \"$0\"/file");
        let mut command = disk.command("sh");
        command.args(["-c", &script]).arg(disk.path()).stderr(Stdio::null());
        command.status().unwrap().success()
    };
    assert!(write(100_000));
    assert_eq!(std::fs::metadata(disk.outside("file")).unwrap().len(), 100_000);

    disk.fill();
    assert!(!write(200_000));
    disk.free();

    assert!(write(200_000));
    // The folder itself is empty: the disk is mounted elsewhere.
    assert!(!disk.path().join("file").exists());
}

#[test]
fn a_starved_pipe_takes_nothing() {
    let pipe = StarvedPipe::new();
    let mut writer = Command::new("sh")
        .args(["-c", "echo begun; echo more >&2; echo ended"])
        .stdout(Stdio::piped())
        .stderr(pipe.write_end())
        .spawn()
        .unwrap();
    let mut begun = [0; 6];
    let mut stdout = writer.stdout.take().unwrap();
    stdout.read_exact(&mut begun).unwrap();

    writer.kill().unwrap();

    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!((&begun, rest.as_str()), (b"begun\n", ""));
    writer.wait().unwrap();
}

#[test]
fn a_frozen_process_answers_again_afterwards() {
    let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let frozen = Frozen::new(cat.id());
    // The signal is on its way for a moment.
    let stat = format!("/proc/{}/stat", cat.id());
    while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
        std::thread::yield_now();
    }
    cat.stdin.take().unwrap().write_all(b"hello").unwrap();

    drop(frozen);

    let mut answer = String::new();
    cat.stdout.take().unwrap().read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "hello");
    cat.wait().unwrap();
}
