//! Finds the programs that come from the system's packages, and installs them if that is allowed.
//!
//! Only apt-get is supported. On other systems the names of the packages are printed, so that they can be
//! found.

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use super::super::steps::Tool;
use crate::{out, process};

/// Permission to install packages of the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consent {
    /// The packages are installed in the background, without a question.
    Given,
    /// Nothing is installed in the background: nothing is missing, a person has answered, or there is no
    /// terminal.
    NotNeeded,
}

pub(super) fn is_present(tool: Tool) -> bool {
    match tool {
        Tool::Chromium => chromium().is_some(),
        Tool::Compiler => on_path("cc").is_some(),
        Tool::Node => is_node_recent() && on_path("npm").is_some(),
        Tool::Postgres => has_postgres(),
        Tool::Proxies => PROXIES.iter().all(|name| on_path(name).is_some() || in_sbin(name)),
        Tool::Python => succeeds("python3", &["-c", PYTHON_PROBE]),
        Tool::Redis => env::var_os("REDIS_SERVER").is_some() || on_path("redis-server").is_some(),
    }
}

/// Returns the browser for the tests: the one in the environment, or the first on the path.
pub(in crate::test) fn chromium() -> Option<PathBuf> {
    let named = env::var_os("CHROMIUM").map(PathBuf::from).filter(|path| path.is_file());
    named.or_else(|| BROWSERS.iter().find_map(|name| on_path(name)))
}

/// Returns the reason why a tool cannot be used.
pub(super) fn describe_lack(tool: Tool) -> String {
    match tool {
        Tool::Chromium => "there is no Chromium",
        Tool::Compiler => "there is no C compiler (cc)",
        Tool::Node => "there is no Node.js 20 or newer with npm",
        Tool::Postgres => "there is no PostgreSQL server",
        Tool::Proxies => "there is no nginx, HAProxy, Caddy or openssl",
        Tool::Python => "there is no Python 3.10 or newer with venv",
        Tool::Redis => "there is no redis-server",
    }
    .to_owned()
}

/// Decides if the missing tools may be installed. On a terminal, asks and installs at once.
pub(super) fn consent(missing: &[Tool]) -> Consent {
    if missing.is_empty() {
        return Consent::NotNeeded;
    }
    let can_install = is_debian() && on_path("apt-get").is_some();
    let line = install_line(missing);
    if can_install && out::is_interactive() {
        out::line(format_args!("setup: this is missing: {}", packages(missing).join(" ")));
        if out::ask(&format!("Run `{line}`?")) {
            // The command runs in the foreground and not through a pipe, because it may ask for a password.
            Command::new("sh").args(["-c", &line]).status().ok();
        }
        return Consent::NotNeeded;
    }
    if can_install && is_root() {
        let names = packages(missing).join(" ");
        out::line(format_args!("setup: installing with apt-get, beside the compile: {names}"));
        return Consent::Given;
    }
    out::line(format_args!("setup: steps will be skipped until you run: {line}"));
    Consent::NotNeeded
}

/// Installs the packages and returns lines for the log.
pub(super) fn install(missing: &[Tool]) -> Vec<String> {
    let line = install_line(missing);
    let mut command = Command::new("sh");
    command.args(["-c", &line]).env("DEBIAN_FRONTEND", "noninteractive");
    let started = process::now();
    let run = process::run(&mut command, INSTALL_LIMIT, |_| {});
    let took = started.elapsed().as_secs_f64();
    if run.success {
        vec![format!("`{line}` took {took:.1} s")]
    } else {
        vec![format!("`{line}` failed after {took:.1} s"), run.output]
    }
}

fn install_line(missing: &[Tool]) -> String {
    let sudo = if is_root() { "" } else { "sudo " };
    let names = packages(missing).join(" ");
    let install = "apt-get install --yes --no-install-recommends";
    // The tests start their own servers. The services of the packages must not run: the two
    // variables prevent a start now, each for another init system, and the lines after the installation
    // prevent one at the next boot.
    let services: String = SERVICES
        .iter()
        .filter(|(tool, _)| missing.contains(tool))
        .map(|(_, service)| format!(" && {sudo}{}", disable(service)))
        .collect();
    let quietly = if services.is_empty() { "" } else { "env RUNLEVEL=1 SYSTEMD_OFFLINE=1 " };
    format!("{sudo}apt-get update && {sudo}{quietly}{install} {names}{services}")
}

