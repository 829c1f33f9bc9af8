//! What the tests need beside Rust. Present things are left alone.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use crate::{
    postgres,
    shell::{Outcome, find, is_root, root, run, succeeds},
};

struct Need {
    name: &'static str,
    is_there: fn() -> bool,
    /// The Debian packages that bring it.
    packages: &'static [&'static str],
    /// Services that come along. The tests start servers of their own; these are kept from starting.
    services: &'static [&'static str],
}

const fn need(name: &'static str, is_there: fn() -> bool, packages: &'static [&'static str]) -> Need {
    Need { name, is_there, packages, services: &[] }
}

impl Need {
    const fn quiet(mut self, services: &'static [&'static str]) -> Self {
        self.services = services;
        self
    }
}

const NEEDS: [Need; 10] = [
    need("a C compiler", || find("cc").is_some(), &["build-essential"]),
    need("PostgreSQL 15 or newer", || postgres::programs().is_ok(), &["postgresql"]),
    need("OpenSSL's command", || find("openssl").is_some(), &["openssl"]),
    need("aiosmtpd, a mail server to test against", has_aiosmtpd, &["python3", "python3-aiosmtpd"]),
    need("Postfix", || is_program("/usr/sbin/postfix"), &["postfix"]).quiet(&["postfix"]),
    need("Dovecot's IMAP server", || is_program("/usr/lib/dovecot/imap"), &["dovecot-imapd"])
        .quiet(&["dovecot"]),
    need("ClamAV's server", || is_program("/usr/sbin/clamd"), &["clamav-daemon"]).quiet(&[
        "clamav-daemon",
        "clamav-daemon.socket",
        "clamav-freshclam",
    ]),
    need("Chromium", has_chromium, &["chromium"]),
    need("Node.js", || find("node").is_some(), &["nodejs"]),
    need("npm", || find("npm").is_some(), &["npm"]),
];

/// Installs what is missing.
pub fn ensure() -> Outcome {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !(need.is_there)()).collect();
    if !missing.is_empty() {
        let packages: Vec<&str> = missing.iter().flat_map(|need| need.packages.iter().copied()).collect();
        println!("missing: {}", missing.iter().map(|need| need.name).collect::<Vec<_>>().join(", "));
        let services: Vec<&str> = missing.iter().flat_map(|need| need.services.iter().copied()).collect();
        install(&packages, &services)?;
        if let Some(need) = missing.iter().find(|need| !(need.is_there)()) {
            return Err(format!("{} is still missing after the installation", need.name));
        }
    }
    // The journeys' packages, and the server of buckets for the tests of blobs.
    install_node_packages(&root().join("e2e"))?;
    install_node_packages(&root().join("crates/outside/tests/s3server"))
}

pub fn command() -> Outcome {
    ensure()?;
    println!("cargo dev setup: everything the tests need is there");
    Ok(())
}

fn install(packages: &[&str], services: &[&str]) -> Outcome {
    let line = format!("apt-get install --yes --no-install-recommends {}", packages.join(" "));
    if find("apt-get").is_none() {
        return Err(format!(
            "install the like of this with your system's package manager: {}",
            packages.join(" ")
        ));
    }
    if !is_root() {
        return Err(format!("install what is missing, then try again:\n\n    sudo {line}\n"));
    }
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    run(apt().args(["update", "--quiet"]))?;
    let silence = Silence::impose();
    if packages.contains(&"postfix") {
        // Otherwise it makes a configuration for this machine's name, and mail of the system begins to move.
        let answer =
            "echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections";
        run(Command::new("sh").args(["-c", answer]))?;
    }
    run(apt().args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(packages))?;
    drop(silence);
    // Nor at the next start of the machine. Only what was installed just now: others are somebody's.
    for service in services {
        if find("systemctl").is_some() && !succeeds("systemctl", &["disable", "--quiet", service]) {
            println!("the service {service} could not be kept from starting with the machine");
        }
    }
    Ok(())
}

/// Keeps packages from starting their services while they are installed (policy-rc.d, as Debian's images do it).
struct Silence {
    is_ours: bool,
}

const POLICY: &str = "/usr/sbin/policy-rc.d";

impl Silence {
    fn impose() -> Self {
        if Path::new(POLICY).exists() {
            return Self { is_ours: false };
        }
        // One that is left behind by an installation that was cut off says nothing any more.
        let script = format!("#!/bin/sh\nkill -0 {} 2>/dev/null && exit 101\nexit 0\n", std::process::id());
        let written = fs::write(POLICY, script)
            .and_then(|()| fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755)));
        Self { is_ours: written.is_ok() }
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        if self.is_ours {
            let _ = fs::remove_file(POLICY);
        }
    }
}

/// A folder's packages, exactly as their lock file says.
fn install_node_packages(folder: &Path) -> Outcome {
    let lock = folder.join("package-lock.json");
    if !folder.join("package.json").exists() {
        return Ok(());
    }
    let changed = |path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let installed = changed(folder.join("node_modules/.package-lock.json"));
    if installed.is_some() && installed >= changed(lock) {
        return Ok(());
    }
    // The system's Chromium is used; a second one need not be fetched.
    run(Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
        .current_dir(folder))
}

/// Servers are outside the search path of those who are not root.
fn is_program(path: &str) -> bool {
    Path::new(path).is_file()
}

fn has_aiosmtpd() -> bool {
    ["/usr/bin/python3", "python3"].into_iter().any(|python| succeeds(python, &["-c", "import aiosmtpd"]))
}

fn has_chromium() -> bool {
    ["chromium", "chromium-browser", "google-chrome"].into_iter().any(|name| find(name).is_some())
}
