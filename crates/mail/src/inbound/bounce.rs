use base::Email;

use super::{Bounce, File, Incoming, address, headers::Headers, ids, words};

const MAX_DIAGNOSTIC: usize = 500;

/// What the report says, from its machine-readable part (RFC 3464) if it has one, or else from its words.
pub(super) fn read(mail: &Incoming, headers: &Headers<'_>) -> Bounce {
    let mut bounce = mail.files.iter().find_map(status_part).unwrap_or_default();
    if bounce.recipient.is_none() {
        bounce.recipient = headers
            .first("x-failed-recipients")
            .and_then(|value| address::parse(&value).into_iter().next())
            .map(|address| address.email)
            .or_else(|| recipient(mail));
    }
    if bounce.status.is_none() {
        bounce.status = report(&mail.text).split_whitespace().find_map(status);
    }
    if bounce.action.is_none() {
        bounce.action = Some(action(mail).to_owned());
    }
    if bounce.diagnostic.is_none() {
        bounce.diagnostic = diagnostic(report(&mail.text), bounce.status.as_deref());
    }
    bounce.original_message_id = original(mail);
    bounce
}

/// The fields of a message/delivery-status: a block about the message, then one for each recipient. The first that
/// failed is told, or the first.
fn status_part(file: &File) -> Option<Bounce> {
    if !matches!(file.content_type.as_str(), "message/delivery-status" | "message/global-delivery-status") {
        return None;
    }
    let text = String::from_utf8_lossy(&file.content).replace("\r\n", "\n").replace('\r', "\n");
    let blocks: Vec<Bounce> = text.split("\n\n").take(200).filter_map(block).collect();
    let failed = blocks.iter().find(|block| block.action.as_deref() == Some("failed"));
    failed.or(blocks.first()).cloned()
}

fn block(text: &str) -> Option<Bounce> {
    let fields = Headers::of(text.trim_start().as_bytes());
    let typed = |name: &str| {
        let value = fields.first(name)?;
        Some(value.split_once(';').map_or(value.clone(), |(_, rest)| rest.to_owned()))
    };
    let person = |name: &str| address::parse(&typed(name)?).into_iter().next().map(|address| address.email);
    let bounce = Bounce {
        original_message_id: None,
        // The address as we wrote it, before anybody forwarded it.
        recipient: person("original-recipient").or_else(|| person("final-recipient")),
        status: fields.first("status").as_deref().and_then(|value| value.split_whitespace().find_map(status)),
        action: fields.first("action").and_then(|value| {
            let value = value.to_ascii_lowercase();
            let word = value.split([' ', '(', ';']).next().unwrap_or_default();
            ["failed", "delayed", "delivered", "relayed", "expanded"].contains(&word).then(|| word.to_owned())
        }),
        diagnostic: typed("diagnostic-code")
            .map(|value| words::line(&words::decode(&value), MAX_DIAGNOSTIC))
            .filter(|value| !value.is_empty()),
    };
    (bounce.recipient.is_some() || bounce.status.is_some() || bounce.action.is_some()).then_some(bounce)
}

/// The Message-ID of the mail that came back: from the copy of it, from its headers in the text, or from what the
/// report says it answers.
fn original(mail: &Incoming) -> Option<String> {
    let from_copy = mail.files.iter().find_map(|file| {
        let is_copy = matches!(
            file.content_type.as_str(),
            "message/rfc822" | "message/global" | "text/rfc822-headers" | "message/global-headers"
        );
        is_copy.then(|| ids::own(&Headers::of(file.content.trim_ascii_start())))?
    });
    from_copy
        .or_else(|| {
            mail.text.lines().find_map(|line| {
                let line = line.trim_start_matches(['>', ' ', '\t', '*']);
                let (name, value) = line.split_once(':')?;
                let value = value.trim_start_matches(['*', ' ']);
                name.trim_end_matches('*')
                    .trim()
                    .eq_ignore_ascii_case("message-id")
                    .then(|| ids::parse(value).into_iter().next())?
            })
        })
        .or_else(|| mail.in_reply_to.first().cloned())
        .or_else(|| mail.references.last().cloned())
        .filter(|id| mail.message_id.as_ref() != Some(id))
}