/// Keeps a service from running after the next boot.
fn disable(service: &str) -> String {
    if service == "caddy" {
        // The package has only a systemd unit: without systemd there is nothing to disable.
        return "sh -c 'systemctl disable caddy 2>/dev/null || true'".to_owned();
    }
    format!("update-rc.d {service} disable")
}

fn packages(missing: &[Tool]) -> Vec<&'static str> {
    let of = |tool: &Tool| match tool {
        Tool::Chromium => &["chromium"][..],
        Tool::Compiler => &["build-essential"],
        Tool::Node => &["nodejs", "npm"],
        Tool::Postgres => &["postgresql"],
        Tool::Proxies => PROXIES,
        Tool::Python => &["python3", "python3-venv"],
        Tool::Redis => &["redis-server"],
    };
    missing.iter().flat_map(of).copied().collect()
}

/// Looks for the server in the same places as the tests.
fn has_postgres() -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders = versions.map(|version| version.path().join("bin"));
    env::var_os("POSTGRES_BIN").is_some()
        || folders.any(|folder| folder.join("initdb").is_file())
        || on_path("initdb").is_some()
}

fn is_node_recent() -> bool {
    let Ok(output) = Command::new("node").arg("--version").output() else { return false };
    let version = String::from_utf8_lossy(&output.stdout);
    major(&version).is_some_and(|major| major >= OLDEST_NODE)
}

/// Returns the major version: 20 for `v20.20.2`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn is_debian() -> bool {
    let known = |line: &str| {
        (line.starts_with("ID=") || line.starts_with("ID_LIKE="))
            && (line.contains("debian") || line.contains("ubuntu"))
    };
    fs::read_to_string("/etc/os-release").is_ok_and(|text| text.lines().any(known))
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Looks in the folder of service programs too, which is not on the path of every user.
fn in_sbin(program: &str) -> bool {
    PathBuf::from("/usr/sbin").join(program).is_file()
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Programs of the proxies. The packages that contain the programs have the same names.
const PROXIES: &[&str] = &["nginx", "haproxy", "caddy", "openssl"];

/// Services that the packages start when they are installed.
const SERVICES: [(Tool, &str); 5] = [
    (Tool::Postgres, "postgresql"),
    (Tool::Proxies, "nginx"),
    (Tool::Proxies, "haproxy"),
    (Tool::Proxies, "caddy"),
    (Tool::Redis, "redis-server"),
];

const OLDEST_NODE: u32 = 20;

const PYTHON_PROBE: &str = "import ensurepip, sys, venv; assert sys.version_info >= (3, 10)";

const BROWSERS: &[&str] =
    &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Time limit of one installation. When it is exceeded, the steps that need the tool are skipped.
const INSTALL_LIMIT: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_of_a_version_counts() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("20.20.2"), None);
        assert_eq!(major(""), None);
    }

    #[test]
    fn the_line_to_type_names_every_missing_package() {
        let line = install_line(&[Tool::Node, Tool::Chromium]);

        assert!(line.ends_with("nodejs npm chromium"), "{line}");
    }

    #[test]
    fn the_service_of_the_postgresql_package_is_not_left_running() {
        let line = install_line(&[Tool::Postgres, Tool::Redis]);

        assert!(line.contains("RUNLEVEL=1 SYSTEMD_OFFLINE=1 apt-get install"), "{line}");
        assert!(line.contains("update-rc.d postgresql disable"), "{line}");
        assert!(line.ends_with("update-rc.d redis-server disable"), "{line}");
    }

    #[test]
    fn the_services_of_proxies_are_not_left_running() {
        let line = install_line(&[Tool::Proxies]);

        assert!(line.contains("RUNLEVEL=1 SYSTEMD_OFFLINE=1 apt-get install"), "{line}");
        assert!(line.contains(" nginx haproxy caddy openssl && "), "{line}");
        for service in
            ["update-rc.d nginx disable", "update-rc.d haproxy disable", "systemctl disable caddy"]
        {
            assert!(line.contains(service), "{line}");
        }
    }

    #[test]
    fn the_service_of_the_redis_package_is_not_left_running() {
        let line = install_line(&[Tool::Chromium, Tool::Redis]);

        assert!(line.contains("RUNLEVEL=1 SYSTEMD_OFFLINE=1 apt-get install"), "{line}");
        assert!(line.contains("chromium redis-server && "), "{line}");
        assert!(line.ends_with("update-rc.d redis-server disable"), "{line}");
    }
}
