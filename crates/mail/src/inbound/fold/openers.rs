use super::short;

/// A line of mail programs is not longer.
const MAX_LINE: usize = 400;
/// Over how many lines an attribution may be broken.
const MAX_LINES: usize = 4;

/// Where a quotation begins.
pub(super) struct Opener {
    pub(super) lines: usize,
    /// A mail program wrote it: it counts also where no marked lines follow.
    pub(super) is_sure: bool,
}

/// How programs begin "On … wrote:", and how they end it.
const ATTRIBUTIONS: [(&[&str], &[&str]); 7] = [
    (&["on "], &["wrote:", "writes:", "wrote :"]),
    (&["am ", "an "], &["schrieb:", "geschrieben:"]),
    (&["le "], &["a écrit :", "a écrit:"]),
    (&["el ", "en "], &["escribió:", "escribio:", "ha escrito:"]),
    (&["em ", "às ", "no dia ", "a "], &["escreveu:", "escreveu (", "a escrever:"]),
    (&["il "], &["ha scritto:"]),
    (&["op "], &["schreef:", "geschreven:"]),
];

/// Rules with these words stand above a quotation.
const ORIGINALS: [&str; 15] = [
    "original message",
    "originalmessage",
    "original appointment",
    "ursprüngliche nachricht",
    "urspruengliche nachricht",
    "originalnachricht",
    "original-nachricht",
    "message d'origine",
    "message d’origine",
    "message original",
    "mensaje original",
    "mensagem original",
    "messaggio originale",
    "oorspronkelijk bericht",
    "reply message",
];

/// Rules with these words stand above what is forwarded.
const FORWARDS: [&str; 12] = [
    "forwarded message",
    "forwarded by",
    "weitergeleitete nachricht",
    "weitergeleitet von",
    "message transféré",
    "message transmis",
    "message transferé",
    "mensaje reenviado",
    "mensagem encaminhada",
    "mensagem reencaminhada",
    "messaggio inoltrato",
    "doorgestuurd bericht",
];

/// Whole lines that do, from Apple's programs.
const FORWARD_LINES: [&str; 8] = [
    "begin forwarded message:",
    "anfang der weitergeleiteten nachricht:",
    "début du message réexpédié :",
    "début du message transféré :",
    "inicio del mensaje reenviado:",
    "início da mensagem reencaminhada:",
    "início da mensagem encaminhada:",
    "inizio messaggio inoltrato:",
];

const FROM: u8 = 1;
const DATE: u8 = 2;
const TO: u8 = 4;
const SUBJECT: u8 = 8;
const CC: u8 = 16;

/// The names of headers as programs write them above a quotation.
const FIELDS: [(&str, u8); 32] = [
    ("from", FROM),
    ("von", FROM),
    ("de", FROM),
    ("da", FROM),
    ("expéditeur", FROM),
    ("remitente", FROM),
    ("sent", DATE),
    ("date", DATE),
    ("gesendet", DATE),
    ("datum", DATE),
    ("envoyé", DATE),
    ("envoyé le", DATE),
    ("enviado", DATE),
    ("enviada", DATE),
    ("enviado el", DATE),
    ("fecha", DATE),
    ("data", DATE),
    ("to", TO),
    ("an", TO),
    ("à", TO),
    ("a", TO),
    ("para", TO),
    ("subject", SUBJECT),
    ("betreff", SUBJECT),
    ("objet", SUBJECT),
    ("sujet", SUBJECT),
    ("pour", TO),
    ("oggetto", SUBJECT),
    ("asunto", SUBJECT),
    ("assunto", SUBJECT),
    ("cc", CC),
    ("reply-to", CC),
];

pub(super) fn at(lines: &[&str], i: usize) -> Option<Opener> {
    let line = short(lines.get(i)?, MAX_LINE)?;
    if line.is_empty() {
        return None;
    }
    if is_rule(&line, &ORIGINALS) {
        return Some(Opener { lines: 1, is_sure: true });
    }
    if line.len() >= 5 && line.bytes().all(|c| c == b'_') {
        // Outlook's line above its block of headers. Alone it is only a line.
        let next = super::next_text(lines, i + 1)?;
        let block = header_block(lines, next)?;
        return Some(Opener { lines: next - i + block, is_sure: true });
    }
    if let Some(block) = header_block(lines, i) {
        return Some(Opener { lines: block, is_sure: true });
    }
    attribution(lines, i, &line)
}

