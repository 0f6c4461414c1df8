//! Calls each fuzz function with every file of its corpus, and with every prefix of each file.

use std::{fs, path::Path};

use doorward_testkit::fuzz;

fn run(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut files = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        for end in 0..=bytes.len() {
            target(&bytes[..end]);
        }
        files += 1;
    }
    assert!(files >= 10, "{} holds only {files} files", folder.display());
}

#[test]
fn corpus_of_frames_never_panics() {
    run("frames", fuzz::frames);
}

#[test]
fn corpus_of_packets_never_panics() {
    run("packets", fuzz::packets);
}

#[test]
fn corpus_of_links_never_panics() {
    run("link", fuzz::link);
}

#[test]
fn corpus_of_msgpack_never_panics() {
    run("msgpack", fuzz::msgpack);
}

#[test]
fn corpus_of_payloads_never_panics() {
    run("payload", fuzz::payload);
}

#[test]
fn corpus_of_requests_never_panics() {
    run("polling", fuzz::polling);
}