/// The report's own words, without the copy of the mail below them: its addresses are other people's.
fn report(text: &str) -> &str {
    const COPIES: [&str; 12] = [
        "below this line is a copy",
        "this is a copy of",
        "original message follows",
        "original message",
        "message header follows",
        "header of the original message",
        "original headers",
        "message headers",
        "ursprüngliche nachricht",
        "message d'origine",
        "mensaje original",
        "mensagem original",
    ];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let lower = line.to_lowercase();
        let is_rule = lower.trim_start().starts_with("--") || lower.trim_end().ends_with(':');
        if is_rule && COPIES.iter().any(|copy| lower.contains(copy)) {
            break;
        }
        at += line.len();
    }
    text.get(..at).unwrap_or(text)
}

/// An address that stands alone on a line, as most servers write it, or else the first that is not ours.
fn recipient(mail: &Incoming) -> Option<Email> {
    let known = |email: &Email| {
        mail.to.iter().chain(&mail.from).any(|address| address.email.key() == email.key())
            || mail.delivered_to.iter().any(|one| one.key() == email.key())
    };
    let email = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        word.parse::<Email>().ok().filter(|email| email.domain().contains('.') && !known(email))
    };
    let text = report(&mail.text);
    let alone = text.lines().filter(|line| line.len() < 300 && line.contains('@')).find_map(|line| {
        let line = line.trim().trim_end_matches(':');
        let starts = line.strip_prefix('<').and_then(|rest| rest.split_once('>')).map(|(inside, _)| inside);
        email(starts.unwrap_or(line))
    });
    alone.or_else(|| {
        text.split(|c: char| c.is_whitespace() || "<>()[],;:\"'".contains(c))
            .filter(|word| word.contains('@'))
            .find_map(email)
    })
}

/// An enhanced status code (RFC 3463) in a word: `5.1.1`, `#5.1.1`, `(5.1.1)`.
fn status(word: &str) -> Option<String> {
    let word = word.trim_matches(|c: char| !c.is_ascii_digit());
    let mut pieces = word.split('.');
    let (class, subject, detail) = (pieces.next()?, pieces.next()?, pieces.next()?);
    let number = |text: &str| (1..=3).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
    let fits =
        pieces.next().is_none() && matches!(class, "2" | "4" | "5") && number(subject) && number(detail);
    fits.then(|| word.to_owned())
}

/// Reports without a machine-readable part are about a failure unless they say that the server still tries.
fn action(mail: &Incoming) -> &'static str {
    const DELAYED: [&str; 9] = [
        "delayed",
        "delay)",
        "delay in",
        "not yet been delivered",
        "still being retried",
        "will be retried",
        "warning: ",
        "verzögert",
        "retardé",
    ];
    let subject = mail.subject.to_lowercase();
    let text = report(&mail.text);
    let start = text.get(..text.floor_char_boundary(2_000)).unwrap_or_default().to_lowercase();
    let is_delayed = DELAYED.iter().any(|words| subject.contains(words))
        || ["not yet been delivered", "still being retried", "do not need to resend"]
            .iter()
            .any(|w| start.contains(w));
    if is_delayed { "delayed" } else { "failed" }
}

/// The line that quotes the other server.
fn diagnostic(text: &str, status: Option<&str>) -> Option<String> {
    let is_code = |word: &str| {
        word.len() == 3 && word.starts_with(['4', '5']) && word.bytes().all(|c| c.is_ascii_digit())
    };
    text.lines()
        .map(str::trim)
        .find(|line| {
            status.is_some_and(|status| line.contains(status))
                || line.split([' ', '-', ':']).take(40).any(is_code)
                || line.contains(" said:")
        })
        .map(|line| words::line(line, MAX_DIAGNOSTIC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_codes() {
        for (word, code) in [
            ("5.1.1", Some("5.1.1")),
            ("(#5.1.1)", Some("5.1.1")),
            ("4.4.7,", Some("4.4.7")),
            ("192.0.2.1", None),
            ("3.1.1", None),
            ("5.1", None),
            ("5.1.1.1", None),
        ] {
            assert_eq!(status(word).as_deref(), code, "{word}");
        }
    }
}
