//! Letters that mean harm. The server says no or keeps them harmless, and goes on.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use flate2::{Compression, Crc, write::DeflateEncoder};
use serde_json::Value;
use testkit::peers::free_port;

use crate::{
    letters::{SUPPORT, TICKETS, eventually, get, hand_in, letter, mails, settled, with_channel},
    support::{Place, Server},
    talk::Talk,
};

const MIB: u64 = 1024 * 1024;

/// Memory of a process that is no file's.
fn memory(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn hand(server: &Server, channel: &str, raw: &str) -> (u16, Value) {
    let reply = hand_in(server.address(), channel, raw.as_bytes()).unwrap();
    (reply.status, reply.json())
}

/// Still there, still taking letters.
fn is_well(server: &Server, channel: &str, n: u32) {
    let (status, said) = hand(server, channel, &letter("ada@example.net", &format!("Well {n}")));
    assert_eq!((status, &said["outcome"]), (200, &"ticket".into()), "{said}");
}

#[test]
fn what_no_parser_should_read_stands_in_a_list_with_its_cause() {
    let place = Place::sqlite();
    let (admin, channel) = with_channel(&place);
    let server = place.serve();
    let many: Vec<String> = (0..10_000).map(|n| format!("victim{n}@example.net")).collect();
    let crowd = letter("ada@example.net", "Crowd").replace(SUPPORT, &many.join(",\r\n "));
    let mut nested = "From: ada@example.net\r\nSubject: Deep\r\n".to_owned();
    for level in 0..20_000 {
        nested.push_str(&format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"));
    }
    let mut within = "From: ada@example.net\r\nSubject: Within\r\n".to_owned();
    within.push_str(&"Content-Type: message/rfc822\r\n\r\n".repeat(20_000));
    let headers = letter("ada@example.net", "Headers")
        .replace("Date:", &format!("{}Date:", "X-A: b\r\n".repeat(20_000)));
    let long = letter("ada@example.net", "Long")
        .replace("Date:", &format!("X-A: {}\r\nDate:", "b".repeat(1_000_000)));
    let mut parts =
        "From: ada@example.net\r\nSubject: Parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
            .to_owned();
    parts.push_str(&"--b\r\n\r\nx\r\n".repeat(50_000));
    let before = memory(&server);
    for (raw, why) in [
        (crowd, "mail.too_many_recipients"),
        (nested, "mail.too_deep"),
        (within, "mail.too_deep"),
        (headers, "mail."),
        (long, "mail.header_too_large"),
        (parts, "mail.too_many_parts"),
    ] {
        let (status, said) = hand(&server, &channel, &raw);
        assert_eq!((status, &said["state"]), (202, &"failed".into()), "{why}: {said}");
        assert!(said["reason"].as_str().unwrap().contains(why), "{said}");
    }
    is_well(&server, &channel, 1);
    assert_eq!(mails(&server, &admin).iter().filter(|m| m["state"] == "failed").count(), 6);
    let grown = memory(&server).saturating_sub(before);
    assert!(grown < 64 * MIB, "{} MiB", grown / MIB);
    let letters = fs::read_dir(place.data().join("outbox")).unwrap().count();
    assert!(letters <= 1, "nobody in the crowd gets a letter");
    server.stop();
}

#[test]
fn a_hundred_megabytes_are_refused_without_being_kept() {
    let mut place = Place::sqlite();
    let port = free_port();
    place.set("mail.smtp_listen", format!("127.0.0.1:{port}"));
    let (admin, channel) = with_channel(&place);
    let server = place.serve();
    is_well(&server, &channel, 1);
    let before = memory(&server);
    // Over HTTP: by its length, and in pieces of unknown length.
    let large = vec![b'x'; 100 * MIB as usize];
    assert_eq!(hand_in(server.address(), &channel, &large).unwrap().status, 413);
    assert_eq!(chunked(&server, &channel, 100), 413);
    let after_http = memory(&server).saturating_sub(before);
    assert!(after_http < 24 * MIB, "{} MiB", after_http / MIB);

    let mut talk = Talk::connect(port).unwrap();
    assert!(talk.ask("MAIL FROM:<ada@example.net> SIZE=104857600").unwrap().starts_with("552"));
    // Who does not say so is stopped while sending.
    for line in ["MAIL FROM:<ada@example.net>", "RCPT TO:<support@acme.example>", "DATA"] {
        assert!(talk.ask(line).unwrap().starts_with(['2', '3']));
    }
    let line = format!("{}\r\n", "x".repeat(998)).repeat(1000);
    let (mut most, mut sent) = (0, 0);
    while sent < 100 * MIB && talk.say(line.as_bytes()).is_ok() {
        sent += line.len() as u64;
        most = most.max(memory(&server).saturating_sub(before));
    }
    if talk.say(b".\r\n").is_ok()
        && let Ok(answer) = talk.hear()
    {
        assert!(answer.starts_with("552"), "{answer}");
    }
    // One letter that may still be taken is held at a time.
    assert!(most < 72 * MIB, "{} MiB", most / MIB);
    is_well(&server, &channel, 2);
    assert_eq!(mails(&server, &admin).len(), 2, "nothing of it is kept");
    let left = eventually("unfinished files are gone", || {
        let left = fs::read_dir(place.data().join("blobs/tmp")).unwrap().count();
        (left == 0).then_some(left)
    });
    assert_eq!(left, 0);
    server.stop();
}

/// Sends so many MiB of unknown length; the status that is answered.
fn chunked(server: &Server, channel: &str, mib: usize) -> u16 {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let head = format!(
        "POST /api/mail/inbound HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer {channel}\r\n\
         Content-Type: message/rfc822\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let piece = [b"100000\r\n".to_vec(), vec![b'x'; MIB as usize], b"\r\n".to_vec()].concat();
    for _ in 0..mib {
        if stream.write_all(&piece).is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0)
}

/// A ZIP of one file: so many MiB of nothing.
fn zip_bomb(mib: usize) -> Vec<u8> {
    let (mut crc, mut deflate) = (Crc::new(), DeflateEncoder::new(Vec::new(), Compression::best()));
    let nothing = vec![0; MIB as usize];
    for _ in 0..mib {
        crc.update(&nothing);
        deflate.write_all(&nothing).unwrap();
    }
    let packed = deflate.finish().unwrap();
    let mut about = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
    about.extend(crc.sum().to_le_bytes());
    about.extend((packed.len() as u32).to_le_bytes());
    about.extend((mib as u32 * MIB as u32).to_le_bytes());
    about.extend([8, 0, 0, 0]);
    let local = [b"PK\x03\x04".to_vec(), about.clone(), b"zero.txt".to_vec(), packed].concat();
    let central = [b"PK\x01\x02\x14\0".to_vec(), about, vec![0; 14], b"zero.txt".to_vec()].concat();
    let mut end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0".to_vec();
    end.extend((central.len() as u32).to_le_bytes());
    end.extend((local.len() as u32).to_le_bytes());
    end.extend([0, 0]);
    [local, central, end].concat()
}

fn with_file(subject: &str, name: &str, kind: &str, content: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let encoded = STANDARD.encode(content);
    let lines: Vec<&str> = encoded.as_bytes().chunks(76).map(|l| std::str::from_utf8(l).unwrap()).collect();
    format!(
        "From: ada@example.net\r\nTo: {SUPPORT}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@example.net>\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=frontier\r\n\r\n--frontier\r\n\r\nSee the file.\r\n\
         --frontier\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"{name}\"\r\n\r\n{}\r\n--frontier--\r\n",
        lines.join("\r\n")
    )
}

fn only_file(server: &Server, admin: &str, subject: &str) -> Value {
    let ticket = settled(server, admin, subject)["ticket_id"].as_str().unwrap().to_owned();
    let detail = get(server, "127.0.0.1", admin, &format!("{TICKETS}/{ticket}"));
    detail["messages"][0]["attachments"][0].clone()
}

#[test]
fn an_archive_is_kept_and_never_unpacked() {
    let place = Place::sqlite();
    let (admin, channel) = with_channel(&place);
    let server = place.serve();
    is_well(&server, &channel, 1);
    let bomb = zip_bomb(500);
    assert!(bomb.len() < MIB as usize, "{}", bomb.len());
    let before = memory(&server);
    let (status, said) = hand(&server, &channel, &with_file("Bomb", "bomb.zip", "application/zip", &bomb));
    assert_eq!((status, &said["outcome"]), (200, &"ticket".into()), "{said}");
    let file = only_file(&server, &admin, "Bomb");
    assert_eq!(file["size_bytes"], bomb.len());
    let grown = memory(&server).saturating_sub(before);
    assert!(grown < 24 * MIB, "{} MiB", grown / MIB);
    server.stop();
}

#[test]
fn a_file_that_could_run_is_only_ever_downloaded() {
    let place = Place::sqlite();
    let (admin, channel) = with_channel(&place);
    let server = place.serve();
    let script = b"<html><svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(2)</script></svg></html>";
    for (subject, name, kind) in [
        ("Page", "page.html", "text/html"),
        ("Picture", "picture.svg", "image/svg+xml"),
        ("Claim", "claim.png", "image/png"),
        ("Name", "../../<img src=x onerror=alert(3)>.txt", "text/plain"),
        ("Break", "a\\\"; filename=b.html", "text/html"),
    ] {
        let (status, said) = hand(&server, &channel, &with_file(subject, name, kind, script));
        assert_eq!(status, 200, "{said}");
        let file = only_file(&server, &admin, subject);
        let name = file["filename"].as_str().unwrap();
        assert!(!name.contains(['/', '\\']) && !name.starts_with('.'), "{name}");
        let bearer = format!("Bearer {admin}");
        let path = format!("/api/attachments/{}", file["id"].as_str().unwrap());
        let headers = [("Host", "127.0.0.1"), ("Authorization", &*bearer)];
        let reply = server.address().send("GET", &path, &headers, b"").unwrap();
        assert_eq!((reply.status, &reply.body[..]), (200, &script[..]));
        for line in [
            "content-disposition: attachment;",
            "x-content-type-options: nosniff",
            "content-security-policy: sandbox;",
        ] {
            assert!(reply.head.contains(line), "{subject}: {line}: {}", reply.head);
        }
        let kind = reply.head.lines().find(|l| l.starts_with("content-type:")).unwrap();
        assert!(!kind.contains("html") && !kind.contains("svg"), "{kind}");
        let named = reply.head.lines().filter(|l| l.contains("filename=")).count();
        assert_eq!(named, 1, "{}", reply.head);
        assert!(!reply.head.contains("<img"), "{}", reply.head);
    }
    server.stop();
}

#[test]
fn nothing_a_stranger_writes_becomes_a_header_of_ours() {
    let place = Place::sqlite();
    let (admin, channel) = with_channel(&place);
    let server = place.serve();
    let injected = "=0D=0ABcc:_victim@example.org=0D=0AX-Injected:_yes=0D=0A=0D=0Abody";
    let raw = letter("PLACE", "Injection")
        .replace("From: PLACE", &format!("From: =?utf-8?Q?Ada{injected}?= <ada@example.net>"))
        .replace("Subject: Injection", &format!("Subject: =?utf-8?Q?Hello{injected}?="))
        .replace("Message-ID: <", "Message-ID: <\u{b}");
    let (status, said) = hand(&server, &channel, &raw);
    assert_eq!((status, &said["outcome"]), (200, &"ticket".into()), "{said}");
    let ticket = said["ticket_id"].as_str().unwrap().to_owned();
    let answer = serde_json::json!({ "body": "An answer." });
    let sent = server.call("POST", &format!("{TICKETS}/{ticket}/messages"), &admin, Some(answer));
    assert_eq!(sent.status, 201, "{sent:?}");
    let outbox = place.data().join("outbox");
    let letters = eventually("the confirmation and the answer", || {
        let files: Vec<_> = fs::read_dir(&outbox).unwrap().map(|f| f.unwrap().path()).collect();
        let files: Vec<_> = files.into_iter().filter(|f| f.extension().is_some_and(|e| e == "eml")).collect();
        (files.len() == 2).then_some(files)
    });
    for path in letters {
        let text = fs::read_to_string(path).unwrap();
        let head = text.split("\r\n\r\n").next().unwrap().to_lowercase();
        for line in head.split("\r\n") {
            assert!(!line.starts_with("bcc:") && !line.starts_with("x-injected:"), "{head}");
            assert!(!line.contains(['\r', '\n']), "{line:?}");
        }
        let to: Vec<&str> = head.split("\r\n").filter(|l| l.starts_with("to:")).collect();
        assert!(to.len() == 1 && head.contains("ada@example.net"), "{head}");
    }
    server.stop();
}
