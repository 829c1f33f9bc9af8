//! One command line, read strictly.

use base::Email;
use engine::outside::ReturnPath;
use smtp_proto::{Error, MAIL_BODY_7BIT, MAIL_BODY_8BITMIME, MAIL_SMTPUTF8, Request};

use super::{Protocol, wire::Reply};

/// What we were asked, as far as we do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// `EHLO` or `LHLO`; the name the other side gives itself.
    Hello {
        name: String,
    },
    /// The old greeting: no extensions.
    OldHello {
        name: String,
    },
    Mail {
        from: ReturnPath,
        size_bytes: usize,
    },
    Rcpt {
        to: Email,
    },
    Data,
    StartTls,
    Reset,
    Noop,
    Verify,
    Help,
    Quit,
}

/// Why a line is not one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub reply: Reply,
    /// The other side speaks something else, or is about to send what we could not tell from commands.
    pub hang_up: bool,
}

impl From<Reply> for Refused {
    fn from(reply: Reply) -> Self {
        Self { reply, hang_up: false }
    }
}

/// Reads a line that ends in CRLF and holds no other CR, LF or NUL.
pub(super) fn parse(line: &[u8], protocol: Protocol, hostname: &str) -> Result<Command, Refused> {
    let request = Request::parse(&mut line.iter()).map_err(|error| explain(&error, line))?;
    let lmtp = protocol == Protocol::Lmtp;
    Ok(match request {
        Request::Ehlo { host } if !lmtp => Command::Hello { name: name(&host)? },
        Request::Helo { host } if !lmtp => Command::OldHello { name: name(&host)? },
        Request::Lhlo { host } if lmtp => Command::Hello { name: name(&host)? },
        Request::Mail { from } => {
            let known = MAIL_BODY_7BIT | MAIL_BODY_8BITMIME | MAIL_SMTPUTF8;
            // `AUTH=` may be said by anybody and means nothing to a server without sign-in.
            let other = from.flags & !known != 0
                || from.trans_id.is_some()
                || from.env_id.is_some()
                || from.solicit.is_some()
                || from.mtrk.is_some()
                || (from.by, from.hold_for, from.hold_until, from.mt_priority) != (0, 0, 0, 0);
            if other {
                return Err(Reply::new(555, "5.5.4", "a parameter of MAIL was not offered").into());
            }
            let from_path = return_path(&from.address, line, from.flags & MAIL_SMTPUTF8 != 0)?;
            Command::Mail { from: from_path, size_bytes: from.size }
        }
        Request::Rcpt { to } => {
            if to.orcpt.is_some() || to.rrvs != 0 || to.flags != 0 {
                return Err(Reply::new(555, "5.5.4", "a parameter of RCPT was not offered").into());
            }
            let refuse = || Reply::new(550, "5.1.3", "not an address that anybody here has");
            let to = match &*to.address {
                // RFC 5321 4.5.1: reachable without a domain.
                "" if path(line).eq_ignore_ascii_case(b"postmaster") => format!("postmaster@{hostname}"),
                address => address.to_owned(),
            };
            Command::Rcpt { to: to.parse().map_err(|_| refuse())? }
        }
        Request::Data => Command::Data,
        Request::StartTls => Command::StartTls,
        Request::Rset => Command::Reset,
        Request::Noop { .. } => Command::Noop,
        Request::Vrfy { .. } => Command::Verify,
        Request::Help { .. } => Command::Help,
        Request::Quit => Command::Quit,
        // What follows is a letter in pieces: reading it as commands would be smuggling.
        Request::Bdat { .. } | Request::Burl { .. } => {
            return Err(Refused { reply: Reply::new(502, "5.5.1", "not offered here"), hang_up: true });
        }
        Request::Ehlo { .. } | Request::Helo { .. } => {
            return Err(Reply::new(500, "5.5.1", "this is LMTP: say LHLO").into());
        }
        Request::Lhlo { .. } => return Err(Reply::new(500, "5.5.1", "this is SMTP: say EHLO").into()),
        Request::Auth { .. } | Request::Expn { .. } | Request::Etrn { .. } | Request::Atrn { .. } => {
            return Err(Reply::new(502, "5.5.1", "not offered here").into());
        }
    })
}

/// A name as people and logs may see it. Not looked up: half the field's mail servers have it wrong.
fn name(host: &str) -> Result<String, Reply> {
    if host.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(host.to_owned());
    }
    Err(Reply::new(501, "5.5.4", "expected a host name"))
}

fn return_path(address: &str, line: &[u8], utf8: bool) -> Result<ReturnPath, Reply> {
    if path(line).is_empty() {
        return Ok(ReturnPath::Null);
    }
    if !address.is_ascii() && !utf8 {
        return Err(Reply::new(553, "5.6.7", "an address outside ASCII needs SMTPUTF8"));
    }
    if let Ok(email) = address.parse::<Email>() {
        return Ok(ReturnPath::Address(email));
    }
    let ordinary = |c: char| !c.is_control() && !c.is_whitespace() && c != '<' && c != '>';
    let has_both =
        address.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if has_both && address.len() <= 320 && address.chars().all(ordinary) {
        return Ok(ReturnPath::Unusual(address.to_owned()));
    }
    Err(Reply::new(553, "5.1.7", "not a sender's address"))
}