/// `On Sat, 21 Nov 2026 at 10:00, Ada <ada@example.org> wrote:`, perhaps broken over some lines.
fn attribution(lines: &[&str], i: usize, first: &str) -> Option<Opener> {
    let mut joined = String::new();
    for count in 1..=MAX_LINES {
        let line = short(lines.get(i + count - 1)?, MAX_LINE)?;
        if line.is_empty() {
            return None;
        }
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(&line);
        if joined.len() > MAX_LINE {
            return None;
        }
        if joined.ends_with(':') {
            return is_attribution(&joined, count).then(|| Opener {
                lines: count,
                // People write such lines, too, but neither the time of day nor an address into them.
                is_sure: joined.contains('@') || has_clock(&joined),
            });
        }
        // Only a line that begins like one is worth looking further.
        if !ATTRIBUTIONS.iter().any(|(starts, _)| starts.iter().any(|start| first.starts_with(start))) {
            return None;
        }
    }
    None
}

/// `10:00`, somewhere in the line.
fn has_clock(line: &str) -> bool {
    line.as_bytes().windows(4).any(
        |four| matches!(four, [hour, b':', ten, one] if [hour, ten, one].iter().all(|c| c.is_ascii_digit())),
    )
}

fn is_attribution(joined: &str, lines: usize) -> bool {
    ATTRIBUTIONS.iter().any(|(starts, ends)| {
        let begins = starts.iter().any(|start| joined.starts_with(start));
        let ended = ends.iter().any(|end| joined.ends_with(end));
        // German puts the name last, and so do some programs in other languages.
        let verb_inside =
            ends.iter().any(|end| joined.contains(&format!(" {} ", end.trim_end_matches([':', ' ', '(']))));
        // `Ada <ada@example.org> wrote:` on one line, whatever it begins with.
        let named = lines == 1 && ended && joined.contains('@');
        (begins && (ended || verb_inside)) || named
    })
}

/// How many lines a block of `From:`, `Sent:`, `To:` and `Subject:` takes here, in any of the languages.
fn header_block(lines: &[&str], i: usize) -> Option<usize> {
    let first = field(lines.get(i)?)?;
    if first != FROM && first != DATE {
        return None;
    }
    let (mut seen, mut end) = (0u8, i);
    // A long list of recipients goes on over some lines; so many lines without a name are no block any more.
    for (n, line) in lines.iter().enumerate().skip(i).take(16) {
        if let Some(kind) = field(line) {
            seen |= kind;
            end = n + 1;
        } else if n >= end + 3 || line.trim().is_empty() && seen.count_ones() >= 3 {
            break;
        }
    }
    // `From: Berlin`, `To: Paris`, `Date: 3 May` is a journey; only a mail has a subject besides.
    let enough = seen & FROM != 0 && seen & SUBJECT != 0 && seen & (DATE | TO) != 0;
    enough.then_some(end - i)
}

/// Which header a line such as `*Gesendet:* Samstag` shows.
fn field(line: &str) -> Option<u8> {
    let line = line.trim().trim_start_matches('*');
    let (name, _) = line.split_once(':').filter(|(name, _)| name.len() <= 20)?;
    let name = name.trim_end_matches(['*', ' ', '\u{a0}', '\u{202f}']).to_lowercase();
    FIELDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

/// What follows the name in a line that says who wrote a forwarded or quoted mail.
pub(in super::super) fn author_line(line: &str) -> Option<&str> {
    (field(line)? == FROM)
        .then(|| line.split_once(':').map(|(_, value)| value.trim_start_matches('*').trim()))?
}

/// Whether the line stands above a forwarded mail.
pub(in super::super) fn is_forward_marker(line: &str) -> bool {
    let line = line.trim_start_matches(['>', ' ']);
    short(line, 120).is_some_and(|line| is_rule(&line, &FORWARDS) || FORWARD_LINES.contains(&line.as_str()))
}

/// Behind the block of headers that begins at the next text, if one does.
pub(super) fn after_header_block(lines: &[&str], from: usize) -> usize {
    super::next_text(lines, from)
        .and_then(|next| header_block(lines, next).map(|block| next + block))
        .unwrap_or(from)
}

fn is_rule(line: &str, words: &[&str]) -> bool {
    let inside = line.trim_matches(['-', '_', '=', ' ', ':', '*']);
    let ruled = line.starts_with("--") || line.starts_with("__") || line.starts_with("==");
    ruled && inside.len() <= 80 && words.iter().any(|word| inside.starts_with(word) || inside.ends_with(word))
}
