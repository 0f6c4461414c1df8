//! Runs every file of the corpus, and every beginning of it, through its function.

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
fn every_file_of_frames_is_survived() {
    run("frames", fuzz::frames);
}

#[test]
fn every_file_of_packets_is_survived() {
    run("packets", fuzz::packets);
}

#[test]
fn every_file_of_links_is_survived() {
    run("link", fuzz::link);
}