/// What is between the first angle brackets as it was written. The parser answers an empty text for `<>`, for `<"">`
/// and for `<postmaster>` alike.
fn path(line: &[u8]) -> &[u8] {
    let mut parts = line.splitn(2, |&byte| byte == b'<').skip(1);
    parts.next().and_then(|rest| rest.split(|&byte| byte == b'>').next()).unwrap_or(b"?")
}

fn explain(error: &Error, line: &[u8]) -> Refused {
    let reply = match error {
        Error::SyntaxError { syntax } => Reply::new(501, "5.5.4", format!("expected {syntax}")),
        Error::InvalidSenderAddress => Reply::new(553, "5.1.7", "not a sender's address"),
        Error::InvalidRecipientAddress => Reply::new(553, "5.1.3", "not an address"),
        Error::InvalidParameter { .. } => Reply::new(501, "5.5.4", "a parameter has no such value"),
        Error::UnsupportedParameter { .. } => Reply::new(555, "5.5.4", "a parameter was not offered"),
        _ => Reply::new(500, "5.5.1", "not a command"),
    };
    // A browser that was talked into speaking to us. Its next lines are chosen by somebody else.
    let http = [&b"GET "[..], b"POST ", b"PUT ", b"HEAD ", b"OPTIONS ", b"CONNECT "];
    Refused { reply, hang_up: http.iter().any(|word| line.starts_with(word)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smtp(line: &str) -> Result<Command, u16> {
        parse(format!("{line}\r\n").as_bytes(), Protocol::Smtp, "mx.example.org").map_err(|e| e.reply.code)
    }
    fn from(line: &str) -> Result<ReturnPath, u16> {
        smtp(line).map(|command| match command {
            Command::Mail { from, .. } => from,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn senders() {
        let address = |text: &str| Ok(ReturnPath::Address(text.parse().unwrap()));
        assert_eq!(from("MAIL FROM:<>"), Ok(ReturnPath::Null));
        assert_eq!(from("mail from: <> SIZE=5 BODY=8BITMIME"), Ok(ReturnPath::Null));
        assert_eq!(from("MAIL FROM:<Ada@Example.org> BODY=7BIT AUTH=<>"), address("Ada@example.org"));
        assert_eq!(from("MAIL FROM:<@relay.example.net:ada@example.org>"), address("ada@example.org"));
        assert_eq!(from("MAIL FROM:<jörg@exämple.de> SMTPUTF8"), address("jörg@exämple.de"));
        assert_eq!(from("MAIL FROM:<jörg@exämple.de>"), Err(553));
        let long = format!("SRS0=HHH=TT=example.org={}@forwarder.example.net", "x".repeat(70));
        assert_eq!(from(&format!("MAIL FROM:<{long}>")), Ok(ReturnPath::Unusual(long)));
        assert_eq!(
            from("MAIL FROM:<a@under_score.example.org>"),
            Ok(ReturnPath::Unusual("a@under_score.example.org".into()))
        );
        for bad in [
            "MAIL FROM:<postmaster>",
            "MAIL FROM:<\"\">",
            "MAIL FROM:<a>",
            "MAIL FROM:<\"a b\"@example.org>",
            "MAIL FROM:<a@b",
            "MAIL FROM:a@b",
            "MAIL",
            "MAIL FROM:<a@b> WHAT=1",
            "MAIL FROM:<a@b> BODY=BINARYMIME",
            "MAIL FROM:<a@b> RET=FULL",
            "MAIL FROM:<a@b> ENVID=x",
        ] {
            assert!(from(bad).is_err(), "{bad}");
        }
        // A claim, for refusing early; what counts is what is read.
        assert!(matches!(smtp("MAIL FROM:<a@b.c> SIZE=1234"), Ok(Command::Mail { size_bytes: 1234, .. })));
        assert!(smtp("MAIL FROM:<a@b.c> SIZE=99999999999999999999999").is_ok());
    }

    #[test]
    fn recipients() {
        let to = |text: &str| Ok(Command::Rcpt { to: text.parse().unwrap() });
        assert_eq!(smtp("RCPT TO:<help@example.org>"), to("help@example.org"));
        assert_eq!(smtp("RCPT TO:<Postmaster>"), to("postmaster@mx.example.org"));
        for bad in [
            "RCPT TO:<>",
            "RCPT TO:<\"\">",
            "RCPT TO:<a@[127.0.0.1]>",
            "RCPT TO:<a b@example.org>",
            "RCPT TO:help@example.org",
            "RCPT TO:<help@example.org> NOTIFY=SUCCESS",
            "RCPT TO:<help@example.org>x",
        ] {
            assert!(smtp(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn other_protocols_end_the_conversation() {
        for (line, hang_up) in
            [("GET / HTTP/1.1", true), ("BDAT 5 LAST", true), ("HELLO", false), ("AUTH PLAIN", false)]
        {
            let line = format!("{line}\r\n");
            let refused = parse(line.as_bytes(), Protocol::Smtp, "mx").unwrap_err();
            assert_eq!(refused.hang_up, hang_up, "{line}");
        }
        assert_eq!(smtp("LHLO x"), Err(500));
        assert!(parse(b"EHLO x\r\n", Protocol::Lmtp, "mx").is_err());
        assert!(parse(b"LHLO x\r\n", Protocol::Lmtp, "mx").is_ok());
        assert_eq!(smtp("EHLO [192.0.2.1]"), Ok(Command::Hello { name: "[192.0.2.1]".into() }));
        assert_eq!(smtp("EHLO b\u{7}ell"), Err(501));
        assert_eq!(smtp("EHLO"), Err(501));
    }
}
