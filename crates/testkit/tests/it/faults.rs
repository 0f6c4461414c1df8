//! Tests of the faults. A fault without effect would make every test that uses it pass.

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

/// Time to wait before a connection counts as silent. It is short, because all traffic is on loopback.
const SILENCE: Duration = Duration::from_millis(50);

/// Starts an echo server.
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

/// Reads until the end. Returns the number of bytes, or the kind of error.
async fn end(mut stream: TcpStream) -> Result<usize, std::io::ErrorKind> {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.map_err(|error| error.kind())
}

#[tokio::test]
async fn a_proxy_closes_connections_with_fin_or_reset() {
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
        // Five bytes in each direction, with 2 ms before each.
        (Fault::Drip(Duration::from_millis(2)), Duration::from_millis(20)),
    ] {
        proxy.set(fault);
        let begun = tokio::time::Instant::now();

        assert_eq!(ask(&mut stream).await, b"hello");

        assert!(begun.elapsed() >= at_least, "{fault:?}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_proxy_is_silent_and_resumes() {
    let proxy = FaultProxy::start(echo().await).await;
    let mut stream = connect(&proxy).await;
    proxy.set(Fault::HalfOpen);
    assert!(timeout(SILENCE, ask(&mut stream)).await.is_err());

    proxy.set(Fault::None);

    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"hello");
    proxy.strand();
    assert!(timeout(SILENCE, ask(&mut stream)).await.is_err());
    connect(&proxy).await;
}

#[test]
fn a_small_disk_is_filled_and_freed() {
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
    // In this mount namespace the folder is empty.
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
fn a_frozen_process_resumes() {
    let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let frozen = Frozen::new(cat.id());
    // The signal takes effect with a delay. `T` is the state of a stopped process (`man proc_pid_stat`).
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
