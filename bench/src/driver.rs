//! A driver of keep-alive HTTP/1.1 connections, one request in flight on each: the same for product and empty handler.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// One request, or several of which each call sends the next.
#[derive(Clone)]
pub struct Request {
    bytes: Arc<[Vec<u8>]>,
    next: Arc<AtomicUsize>,
}

impl Request {
    pub fn get(path: &str, token: &str) -> Self {
        let bytes = format!("GET {path} HTTP/1.1\r\nhost: bench\r\n{}\r\n", bearer(token)).into_bytes();
        Self { bytes: [bytes].into(), next: Arc::default() }
    }
    pub fn post(path: &str, token: &str, body: &str) -> Self {
        Self { bytes: [json("POST", path, token, body)].into(), next: Arc::default() }
    }
    /// A body each time, in turns.
    pub fn posts(path: &str, token: &str, bodies: impl Iterator<Item = String>) -> Self {
        let bytes = bodies.map(|body| json("POST", path, token, &body)).collect();
        Self { bytes, next: Arc::default() }
    }
    pub fn patch(path: &str, token: &str, body: &str) -> Self {
        Self { bytes: [json("PATCH", path, token, body)].into(), next: Arc::default() }
    }
    fn bytes(&self) -> &[u8] {
        &self.bytes[self.next.fetch_add(1, Ordering::Relaxed) % self.bytes.len()]
    }
}

fn json(method: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: bench\r\n{}content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        bearer(token),
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

fn bearer(token: &str) -> String {
    if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") }
}

/// Requests done, how long it took, and how long each took, sorted.
pub struct Load {
    pub done: usize,
    pub seconds: f64,
    latencies_us: Vec<u32>,
}

impl Load {
    /// Milliseconds within which this share of the requests was answered.
    pub fn percentile_ms(&self, share: f64) -> f64 {
        let at = ((self.latencies_us.len() as f64 - 1.0) * share).max(0.0) as usize;
        f64::from(self.latencies_us.get(at).copied().unwrap_or(0)) / 1000.0
    }
}

/// Sends the request from `callers` connections for `time`, after a fifth of it to warm up.
pub async fn run(address: SocketAddr, callers: usize, time: Duration, request: Request) -> Load {
    with_pauses(address, callers, time, request, Duration::ZERO).await
}

/// The same from callers who do something else for a while after each answer.
pub async fn with_pauses(
    address: SocketAddr,
    callers: usize,
    time: Duration,
    request: Request,
    pause: Duration,
) -> Load {
    let start = Instant::now() + time / 5;
    let end = start + time;
    let mut tasks = Vec::new();
    for _ in 0..callers {
        let request = request.clone();
        tasks.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.expect("the server listens");
            stream.set_nodelay(true).ok();
            let mut buffer = vec![0; 256 * 1024];
            let mut latencies = Vec::new();
            while Instant::now() < end {
                let sent = Instant::now();
                stream.write_all(request.bytes()).await.expect("a request is sent");
                one_answer(&mut stream, &mut buffer).await;
                if sent >= start {
                    latencies.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
                }
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
            }
            latencies
        }));
    }
    let mut latencies_us = Vec::new();
    for task in tasks {
        latencies_us.extend(task.await.expect("a caller finished"));
    }
    latencies_us.sort_unstable();
    Load { done: latencies_us.len(), seconds: time.as_secs_f64(), latencies_us }
}

/// Sends one request and answers its body.
pub async fn call(address: SocketAddr, request: Request) -> String {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    stream.write_all(request.bytes()).await.expect("a request is sent");
    let mut buffer = vec![0; 256 * 1024];
    let (body, end) = one_answer(&mut stream, &mut buffer).await;
    String::from_utf8_lossy(&buffer[body..end]).into_owned()
}

/// Reads one whole answer and says where its body is; anything but success stops the run, since a refused request costs
/// nothing.
pub async fn one_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> (usize, usize) {
    let (mut filled, mut whole) = (0, None);
    loop {
        if filled == buffer.len() {
            buffer.resize(filled * 2, 0);
        }
        let n = stream.read(&mut buffer[filled..]).await.expect("an answer is read");
        assert!(n > 0, "the server closed the connection");
        filled += n;
        if whole.is_none()
            && let Some(end) = buffer[..filled].windows(4).position(|w| w == b"\r\n\r\n")
        {
            let head = String::from_utf8_lossy(&buffer[..end]).to_lowercase();
            assert!(head.starts_with("http/1.1 2"), "{}", String::from_utf8_lossy(&buffer[..filled]));
            let length = head
                .lines()
                .find_map(|l| l.strip_prefix("content-length: "))
                .map_or(0, |l| l.trim().parse().expect("a length"));
            whole = Some((end + 4, end + 4 + length));
        }
        if let Some(whole) = whole.filter(|(_, end)| filled >= *end) {
            return whole;
        }
    }
}
