//! The real binary, as a process of its own.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use db::Location;

pub struct Server {
    child: Child,
    pub address: SocketAddr,
    pub first_answer_ms: u128,
    /// A session of an agent and one of a customer.
    pub staff: String,
    pub customer: String,
}

fn binary() -> std::path::PathBuf {
    std::env::var_os("COUNTERFOIL_BIN").map_or_else(
        || std::env::current_exe().expect("a path").parent().expect("a folder").join("counterfoil"),
        Into::into,
    )
}

impl Server {
    pub fn start(location: &Location, data: &Path) -> Self {
        let folder = match location {
            Location::Sqlite(path) => path.parent().expect("a folder").to_owned(),
            Location::Postgres(_) => data.join("postgres-files"),
        };
        let mut command = at(&folder);
        if let Location::Postgres(url) = location {
            command.arg("--database-url").arg(url.reveal());
        }
        let (child, address, first_answer_ms) = launch(&mut command);
        let (staff, customer) = crate::data::sessions(location);
        std::thread::sleep(Duration::from_secs(1));
        Self { child, address, first_answer_ms, staff, customer }
    }

    /// A new business with one channel, in a folder of its own; the channel's key, and an administrator's.
    pub fn with_channel(folder: &Path) -> (Self, String, String) {
        let run = |arguments: &[&str]| {
            let output = at(folder).args(arguments).output().expect("the release binary is built");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        };
        run(&["tenant", "create", "acme", "--name", "Acme"]);
        let admin = run(&["api-key", "create", "--tenant", "acme", "--name", "bench", "--scope", "admin"]);
        let key = run(&["channel", "create", "--tenant", "acme", "--address", "support@acme.example"]);
        let mut command = at(folder);
        command.env("COUNTERFOIL_LIMITS_REQUESTS_PER_MINUTE", "100000000");
        let (child, address, first_answer_ms) = launch(&mut command);
        let server = Self { child, address, first_answer_ms, staff: String::new(), customer: String::new() };
        server.be_silent(&admin);
        (server, key, admin)
    }

    /// Its channel confirms nothing.
    fn be_silent(&self, admin: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let list = crate::driver::Request::get("/api/admin/channels", admin);
        let list = runtime.block_on(crate::driver::call(self.address, list));
        let list: serde_json::Value = serde_json::from_str(&list).expect("channels");
        let path = format!("/api/admin/channels/{}", list["items"][0]["id"].as_str().expect("a channel"));
        let change = crate::driver::Request::patch(&path, admin, r#"{"acknowledges":false}"#);
        runtime.block_on(crate::driver::call(self.address, change));
    }

    /// Processor time it has taken, in seconds, of all cores together.
    pub fn processor_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // User and system time are the 14th and 15th; the name, which may hold spaces, ends with the last bracket.
        let behind_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks: f64 =
            behind_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum();
        // Linux counts them in hundredths for everybody.
        ticks / 100.0
    }

    /// The process's own memory: anonymous pages, not files it maps.
    pub fn anonymous_mb(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("RssAnon:"));
        line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
    }
}

/// The binary in this folder. No name server is asked.
fn at(folder: &Path) -> Command {
    let mut command = Command::new(binary());
    command.arg("--data-dir").arg(folder).env("COUNTERFOIL_LOG", "error").env("COUNTERFOIL_MAIL_DNS", "off");
    command
}

/// Serves, and waits for the first answer; how many milliseconds that took.
fn launch(command: &mut Command) -> (Child, SocketAddr, u128) {
    let address = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
    command.args(["serve", "--listen", &address.to_string()]);
    let started = Instant::now();
    let child =
        command.stdout(Stdio::null()).spawn().expect("the release binary is built: cargo build --release");
    while !answers(address) {
        assert!(started.elapsed() < Duration::from_secs(60), "the server does not answer");
        std::thread::sleep(Duration::from_millis(2));
    }
    let first_answer_ms = started.elapsed().as_millis();
    (child, address, first_answer_ms)
}

fn answers(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let asked = stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n");
    let mut answer = String::new();
    asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
