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
        let address =
            TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
        let folder = match location {
            Location::Sqlite(path) => path.parent().expect("a folder").to_owned(),
            Location::Postgres(_) => data.join("postgres-files"),
        };
        let mut command = Command::new(binary());
        command
            .args(["serve", "--listen", &address.to_string()])
            .arg("--data-dir")
            .arg(&folder)
            .env("COUNTERFOIL_LOG", "error");
        if let Location::Postgres(url) = location {
            command.arg("--database-url").arg(url.reveal());
        }
        let started = Instant::now();
        let child = command
            .stdout(Stdio::null())
            .spawn()
            .expect("the release binary is built: cargo build --release");
        while !answers(address) {
            assert!(started.elapsed() < Duration::from_secs(60), "the server does not answer");
            std::thread::sleep(Duration::from_millis(2));
        }
        let first_answer_ms = started.elapsed().as_millis();
        let (staff, customer) = crate::data::sessions(location);
        std::thread::sleep(Duration::from_secs(1));
        Self { child, address, first_answer_ms, staff, customer }
    }

    /// The process's own memory: anonymous pages, not files it maps.
    pub fn anonymous_mb(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("RssAnon:"));
        line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
    }
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
