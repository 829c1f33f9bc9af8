//! The real binary as an operator has it: commands, a server that is started, killed and asked over HTTP.
#![allow(dead_code)]

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// A folder of its own and, for PostgreSQL, an empty database.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub database: Option<base::Secret>,
}

impl Place {
    pub fn sqlite() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: None }
    }
    pub fn postgres() -> Self {
        let database = Some(testkit::postgres_server::empty_database());
        Self { folder: tempfile::tempdir().unwrap(), database }
    }
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The binary with this place's settings and nobody else's.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COUNTERFOIL_")) {
            command.env_remove(name);
        }
        command
            .current_dir(self.folder.path())
            .env("COUNTERFOIL_DATA_DIR", self.data())
            .env("COUNTERFOIL_LOG", "warn")
            .env("COUNTERFOIL_LIMITS_REQUESTS_PER_MINUTE", "1000000")
            .args(arguments);
        if let Some(url) = &self.database {
            command.env("COUNTERFOIL_DATABASE_URL", url.reveal());
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// What a command that must succeed printed, without the last line break.
    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// What a command that must fail said.
    #[track_caller]
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} succeeded");
        String::from_utf8(output.stderr).unwrap()
    }

    /// A tenant, and a key that may do everything in it.
    pub fn with_key(&self) -> String {
        self.ok(&["tenant", "create", "acme", "--name", "Acme Broadband"]);
        self.key("admin")
    }
    pub fn key(&self, scope: &str) -> String {
        self.ok(&["api-key", "create", "--tenant", "acme", "--name", "tests", "--scope", scope])
    }

    pub fn serve(&self) -> Server {
        Server::start(self.command(&[]).stdin(Stdio::null()).stdout(Stdio::null()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(url) = &self.database {
            testkit::postgres_server::drop_database(url);
        }
    }
}

/// A running server; ended with the test, by its own process id.
pub struct Server {
    child: Child,
    pub port: u16,
}

impl Server {
    /// Starts `serve` on a free port of loopback and waits until it answers.
    pub fn start(command: &mut Command) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = command.args(["serve", "--listen", &format!("127.0.0.1:{port}")]).spawn().unwrap();
        let server = Self { child, port };
        server.wait_until_ready();
        server
    }

    fn wait_until_ready(&self) {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(30) {
            if self.try_call("GET", "/readyz", "", None, None).is_ok_and(|a| a.status == 200) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the server does not become ready");
    }

    /// The power goes: SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asked to stop: SIGTERM, and waits.
    pub fn stop(mut self) {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(self.child.wait().unwrap().success());
    }

    pub fn address(&self) -> Address {
        Address(self.port)
    }
    pub fn call(&self, method: &str, path: &str, key: &str, body: Option<Value>) -> Answer {
        self.try_call(method, path, key, body, None).unwrap()
    }
    pub fn try_call(
        &self,
        method: &str,
        path: &str,
        key: &str,
        body: Option<Value>,
        once: Option<&str>,
    ) -> std::io::Result<Answer> {
        self.address().call(method, path, key, body, once)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Where a server listens, or listened.
#[derive(Clone, Copy)]
pub struct Address(u16);

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Address {
    /// One request on a connection of its own. An answer that ends early is an error, not an answer.
    pub fn call(
        self,
        method: &str,
        path: &str,
        key: &str,
        body: Option<Value>,
        once: Option<&str>,
    ) -> std::io::Result<Answer> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.0))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let body = body.map(|b| b.to_string()).unwrap_or_default();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n");
        if !key.is_empty() {
            head.push_str(&format!("Authorization: Bearer {key}\r\n"));
        }
        if let Some(once) = once {
            head.push_str(&format!("Idempotency-Key: {once}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()));
        }
        stream.write_all(format!("{head}\r\n{body}").as_bytes())?;
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw)?;
        parse(&raw).ok_or_else(|| std::io::Error::other("the answer ended early"))
    }
}

fn parse(raw: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(raw);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head
        .lines()
        .find_map(|l| l.to_lowercase().strip_prefix("content-length:").map(|n| n.trim().parse::<usize>()));
    if let Some(Ok(length)) = length
        && body.len() < length
    {
        return None;
    }
    Some(Answer { status, body: serde_json::from_str(body).unwrap_or(Value::Null) })
}
