use super::{is_forward_marker, is_quote, openers, short};

/// A signature whose delimiter lost its blank is only believed when little follows.
const MAX_LINES: usize = 15;

/// How lines begin that telephones and web mail write below every text …
const BEGINNINGS: [&str; 22] = [
    "sent from ",
    "sent via ",
    "sent with ",
    "get outlook for ",
    "von meinem ",
    "von meiner ",
    "gesendet von ",
    "gesendet mit ",
    "gesendet aus ",
    "diese nachricht wurde von meinem ",
    "diese nachricht wurde mit ",
    "outlook für ",
    "envoyé de ",
    "envoyé depuis ",
    "envoyé à partir ",
    "envoyé avec ",
    "télécharger outlook ",
    "obtenez outlook ",
    "enviado ",
    "obtener outlook ",
    "obter o outlook ",
    "scarica outlook ",
];

/// … and what they then name. `Sent with the parcel service` is news.
const DEVICES: [&str; 31] = [
    "iphone",
    "ipad",
    "android",
    "galaxy",
    "samsung",
    "huawei",
    "xiaomi",
    "redmi",
    "pixel",
    "oneplus",
    "motorola",
    "nokia",
    "sony",
    "blackberry",
    "windows",
    "outlook",
    "gmail",
    "yahoo",
    "proton",
    "thunderbird",
    "fairmail",
    "k-9",
    "gmx",
    "web.de",
    "mail app",
    "smartphone",
    "tablet",
    "handy",
    "mobiltelefon",
    "my phone",
    "móvil",
];

/// What is below each line, found in one pass from the end: looking down from every line would take a time that grows
/// with the square of their number.
pub(super) struct Below {
    /// The first line at or below this one at which no signature goes on.
    ends: Vec<usize>,
    /// From this line to there are only empty lines and lines of devices.
    is_nothing: Vec<bool>,
}

impl Below {
    pub(super) fn of(lines: &[&str]) -> Self {
        let (mut end, mut is_nothing) = (lines.len(), true);
        let mut below: Vec<(usize, bool)> = lines
            .iter()
            .enumerate()
            .rev()
            .map(|(i, line)| {
                if ends(lines, i) {
                    (end, is_nothing) = (i, true);
                } else {
                    is_nothing &= line.trim().is_empty() || is_device(line);
                }
                (end, is_nothing)
            })
            .collect();
        below.reverse();
        let (ends, is_nothing) = below.into_iter().unzip();
        Self { ends, is_nothing }
    }
}

/// Where the signature that begins at this line ends; `None` if none begins here.
pub(super) fn at(lines: &[&str], i: usize, below: &Below) -> Option<usize> {
    let line = lines.get(i)?.trim_end_matches(['\n', '\r']);
    let end = below.ends.get(i + 1).copied().unwrap_or(lines.len());
    // RFC 3676, 4.3. Many programs cut the blank off.
    if line == "-- " || (line == "--" && end - i <= MAX_LINES) {
        return Some(end);
    }
    // The end of what is said: below it only empty lines and its like.
    let nothing_follows = below.is_nothing.get(i + 1).copied().unwrap_or(true);
    (nothing_follows && is_device(line)).then_some(end)
}

fn ends(lines: &[&str], i: usize) -> bool {
    is_quote(lines, i)
        || lines.get(i).is_some_and(|line| is_forward_marker(line.trim()))
        || openers::at(lines, i).is_some_and(|opener| opener.is_sure)
}

fn is_device(line: &str) -> bool {
    let Some(line) = short(line, 250) else { return false };
    let line = line.trim_start_matches(['-', '—', ' ', '<', '[']);
    BEGINNINGS.iter().any(|start| line.starts_with(start))
        && DEVICES.iter().any(|device| line.contains(device))
        && line.split_whitespace().count() <= 15
        // `Von meinem Handy …` may begin a sentence; a device's line ends with its verb.
        && (!line.starts_with("von mein") || line.trim_end_matches(['.', '>', ']']).ends_with("gesendet"))
}
