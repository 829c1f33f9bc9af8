//! What the tests need beside Rust. Present things are left alone.

use std::{fs, process::Command};

use crate::{
    postgres,
    shell::{Outcome, find, is_root, root, run, succeeds},
};

struct Need {
    name: &'static str,
    is_there: fn() -> bool,
    /// The Debian packages that bring it.
    packages: &'static [&'static str],
}

const fn need(name: &'static str, is_there: fn() -> bool, packages: &'static [&'static str]) -> Need {
    Need { name, is_there, packages }
}

const NEEDS: [Need; 7] = [
    need("a C compiler", || find("cc").is_some(), &["build-essential"]),
    need("PostgreSQL 15 or newer", || postgres::programs().is_ok(), &["postgresql"]),
    need("OpenSSL's command", || find("openssl").is_some(), &["openssl"]),
    need("aiosmtpd, a mail server to test against", has_aiosmtpd, &["python3", "python3-aiosmtpd"]),
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
        install(&packages)?;
        if let Some(need) = missing.iter().find(|need| !(need.is_there)()) {
            return Err(format!("{} is still missing after the installation", need.name));
        }
    }
    install_journeys()
}

pub fn command() -> Outcome {
    ensure()?;
    println!("cargo dev setup: everything the tests need is there");
    Ok(())
}

fn install(packages: &[&str]) -> Outcome {
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
    run(apt().args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(packages))
}

/// The journeys' own packages, exactly as their lock file says.
fn install_journeys() -> Outcome {
    let folder = root().join("e2e");
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

fn has_aiosmtpd() -> bool {
    ["/usr/bin/python3", "python3"].into_iter().any(|python| succeeds(python, &["-c", "import aiosmtpd"]))
}

fn has_chromium() -> bool {
    ["chromium", "chromium-browser", "google-chrome"].into_iter().any(|name| find(name).is_some())
}
