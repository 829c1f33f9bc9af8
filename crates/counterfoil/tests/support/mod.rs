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

db::statements! {
    installation END_LEASES = "update jobs set lease_until = ?1 where state = 'running'";
}

/// A folder of its own and, for PostgreSQL, an empty database.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub database: Option<base::Secret>,
    settings: Vec<(String, String)>,
}

impl Place {
    pub fn sqlite() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: None, settings: Vec::new() }
    }
    pub fn postgres() -> Self {
        let database = Some(testkit::postgres_server::empty_database());
        Self { folder: tempfile::tempdir().unwrap(), database, settings: Vec::new() }
    }
    /// With a setting for every command from now on, by its key in `counterfoil.toml`.
    pub fn set(&mut self, key: &str, value: impl ToString) {
        let name = format!("COUNTERFOIL_{}", key.replace('.', "_").to_uppercase());
        self.settings.push((name, value.to_string()));
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
            // No test asks a real name server.
            .env("COUNTERFOIL_MAIL_DNS", "off")
            .env("COUNTERFOIL_LIMITS_REQUESTS_PER_MINUTE", "1000000")
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
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
        self.key_of("acme", scope)
    }
    pub fn key_of(&self, tenant: &str, scope: &str) -> String {
        self.ok(&["api-key", "create", "--tenant", tenant, "--name", "tests", "--scope", scope])
    }

    /// A dead worker's lease ends after two minutes. Nobody waits for that here: it has ended.
    pub fn end_leases(&self) {
        let location = match &self.database {
            Some(url) => db::Location::Postgres(url.clone()),
            None => db::Location::Sqlite(self.data().join("counterfoil.sqlite3")),
        };
        let (clock, entropy) =
            (std::sync::Arc::new(base::SystemClock), std::sync::Arc::new(base::SystemEntropy));
        let options = db::Options { clock, entropy, threads: 1, queue_max: 8 };
        let db = db::Db::open(location, options).unwrap();
        let now = db.now();
        db.write_blocking(db::Scope::installation(base::Actor::operator()), move |tx| {
            tx.execute(&END_LEASES, db::params![now])
        })
        .unwrap();
        db.close();
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

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asked to stop: SIGTERM, and waits.
    pub fn stop(mut self) {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        let ended = self.child.wait().unwrap();
        assert!(ended.success(), "{ended}");
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

/// An answer as it came.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// The lines of its header, in lower case.
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
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
        let body = body.map(|b| b.to_string()).unwrap_or_default();
        let bearer = format!("Bearer {key}");
        let mut headers = vec![("Host", "127.0.0.1")];
        if !key.is_empty() {
            headers.push(("Authorization", &bearer));
        }
        headers.extend(once.map(|once| ("Idempotency-Key", once)));
        if !body.is_empty() {
            headers.push(("Content-Type", "application/json"));
        }
        let reply = self.send(method, path, &headers, body.as_bytes())?;
        Ok(Answer { status: reply.status, body: reply.json() })
    }

    /// One request as it is given, its length aside.
    pub fn send(
        self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Reply> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.0))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        // Who refuses early closes early; the answer is there all the same.
        let sent = stream.write_all(body);
        let mut raw = Vec::new();
        let read = stream.read_to_end(&mut raw);
        parse(&raw).ok_or_else(|| {
            sent.and(read.map(drop)).err().unwrap_or_else(|| std::io::Error::other("the answer ended early"))
        })
    }
}

fn parse(raw: &[u8]) -> Option<Reply> {
    let end = raw.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&raw[..end]).to_lowercase();
    let body = raw[end + 4..].to_vec();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length =
        head.lines().find_map(|l| l.strip_prefix("content-length:").map(|n| n.trim().parse::<usize>()));
    if let Some(Ok(length)) = length
        && body.len() < length
    {
        return None;
    }
    Some(Reply { status, head, body })
}
