use base::Timestamp;
use mail_parser::DateTime;

use super::{
    AuthorHeader, Incoming, Limits, Refused, ReturnPath, address, author, automated, body, bounce,
    headers::Headers, ids, text, tree,
};

const MAX_SUBJECT: usize = 200;
const MAX_RESULTS: usize = 20;

/// Reads one message (RFC 5322, MIME, and what is really sent).
///
/// Everything that can be understood is: broken structure, a wrong charset or a missing header are no errors. It
/// refuses only what is beyond the limits, or is no message at all.
pub fn read(raw: &[u8], limits: &Limits) -> Result<Incoming, Refused> {
    if raw.len() > limits.bytes {
        return Err(Refused::new(
            "mail.too_large",
            format!("the message is larger than {} bytes", limits.bytes),
        ));
    }
    if raw.iter().all(|c| c.is_ascii_whitespace() || *c == 0) {
        return Err(Refused::new("mail.empty", "the message is empty"));
    }
    let tree = tree::split(raw, limits)?;
    let headers = &tree.headers;
    if address::at_most(headers, &["to", "cc", "bcc"]) > limits.recipients {
        return Err(Refused::new(
            "mail.too_many_recipients",
            format!("the message has more than {} recipients", limits.recipients),
        ));
    }
    let body = body::assemble(&tree.leaves);
    let (text, text_was_cut) = text::cut(body.text, limits.body_chars);
    let author = author::of(headers);
    let mut mail = Incoming {
        message_id: ids::own(headers),
        in_reply_to: ids::all(headers, "in-reply-to"),
        references: ids::all(headers, "references"),
        from_is_ambiguous: author.is_ambiguous,
        from: author.from,
        sender: address::first(headers, "sender"),
        reply_to: address::all(headers, "reply-to"),
        to: address::all(headers, "to"),
        cc: address::all(headers, "cc"),
        delivered_to: address::emails(headers, &["delivered-to", "x-original-to", "envelope-to"]),
        original_authors: AuthorHeader::ALL
            .into_iter()
            .filter(|header| header.is_of_lists())
            .filter_map(|header| {
                Some((header, address::first(headers, &header.as_str().to_ascii_lowercase())?))
            })
            .collect(),
        subject: headers.text("subject", MAX_SUBJECT).unwrap_or_default(),
        date: date(headers),
        text,
        text_was_cut,
        html: body.html,
        files: body.files,
        automated: None,
        automated_besides_list: None,
        bounce: None,
        body_hash: body.hash,
        own_loop_mark: headers.text("x-counterfoil-loop", MAX_SUBJECT).filter(|mark| !mark.is_empty()),
        authentication_results: headers.all("authentication-results").take(MAX_RESULTS).collect(),
        list_id: list_id(headers),
        return_path: return_path(headers),
    };
    mail.automated = automated::classify(&mail, &tree, true);
    mail.automated_besides_list = match &mail.automated {
        Some(found) if found.kind == super::AutomatedKind::List => automated::classify(&mail, &tree, false),
        other => other.clone(),
    };
    if mail.automated.as_ref().is_some_and(|automated| automated.kind == super::AutomatedKind::Bounce) {
        mail.bounce = Some(bounce::read(&mail, headers));
    }
    Ok(mail)
}

/// The first date that is one. Of a mail without, the servers' dates are not taken: they say when it passed.
fn date(headers: &Headers<'_>) -> Option<Timestamp> {
    headers.all("date").find_map(|value| {
        let value = value.get(..value.floor_char_boundary(200))?;
        let date =
            DateTime::parse_rfc822(&format!("{}\n", with_seconds(value))).filter(DateTime::is_valid)?;
        Timestamp::from_second(date.to_timestamp()).ok()
    })
}

/// Seconds are optional (RFC 5322, 3.3), and one in some years is the sixtieth; the parser of dates wants them to be
/// there, and fewer.
fn with_seconds(value: &str) -> String {
    let clock = value.split_whitespace().find(|word| word.contains(':')).unwrap_or_default();
    let clock = clock.split(['+', '-']).next().unwrap_or_default();
    match clock.split(':').collect::<Vec<_>>().as_slice() {
        [hour, minute] if minute.len() == 2 => value.replacen(clock, &format!("{hour}:{minute}:00"), 1),
        [hour, minute, "60"] => value.replacen(clock, &format!("{hour}:{minute}:59"), 1),
        _ => value.to_owned(),
    }
}

/// `Name <name.example.org>` gives `name.example.org`.
fn list_id(headers: &Headers<'_>) -> Option<String> {
    let value = headers.first("list-id")?;
    let inside = value.rsplit_once('<').map_or(value.as_str(), |(_, rest)| rest.trim_end_matches('>'));
    let id = super::words::line(inside, 200).to_lowercase();
    (!id.is_empty()).then_some(id)
}

fn return_path(headers: &Headers<'_>) -> ReturnPath {
    let Some(value) = headers.first("return-path") else { return ReturnPath::Absent };
    if value.split_whitespace().collect::<String>() == "<>" {
        return ReturnPath::Null;
    }
    match address::parse(&value).into_iter().next() {
        Some(address) => ReturnPath::Path(address.email),
        None => ReturnPath::Absent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_programs_write_them() {
        for (value, expected) in [
            ("Sat, 21 Nov 2026 10:15:30 +0100", "2026-11-21T09:15:30Z"),
            ("Sat, 21 Nov 2026 10:15 +0100", "2026-11-21T09:15:00Z"),
            ("21 Nov 26 10:15 EST", "2026-11-21T15:15:00Z"),
            ("Sat,  7 Nov 2026 10:15:30 -0730 (some zone)", "2026-11-07T17:45:30Z"),
            ("Sat, 21 Nov 2026 10:15:30 GMT", "2026-11-21T10:15:30Z"),
            ("Thu, 31 Dec 2026 23:59:60 +0000", "2026-12-31T23:59:59Z"),
            ("Sat, 21 Nov 20266 10:15:30", ""),
            ("Sat, 99 Nov 2026 10:15:30 +0000", ""),
            ("tomorrow", ""),
            (": : :", ""),
        ] {
            let raw = format!("Date: {value}\n\n");
            let date = date(&Headers::of(raw.as_bytes())).map(|date| date.to_string()).unwrap_or_default();
            assert_eq!(date, expected, "{value}");
        }
    }
}
