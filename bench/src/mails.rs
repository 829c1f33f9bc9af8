//! Mail: from the bytes that are handed in over HTTP until the letter is filed, by the running server on SQLite, beside
//! the same bytes stored durably by eight writers and nothing else.
//!
//! Every letter has a file of 20 kB of its own and a sender of its own kind: half begin a ticket, half answer the one
//! before. The channel sends no confirmations: they would be letters out, not in.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use base::{Id, TenantId};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use engine::outside::Blobs;
use outside::LocalBlobs;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::{driver, report::Report, server::Server};

const CALLERS: usize = 32;
const WRITERS: usize = 8;
const FILE_BYTES: usize = 20_000;

/// The letter of a number. Odd ones answer the even one before.
fn letter(n: usize) -> Vec<u8> {
    let (ticket, is_answer) = (n / 2, n % 2 == 1);
    let mut file = Vec::with_capacity(FILE_BYTES);
    let mut state = n as u64 + 1;
    while file.len() < FILE_BYTES {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        file.extend_from_slice(&state.to_le_bytes());
    }
    let encoded = STANDARD.encode(&file);
    let lines: Vec<&str> =
        encoded.as_bytes().chunks(76).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let (re, thread) = match is_answer {
        true => ("Re: ", format!("In-Reply-To: <{}@bench.example>\r\n", n - 1)),
        false => ("", String::new()),
    };
    let quoted =
        if is_answer { "\r\nOn Monday somebody wrote:\r\n> The light on the box is red.\r\n" } else { "" };
    format!(
        "From: Customer {ticket} <customer{ticket}@bench.example>\r\nTo: support@acme.example\r\n\
         Subject: {re}No line since Monday, case {ticket}\r\nMessage-ID: <{n}@bench.example>\r\n{thread}\
         Date: Mon, 05 Jan 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=frontier\r\n\r\n--frontier\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
         Good morning,\r\n\r\nthe light on the box is red since Monday, and the telephone is silent. This is number{n}.\r\n\
         {quoted}\r\nBest regards,\r\nCustomer {ticket}\r\n--frontier\r\n\
         Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"log{n}.bin\"\r\n\r\n{}\r\n--frontier--\r\n",
        lines.join("\r\n")
    )
    .into_bytes()
}

/// The same bytes, durable, by the product's own way of being durable: letters a second.
fn stored(runtime: &tokio::runtime::Runtime, folder: &Path, time: Duration) -> f64 {
    let blobs = Arc::new(LocalBlobs::open(folder.join("limit")).expect("a folder"));
    let tenant: TenantId = Id::from_uuid(uuid::Uuid::from_u128(7));
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    runtime.block_on(async {
        let mut writers = Vec::new();
        for _ in 0..WRITERS {
            let (blobs, next) = (blobs.clone(), next.clone());
            writers.push(tokio::spawn(async move {
                while begun.elapsed() < time {
                    let raw = letter(next.fetch_add(1, Ordering::Relaxed));
                    let mut writer = blobs.begin(tenant).await.expect("a file");
                    writer.write(raw.into()).await.expect("written");
                    writer.finish().await.expect("durable");
                }
            }));
        }
        for writer in writers {
            writer.await.expect("a writer finished");
        }
    });
    next.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}

/// Hands in the letters from `from` up to `to`; answers how long it took.
async fn hand_in(address: SocketAddr, key: &str, from: usize, to: usize) -> Duration {
    let next = Arc::new(AtomicUsize::new(from / 2));
    let begun = Instant::now();
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        let (key, next) = (key.to_owned(), next.clone());
        callers.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.expect("the server listens");
            stream.set_nodelay(true).ok();
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let pair = next.fetch_add(1, Ordering::Relaxed) * 2;
                if pair >= to {
                    return;
                }
                // The answer comes after what it answers, as it does in life.
                for (n, outcome) in [(pair, "\"ticket\""), (pair + 1, "\"reply\"")] {
                    let raw = letter(n);
                    let head = format!(
                        "POST /api/mail/inbound HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n\
                         content-type: message/rfc822\r\ncontent-length: {}\r\n\r\n",
                        raw.len()
                    );
                    stream.write_all(&[head.as_bytes(), &raw].concat()).await.expect("a letter is sent");
                    let (body, end) = driver::one_answer(&mut stream, &mut buffer).await;
                    let said = String::from_utf8_lossy(&buffer[body..end]);
                    assert!(said.contains(&format!("\"outcome\":{outcome}")), "letter {n}: {said}");
                }
            }
        }));
    }
    for caller in callers {
        caller.await.expect("a caller finished");
    }
    begun.elapsed()
}

/// Hands in so many letters, in ten parts, and says how memory grew.
pub fn measure(data: &Path, count: usize, time: Duration, report: &mut Report) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let folder = data.join("mails");
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder).expect("a folder");
    let limit = stored(&runtime, &folder, time);
    let (server, key, admin) = Server::with_channel(&folder);
    let fact = |report: &mut Report, what: &str, value: String| report.fact("SQLite", count, what, value);
    fact(report, "letters stored durably by 8 writers, and nothing else", format!("{limit:.0} /s"));
    fact(report, "anonymous memory before the first letter", format!("{:.0} MB", server.anonymous_mb()));
    // Pairs, and at least one in each part.
    let part = (count / 20).max(1) * 2;
    let mut spent = Duration::ZERO;
    let processor_before = server.processor_seconds();
    for n in 0..10 {
        let took = runtime.block_on(hand_in(server.address, &key, n * part, (n + 1) * part));
        spent += took;
        let (rate, done) = (part as f64 / took.as_secs_f64(), (n + 1) * part);
        let memory = server.anonymous_mb();
        fact(report, &format!("letters filed, up to {done}"), format!("{rate:.0} /s, {memory:.0} MB"));
    }
    let begun = Instant::now();
    let word = format!("number{}", part * 10 - 1);
    let path = format!("/api/admin/support/tickets?q={word}");
    while !runtime
        .block_on(driver::call(server.address, driver::Request::get(&path, &admin)))
        .contains("case")
    {
        assert!(begun.elapsed() < Duration::from_secs(120), "the last letter is not found");
        std::thread::sleep(Duration::from_millis(20));
    }
    let lag = begun.elapsed();
    let all = (part * 10) as f64;
    let processor = (server.processor_seconds() - processor_before) * 1_000.0 / all;
    fact(report, "the server's processor time for a letter", format!("{processor:.2} ms"));
    let rate = all / (spent + lag).as_secs_f64();
    fact(
        report,
        "until the last one is found by the search, after it was filed",
        format!("{} ms", lag.as_millis()),
    );
    fact(
        report,
        "letters filed and indexed",
        format!("{rate:.0} /s, {:.2} of what could be stored", rate / limit),
    );
    std::fs::remove_dir_all(&folder).ok();
}
