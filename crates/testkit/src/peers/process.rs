//! Servers that a test starts, and stops by their id.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A server of one test. It ends with the test, also when that fails.
pub struct Owned {
    child: Child,
    what: String,
    log: PathBuf,
}

impl Owned {
    /// Starts `command` with its output in `log`.
    pub fn start(command: &mut Command, log: PathBuf) -> Self {
        let output = fs::File::create(&log).unwrap();
        let what = command.get_program().to_string_lossy().into_owned();
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        Self { child, what, log }
    }

    /// Waits until `ready`, and shows what the server said when it is not in time.
    pub fn wait_until(&mut self, ready: impl Fn() -> bool) {
        let started = Instant::now();
        while !ready() {
            let ended = self.child.try_wait().unwrap();
            if ended.is_some() || started.elapsed() > Duration::from_secs(60) {
                panic!("{} is not ready ({ended:?}):\n{}", self.what, self.said());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn wait_for_port(&mut self, port: u16) {
        self.wait_until(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
    }

    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // Asked first, so that it ends its own children.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        let started = Instant::now();
        while asked.is_ok() && started.elapsed() < Duration::from_secs(10) {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Where a server is; a test that needs a missing one fails with the line that installs it.
pub fn program(names: &[&str], package: &str) -> PathBuf {
    let found = names.iter().map(PathBuf::from).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "{} is missing: run `cargo dev setup`, or `apt-get install --no-install-recommends {package}`",
            names[0]
        )
    })
}

/// A folder that servers under other users may enter.
pub fn folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// A certificate for `localhost` and 127.0.0.1 in `cert.pem` and `key.pem`.
pub fn make_certificate(folder: &Path) {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(folder)
        .output()
        .expect("openssl is missing: run `cargo dev setup`");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// Waits for something that comes by itself.
pub async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{what}: did not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
