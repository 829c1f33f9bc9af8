//! Calls over real sockets on the loopback, and the addresses that are never dialled.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use std::{
    io,
    net::{IpAddr, SocketAddr},
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use engine::outside::{HttpClient, HttpRequest, Method};
use outside::{Dial, Outgoing, OutgoingConfig, Resolve};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

fn loopback() -> OutgoingConfig {
    OutgoingConfig { allow_networks: vec!["127.0.0.0/8".parse().unwrap()], ca_file: None }
}

fn post(url: impl Into<String>) -> HttpRequest {
    HttpRequest {
        method: Method::Post,
        url: url.into(),
        headers: vec![("content-type", "application/json".into()), ("webhook-id", "msg_1".into())],
        body: r#"{"a":1}"#.into(),
    }
}

/// Reads a request as far as its body of `{"a":1}`.
async fn request<S: AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut seen = Vec::new();
    let mut piece = [0; 1024];
    while !seen.ends_with(b"{\"a\":1}") {
        let n = stream.read(&mut piece).await.unwrap();
        assert!(n > 0, "ended early: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&piece[..n]);
    }
    String::from_utf8(seen).unwrap()
}

/// Serves one connection by a script and answers the port.
async fn serve<F, R>(script: F) -> (u16, tokio::task::JoinHandle<()>)
where
    F: FnOnce(TcpStream) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        script(stream).await;
    });
    (port, task)
}

async fn say<S: AsyncWrite + Unpin>(stream: &mut S, text: &str) {
    stream.write_all(text.as_bytes()).await.ok();
    stream.flush().await.ok();
}

#[tokio::test]
async fn a_call_carries_what_was_asked_and_brings_the_answer() {
    let (port, task) = serve(|mut s| async move {
        let seen = request(&mut s).await;
        assert!(seen.starts_with("POST /hooks/in?x=1 HTTP/1.1\r\n"), "{seen}");
        let lower = seen.to_lowercase();
        for line in [
            "\r\nhost: 127.0.0.1:",
            "\r\nwebhook-id: msg_1\r\n",
            "\r\ncontent-length: 7\r\n",
            "\r\nuser-agent: counterfoil/",
        ] {
            assert!(lower.contains(line), "{line} in {seen}");
        }
        say(&mut s, "HTTP/1.1 429 Slow\r\nRetry-After: 120\r\nContent-Length: 4\r\n\r\nwait").await;
    })
    .await;
    let client = Outgoing::new(&loopback()).unwrap();
    let answer = client.call(post(format!("http://127.0.0.1:{port}/hooks/in?x=1#frag"))).await.unwrap();
    task.await.unwrap();
    assert_eq!(
        (answer.status, answer.retry_after.as_deref(), &answer.body[..]),
        (429, Some("120"), &b"wait"[..])
    );
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = other.local_addr().unwrap();
    let (port, _) = serve(move |mut s| async move {
        request(&mut s).await;
        say(&mut s, &format!("HTTP/1.1 307 Moved\r\nLocation: http://{to}/\r\nContent-Length: 0\r\n\r\n"))
            .await;
    })
    .await;
    let client = Outgoing::new(&loopback()).unwrap();
    let answer = client.call(post(format!("http://127.0.0.1:{port}/"))).await.unwrap();
    assert_eq!(answer.status, 307);
    assert!(tokio::time::timeout(Duration::from_millis(200), other.accept()).await.is_err(), "nobody came");
}

#[tokio::test]
async fn a_huge_answer_is_cut_and_an_endless_one_ends() {
    let (port, _) = serve(|mut s| async move {
        request(&mut s).await;
        say(&mut s, "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n").await;
        let piece = [b'x'; 8192];
        while s.write_all(&piece).await.is_ok() {}
    })
    .await;
    let client = Outgoing::new(&loopback()).unwrap();
    let answer = client.call(post(format!("http://127.0.0.1:{port}/"))).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, 64 * 1024));
}

#[tokio::test]
async fn headers_without_end_are_refused() {
    let (port, _) = serve(|mut s| async move {
        request(&mut s).await;
        say(&mut s, "HTTP/1.1 200 OK\r\n").await;
        let line = format!("X-Fill: {}\r\n", "y".repeat(1000));
        while s.write_all(line.as_bytes()).await.is_ok() {}
    })
    .await;
    let client = Outgoing::new(&loopback()).unwrap();
    let error = client.call(post(format!("http://127.0.0.1:{port}/"))).await.unwrap_err();
    assert!(!error.refused && error.detail.contains("connection broke"), "{error}");
}

