//! Strangers who speak SMTP to the running server.

use std::{fs, net::TcpStream, sync::Arc};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use testkit::peers::{folder, free_port, make_certificate};

use crate::{
    letters::{SUPPORT, letter, mails, settled, subjects, with_channel},
    support::Place,
    talk::Talk,
};

fn listening(place: &mut Place) -> u16 {
    let port = free_port();
    place.set("mail.smtp_listen", format!("127.0.0.1:{port}"));
    place.set("mail.hostname", "mx.acme.example");
    port
}

#[test]
fn a_letter_becomes_a_ticket_and_what_was_accepted_outlives_the_server() {
    let mut place = Place::sqlite();
    let port = listening(&mut place);
    let (admin, _) = with_channel(&place);
    let server = place.serve();
    let mut talk = Talk::connect(port).unwrap();
    assert!(talk.ask("MAIL FROM:<ada@example.net>").unwrap().starts_with("250"));
    assert!(talk.ask("RCPT TO:<nobody@acme.example>").unwrap().starts_with("550"));
    assert!(talk.ask("RCPT TO:<support@elsewhere.example>").unwrap().starts_with("550"), "we relay nothing");
    assert!(talk.ask("RSET").unwrap().starts_with("250"));
    let answer = talk.send("ada@example.net", SUPPORT, &letter("ada@example.net", "Printer")).unwrap();
    assert!(answer.starts_with("250"), "{answer}");
    let mail = settled(&server, &admin, "Printer");
    assert_eq!(
        (&mail["outcome"], &mail["door"], &mail["helo"]),
        (&"ticket".into(), &"smtp".into(), &"client.example.net".into())
    );

    // Accepted, and the power goes at once.
    let answer = talk.send("ada@example.net", SUPPORT, &letter("ada@example.net", "Lamp")).unwrap();
    assert!(answer.starts_with("250"), "{answer}");
    server.kill();
    let server = place.serve();
    assert_eq!(settled(&server, &admin, "Lamp")["outcome"], "ticket");
    assert_eq!(subjects(&server, &admin), ["Lamp", "Printer"]);
    assert_eq!(mails(&server, &admin).len(), 2);
    server.stop();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "who stops does not listen");
}

#[test]
fn a_letter_comes_encrypted() {
    let mut place = Place::sqlite();
    let port = listening(&mut place);
    let keys = folder();
    make_certificate(keys.path());
    place.set("mail.tls_certificate_file", keys.path().join("cert.pem").display());
    place.set("mail.tls_key_file", keys.path().join("key.pem").display());
    let (admin, _) = with_channel(&place);
    let server = place.serve();
    let mut talk = Talk::connect(port).unwrap();
    assert!(talk.ask("EHLO client.example.net").unwrap().contains("STARTTLS"));
    assert!(talk.ask("STARTTLS").unwrap().starts_with("220"));
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(&fs::read(keys.path().join("cert.pem")).unwrap()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut talk = Talk::over(StreamOwned::new(client, talk.into_inner()));
    assert!(!talk.ask("EHLO client.example.net").unwrap().contains("STARTTLS"));
    let answer = talk.send("ada@example.net", SUPPORT, &letter("ada@example.net", "Secret")).unwrap();
    assert!(answer.starts_with("250"), "{answer}");
    assert_eq!(settled(&server, &admin, "Secret")["outcome"], "ticket");
    server.stop();
}
