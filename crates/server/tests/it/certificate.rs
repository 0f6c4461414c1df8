//! The certificate of a server without a proxy: what its operator reads about it.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use crate::{
    metrics::{metrics_of, scrape},
    support::{Server, doorward, finish, path},
};

/// Starts a server whose certificate expires in this year, and whose key has this mode.
fn start(year: i32, mode: u32) -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("a.crt"), folder.path().join("a.key"));
    let mut parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
    parameters.not_after = date_time_ymd(year, 2, 1);
    let pair = KeyPair::generate().unwrap();
    fs::write(&certificate, parameters.self_signed(&pair).unwrap().pem()).unwrap();
    fs::write(&key, pair.serialize_pem()).unwrap();
    fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
    let config = format!(
        "[metrics]\nlisten = \"127.0.0.1:0\"\n[tls]\ncertificate = \"{}\"\nkey = \"{}\"\n",
        path(&certificate),
        path(&key),
    );
    (Server::start_with(&config, |_| {}), folder)
}

#[test]
fn an_expired_certificate_and_a_key_for_all_users_are_reported() {
    let (server, _folder) = start(2024, 0o644);

    server.logged("Every user of this machine can use the key");
    let address = metrics_of(&server);
    let expired = server.logged("The TLS certificate has expired");
    assert!(expired.contains("end=2024-02-01T00:00:00Z"), "{expired}");
    let metrics = scrape(&address);
    assert!(
        metrics.contains("\ndoorward_tls_certificate_expires_timestamp_seconds 1706745600\n"),
        "{metrics}"
    );
}

#[test]
fn a_certificate_in_order_is_not_mentioned() {
    let (server, _folder) = start(4000, 0o600);
    // The metric is set together with the warning.
    let metrics = metrics_of(&server);
    crate::support::eventually(|| scrape(&metrics).contains("certificate_expires").then_some(()));

    let output = server.stop();

    assert!(!output.contains("expired") && !output.contains("Every user"), "{output}");
}

#[test]
fn the_doctor_reads_the_certificate() {
    for (year, code, expected) in [
        (2024, 2, "FAILED   tls         the certificate has expired at 2024-02-01T00:00:00Z"),
        (4000, 0, "ok       tls         the certificate is valid until 4000-02-01T00:00:00Z"),
    ] {
        let (server, _folder) = start(year, 0o600);
        let config = server.config();
        let text = fs::read_to_string(&config).unwrap();
        fs::write(&config, format!("public_url = \"https://localhost\"\n{text}")).unwrap();

        let done = finish(&mut doorward(&["doctor", "--config", path(&config)]));

        assert_eq!(done.code, Some(code), "{done:?}");
        assert!(done.stdout.contains(expected), "{}", done.stdout);
    }
}