#[tokio::test]
async fn a_receiver_that_hangs_or_drips_costs_no_more_than_the_limit() {
    for drips in [false, true] {
        let (port, _) = serve(move |mut s| async move {
            request(&mut s).await;
            if drips {
                say(&mut s, "HTTP/1.1 200 OK\r\nX-Slow: ").await;
            }
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                if drips {
                    say(&mut s, "z").await;
                }
            }
        })
        .await;
        let client = Outgoing::new(&loopback()).unwrap().within(Duration::from_millis(300));
        let start = Instant::now();
        let error = client.call(post(format!("http://127.0.0.1:{port}/"))).await.unwrap_err();
        assert!(error.detail.contains("no whole answer within 0.3 seconds"), "{error}");
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn a_receiver_that_closes_early_or_talks_nonsense_is_a_failure() {
    for (said, why) in [
        ("", "connection broke"),
        ("HTTP/1.1 2", "connection broke"),
        ("SSH-2.0-x\r\n\r\n", "connection broke"),
    ] {
        let (port, _) = serve(move |mut s| async move {
            request(&mut s).await;
            say(&mut s, said).await;
            s.shutdown().await.ok();
        })
        .await;
        let client = Outgoing::new(&loopback()).unwrap();
        let error = client.call(post(format!("http://127.0.0.1:{port}/"))).await.unwrap_err();
        assert!(!error.refused && error.detail.contains(why), "{said:?}: {error}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let client = Outgoing::new(&loopback()).unwrap();
    let error = client.call(post(format!("http://127.0.0.1:{port}/"))).await.unwrap_err();
    assert!(error.detail.contains("no connection"), "{error}");
}

/// A resolver that says what it is told, a different thing each time, and a dialler that leads everything to the loopback.
struct Scripted {
    answers: Mutex<Vec<io::Result<Vec<IpAddr>>>>,
    asked: Mutex<Vec<String>>,
    dialled: Mutex<Vec<SocketAddr>>,
    port: u16,
}

impl Scripted {
    fn new(port: u16, answers: Vec<Vec<&str>>) -> Arc<Self> {
        let parse = |list: Vec<&str>| Ok(list.into_iter().map(|a| a.parse().unwrap()).collect());
        Arc::new(Self {
            answers: Mutex::new(answers.into_iter().rev().map(parse).collect()),
            asked: Mutex::default(),
            dialled: Mutex::default(),
            port,
        })
    }
}

#[async_trait]
impl Resolve for Scripted {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push(host.to_owned());
        self.answers.lock().unwrap().pop().unwrap_or_else(|| Err(io::Error::other("no such name")))
    }
}
#[async_trait]
impl Dial for Scripted {
    async fn dial(&self, to: SocketAddr) -> io::Result<TcpStream> {
        self.dialled.lock().unwrap().push(to);
        TcpStream::connect(("127.0.0.1", self.port)).await
    }
}

fn scripted(script: &Arc<Scripted>) -> Outgoing {
    Outgoing::new(&OutgoingConfig::default()).unwrap().with(script.clone(), script.clone())
}

#[tokio::test]
async fn a_name_is_resolved_once_and_the_address_that_was_looked_at_is_dialled() {
    let (port, task) = serve(|mut s| async move {
        let seen = request(&mut s).await;
        assert!(seen.to_lowercase().contains("\r\nhost: hooks.example.org\r\n"), "{seen}");
        say(&mut s, "HTTP/1.1 204 No Content\r\n\r\n").await;
    })
    .await;
    let script = Scripted::new(port, vec![vec!["93.184.216.34"], vec!["127.0.0.1"], vec!["10.0.0.1"]]);
    let client = scripted(&script);
    assert_eq!(client.call(post("http://hooks.example.org/")).await.unwrap().status, 204);
    task.await.unwrap();
    assert_eq!(script.asked.lock().unwrap().len(), 1, "one resolution a call");
    assert_eq!(*script.dialled.lock().unwrap(), ["93.184.216.34:80".parse().unwrap()]);
    // The next attempt resolves anew: the name has moved inside meanwhile, and nothing is dialled.
    for inside in ["127.0.0.1", "10.0.0.1"] {
        let error = client.call(post("http://hooks.example.org/")).await.unwrap_err();
        assert!(error.refused && error.detail.contains(inside), "{error}");
    }
    assert_eq!(script.dialled.lock().unwrap().len(), 1);
    let error = client.call(post("http://hooks.example.org/")).await.unwrap_err();
    assert!(!error.refused && error.detail.contains("cannot be resolved"), "{error}");
}

#[tokio::test]
async fn nothing_that_leads_inside_is_dialled() {
    for addresses in [
        vec!["127.0.0.1"],
        vec!["93.184.216.34", "192.168.0.1"],
        vec!["169.254.169.254"],
        vec!["::1"],
        vec!["fd00::1"],
        vec!["::ffff:10.0.0.1"],
        vec!["64:ff9b::a00:1"],
        vec!["2002:a00:1::"],
        vec!["100.64.0.1"],
        vec!["0.0.0.0"],
        vec![],
    ] {
        let script = Scripted::new(1, vec![addresses.clone()]);
        let error = scripted(&script).call(post("https://hooks.example.org/")).await.unwrap_err();
        assert_eq!(error.refused, !addresses.is_empty(), "{addresses:?}: {error}");
        assert!(script.dialled.lock().unwrap().is_empty(), "{addresses:?}");
    }
    // An address instead of a name is never resolved, so it is looked at by itself.
    for url in [
        "http://127.0.0.1:8080/",
        "http://[::1]/",
        "http://0x7f000001/",
        "http://169.254.169.254/latest",
        "http://[::ffff:7f00:1]/",
    ] {
        let script = Scripted::new(1, vec![vec!["93.184.216.34"]]);
        let client = scripted(&script);
        assert!(client.check(url).is_err(), "{url}");
        assert!(client.call(post(url)).await.unwrap_err().refused, "{url}");
        assert!(
            script.dialled.lock().unwrap().is_empty() && script.asked.lock().unwrap().is_empty(),
            "{url}"
        );
    }
}

fn openssl(folder: &std::path::Path, arguments: &[&str]) {
    let made = Command::new("openssl").current_dir(folder).args(arguments).output();
    let made = made.expect("openssl is missing: run `cargo dev setup`");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[tokio::test]
async fn tls_is_spoken_with_those_whose_certificate_is_believed_and_no_other() {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let folder = tempfile::tempdir().unwrap();
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let ca =
        ["req", "-x509", "-days", "2", "-subj", "/CN=A private CA", "-keyout", "ca.key", "-out", "ca.pem"];
    openssl(folder.path(), &[&ca[..], &key[..]].concat());
    let leaf = [
        "req",
        "-x509",
        "-days",
        "2",
        "-subj",
        "/CN=hooks.example.org",
        "-addext",
        "subjectAltName=DNS:hooks.example.org",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
    ];
    openssl(folder.path(), &[&leaf[..], &key[..]].concat());
    let certificate = CertificateDer::from_pem_file(folder.path().join("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.path().join("key.pem")).unwrap();
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(mut stream) = acceptor.accept(stream).await {
                request(&mut stream).await;
                say(&mut stream, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
                stream.shutdown().await.ok();
            }
        }
    });
    let script = |n: usize| Scripted::new(port, vec![vec!["93.184.216.34"]; n]);
    let believing = OutgoingConfig { ca_file: Some(folder.path().join("ca.pem")), ..Default::default() };
    let (there, other) = (script(1), script(1));
    let client = Outgoing::new(&believing).unwrap().with(there.clone(), there);
    let answer = client.call(post("https://hooks.example.org/")).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (200, &b"ok"[..]));
    let client = Outgoing::new(&believing).unwrap().with(other.clone(), other);
    let error = client.call(post("https://other.example.org/")).await.unwrap_err();
    assert!(error.detail.contains("TLS with other.example.org failed"), "{error}");
    let error = scripted(&script(1)).call(post("https://hooks.example.org/")).await.unwrap_err();
    assert!(error.detail.contains("TLS"), "{error}");
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "nothing").unwrap();
    assert!(Outgoing::new(&OutgoingConfig { ca_file: Some(empty), ..Default::default() }).is_err());
}
