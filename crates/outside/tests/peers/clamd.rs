//! A real clamd with a signature of our own: nothing is downloaded.

use std::{fs, io::Write as _, path::PathBuf, process::Command, time::Duration};

use bytes::Bytes;
use engine::outside::{Scanner, Verdict};
use outside::{ClamAv, ClamAvConfig};
use testkit::peers::{Owned, folder, free_port, program};

/// The test file every scanner knows, in two halves: no scanner of the machine we are built on should mind this file.
const EICAR: [&str; 2] = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD", "-ANTIVIRUS-TEST-FILE!$H+H*"];

struct Clamd {
    port: u16,
    socket: PathBuf,
    _server: Owned,
    _folder: tempfile::TempDir,
}

impl Clamd {
    fn start() -> Self {
        let clamd = program(&["/usr/sbin/clamd"], "clamav-daemon");
        let folder = folder();
        let database = folder.path().join("database");
        fs::create_dir(&database).unwrap();
        let hex: String = EICAR.concat().bytes().map(|byte| format!("{byte:02x}")).collect();
        // name:any type:anywhere:bytes
        fs::write(database.join("ours.ndb"), format!("Counterfoil.Test.EICAR:0:*:{hex}\n")).unwrap();
        let (port, socket) = (free_port(), folder.path().join("clamd.sock"));
        let user = Command::new("id").arg("-un").output().unwrap();
        let config = format!(
            "DatabaseDirectory {}\nLocalSocket {}\nTCPSocket {port}\nTCPAddr 127.0.0.1\nForeground yes\n\
             StreamMaxLength 1M\nMaxThreads 4\nSelfCheck 0\nUser {}\nTemporaryDirectory {}\n",
            database.display(),
            socket.display(),
            String::from_utf8_lossy(&user.stdout).trim(),
            folder.path().display(),
        );
        let config_file = folder.path().join("clamd.conf");
        fs::write(&config_file, config).unwrap();
        let mut command = Command::new(clamd);
        command.arg("--config-file").arg(&config_file);
        let mut server = Owned::start(&mut command, folder.path().join("clamd.log"));
        server.wait_for_port(port);
        server.wait_until(|| socket.exists());
        Self { port, socket, _server: server, _folder: folder }
    }
}

fn scanner(address: &str, timeout_seconds: u32) -> ClamAv {
    ClamAv::new(&ClamAvConfig { address: address.into(), timeout_seconds, parallel: 4 }).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_looked_into() {
    let clamd = Clamd::start();
    let over_tcp = scanner(&format!("tcp:127.0.0.1:{}", clamd.port), 30);
    let over_socket = scanner(&format!("unix:{}", clamd.socket.display()), 30);
    let infected = Verdict::Infected { name: "Counterfoil.Test.EICAR.UNOFFICIAL".into() };
    let mut deep = vec![b' '; 300_000];
    deep.write_all(EICAR.concat().as_bytes()).unwrap();
    for scanner in [&over_tcp, &over_socket] {
        assert!(scanner.version().await.unwrap().starts_with("ClamAV "));
        assert_eq!(scanner.scan(Bytes::new()).await, Ok(Verdict::Clean));
        assert_eq!(scanner.scan("hello".into()).await, Ok(Verdict::Clean));
        assert_eq!(scanner.scan(vec![7; 900_000].into()).await, Ok(Verdict::Clean));
        assert_eq!(scanner.scan(EICAR.concat().into()).await, Ok(infected.clone()));
        assert_eq!(scanner.scan(deep.clone().into()).await, Ok(infected.clone()));
    }
    // More than clamd takes is not clean: nobody has looked.
    for _ in 0..5 {
        let error = over_tcp.scan(vec![7; 30_000_000].into()).await.unwrap_err();
        assert!(error.detail.contains("size limit") || error.detail.contains("hung up"), "{error}");
    }
    let many =
        (0..40).map(|i| over_tcp.scan(Bytes::from(if i % 2 == 0 { EICAR.concat() } else { "x".into() })));
    for (i, verdict) in futures::future::join_all(many).await.into_iter().enumerate() {
        assert_eq!(verdict, Ok(if i % 2 == 0 { infected.clone() } else { Verdict::Clean }));
    }
}

#[tokio::test]
async fn a_scanner_that_is_away_says_nothing_about_a_file() {
    let away = scanner(&format!("tcp:127.0.0.1:{}", free_port()), 5);
    assert!(away.scan("hello".into()).await.unwrap_err().detail.contains("cannot be reached"));
    assert_eq!(away.version().await.unwrap_err().code(), "clamav.unreachable");
    assert!(scanner("unix:/nowhere/clamd.sock", 5).scan("hello".into()).await.is_err());

    // One that takes the connection and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let started = std::time::Instant::now();
    let error = scanner(&format!("tcp:127.0.0.1:{port}"), 1).scan("hello".into()).await.unwrap_err();
    assert_eq!(error.detail, "clamd did not answer in time");
    assert!(started.elapsed() < Duration::from_secs(5));
    // One that hangs up without a word.
    let rude = std::thread::spawn(move || drop(silent.accept().and_then(|_| silent.accept())));
    let error = scanner(&format!("tcp:127.0.0.1:{port}"), 5).scan("hello".into()).await.unwrap_err();
    assert!(error.detail.starts_with("clamd hung up"), "{error}");
    rude.join().unwrap();
}
