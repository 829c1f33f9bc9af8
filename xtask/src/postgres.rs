//! A PostgreSQL of our own for one run of the tests: a new cluster in a temporary folder, on loopback alone.

use std::{
    env, fs,
    io::Read as _,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::shell::{Outcome, find, is_root, output, succeeds};

/// A running cluster. Dropping it stops the server and removes its folder.
pub struct Postgres {
    guard: Child,
    folder: PathBuf,
    port: u16,
}

/// Runs the server and waits for standard input to end, which it does when we end, in whatever way: no server and
/// no folder outlive a run, even one that was killed. Ctrl-C reaches the whole group and is left to us.
const GUARD: &str = r#"
trap '' INT TERM HUP
"$@" >"$FOLDER/log" 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -INT "$server"
wait "$server"
rm -rf "$FOLDER"
"#;

impl Postgres {
    pub fn start() -> Outcome<Self> {
        let programs = programs()?;
        // Somebody else may take the free port before the server does; then another one is tried.
        let mut last = String::new();
        for attempt in 0..3 {
            match Self::try_start(&programs, attempt) {
                Ok(server) => {
                    server.create_role(&programs)?;
                    return Ok(server);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn try_start(programs: &Path, attempt: u32) -> Outcome<Self> {
        let folder = env::temp_dir().join(format!("counterfoil-postgres-{}-{attempt}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let user = User::find(&folder)?;
        let data = folder.join("data");
        let initdb =
            "--username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync --no-instructions";
        let mut initdb_command = user.command(&programs.join("initdb"));
        output(initdb_command.args(initdb.split(' ')).arg("-D").arg(&data))?;

        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr());
        let port = port.map_err(|error| format!("no free port on loopback: {error}"))?.port();
        let mut server = user.command(Path::new("sh"));
        server.args(["-c", GUARD, "guard"]).arg(programs.join("postgres")).arg("-D").arg(&data);
        let socket = format!("unix_socket_directories={}", folder.display());
        // The data lives as long as the run, so nothing has to survive a power cut.
        let quick = ["fsync=off", "full_page_writes=off", "synchronous_commit=off"];
        let settings =
            ["listen_addresses=127.0.0.1", &format!("port={port}"), &socket, "max_connections=400"];
        for setting in settings.into_iter().chain(quick) {
            server.args(["-c", setting]);
        }
        server.env("FOLDER", &folder).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let guard = server.spawn().map_err(|error| format!("PostgreSQL does not start: {error}"))?;
        let server = Self { guard, folder, port };

        let started = Instant::now();
        let ready = programs.join("pg_isready").display().to_string();
        while started.elapsed() < Duration::from_secs(30) {
            if succeeds(&ready, &["--quiet", "--host=127.0.0.1", &format!("--port={port}")]) {
                return Ok(server);
            }
            // The server says this once it has given up, before the guard notices anything.
            if server.log().contains("FATAL") {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err(format!("PostgreSQL did not start:\n{}", server.log()))
    }

    /// Tests sign in as an ordinary role: row-level security does not bind a superuser, so a test under one would
    /// prove nothing.
    fn create_role(&self, programs: &Path) -> Outcome {
        let sql = "create role counterfoil login nosuperuser nobypassrls createdb createrole";
        for sql in [sql, "create database counterfoil owner counterfoil"] {
            let url = format!("postgres://postgres@127.0.0.1:{}/postgres", self.port);
            output(Command::new(programs.join("psql")).args([
                &url,
                "--no-psqlrc",
                "--quiet",
                "--command",
                sql,
            ]))?;
        }
        Ok(())
    }

    /// For `COUNTERFOIL_TEST_POSTGRES`.
    pub fn url(&self) -> String {
        format!("postgres://counterfoil@127.0.0.1:{}/postgres", self.port)
    }

    fn log(&self) -> String {
        let mut log = String::new();
        let _ = fs::File::open(self.folder.join("log")).and_then(|mut file| file.read_to_string(&mut log));
        log
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// Where the server's programs are: Debian keeps them out of the search path, one folder for each version.
pub fn programs() -> Outcome<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"));
    let path = find("initdb").and_then(|path| path.parent().map(Path::to_owned));
    let version = |folder: &PathBuf| -> Option<u32> {
        let said = output(Command::new(folder.join("postgres")).arg("--version")).ok()?;
        let number: String =
            said.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
        number.parse().ok()
    };
    let complete =
        |folder: &PathBuf| ["initdb", "psql", "pg_isready"].iter().all(|name| folder.join(name).exists());
    debian
        .chain(path)
        .filter(complete)
        .filter_map(|folder| Some((version(&folder)?, folder)))
        .filter(|(version, _)| *version >= 15)
        .max()
        .map(|(_, folder)| folder)
        .ok_or_else(|| "PostgreSQL 15 or newer is missing: run `cargo dev setup`".into())
}

/// As whom the server runs: ourselves, unless we are root, which PostgreSQL refuses.
struct User(Option<(String, String)>);

impl User {
    fn find(folder: &Path) -> Outcome<Self> {
        if !is_root() {
            return Ok(Self(None));
        }
        // Installing the server made `postgres`; any account without rights would do.
        for name in ["postgres", "nobody"] {
            let id =
                |what: &str| output(Command::new("id").args([what, name])).map(|id| id.trim().to_owned());
            let (Ok(user), Ok(group)) = (id("-u"), id("-g")) else { continue };
            chown(folder, user.parse().ok(), group.parse().ok())
                .map_err(|error| format!("{}: {error}", folder.display()))?;
            return Ok(Self(Some((user, group))));
        }
        Err("there is no user `postgres` to run PostgreSQL as, and it refuses to run as root".into())
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = match &self.0 {
            None => Command::new(program),
            Some((user, group)) => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", user, "--regid", group, "--clear-groups", "--"]).arg(program);
                command
            }
        };
        // Our own folder may be closed to that user.
        command
            .current_dir("/")
            .env_remove("PGDATA")
            .env_remove("PGPORT")
            .env_remove("PGHOST")
            .env_remove("PGUSER");
        command
    }
}
