//! The line somebody types: `fibre "red light" inter* -modem status:open customer:"Ada Byron"`.
//!
//! Everything that is asked for must be met. Quotes make a phrase, or a value with spaces; `*` at the end of a word
//! stands for any ending; `-` in front turns a word, a phrase or an operator around.

use base::{Error, Result};
use db::search::{Term, Wanted};

const LINE_MAX: usize = 1000;
const TERMS_MAX: usize = 32;

macro_rules! keys {
    ($($variant:ident = $word:literal),* $(,)?) => {
        /// What an operator is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Key { $($variant),* }
        impl Key {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            pub const fn as_str(self) -> &'static str { match self { $(Self::$variant => $word),* } }
        }
    };
}
keys!(
    Status = "status",
    Priority = "priority",
    Assignee = "assignee",
    Team = "team",
    Tag = "tag",
    Channel = "channel",
    Customer = "customer",
    Before = "before",
    After = "after",
    Is = "is",
);

impl Key {
    /// Those a customer may use.
    pub const MINE: &'static [Self] = &[Self::Status, Self::Before, Self::After];
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    pub key: Key,
    /// One of these; `status:new,open` has two.
    pub values: Vec<String>,
    pub is_negated: bool,
}

/// A line, read. Names in it are not looked up yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pub wanted: Wanted,
    pub operators: Vec<Operator>,
}

/// Errors of the line are on the field `q` and answered as a bad request.
pub(super) fn refuse(code: &'static str, message: impl Into<String>) -> Error {
    Error::field("q", code, message)
}

impl Query {
    /// Reads a line; `known` are the operators its writer may use.
    pub fn parse(line: &str, known: &[Key]) -> Result<Self> {
        if line.chars().count() > LINE_MAX {
            return Err(refuse("request.search_long", format!("at most {LINE_MAX} characters")));
        }
        let mut out = Self::default();
        let mut rest = line.trim_start();
        while !rest.is_empty() {
            rest = out.piece(rest, known)?.trim_start();
        }
        if out.wanted.all.len() + out.wanted.none.len() + out.operators.len() > TERMS_MAX {
            return Err(refuse("request.search_long", format!("at most {TERMS_MAX} words and operators")));
        }
        if out.wanted.is_empty() && out.operators.is_empty() {
            return Err(refuse("request.search_empty", "there is no word in it to look for"));
        }
        Ok(out)
    }

    /// Takes one piece off the front; answers what is left.
    fn piece<'t>(&mut self, text: &'t str, known: &[Key]) -> Result<&'t str> {
        let (is_negated, text) = match text.strip_prefix('-') {
            Some(after) if after.starts_with(|c: char| !c.is_whitespace()) => (true, after),
            _ => (false, text),
        };
        if let Some((value, rest)) = quoted(text) {
            self.term(value, false, is_negated);
            return Ok(rest);
        }
        if let Some((name, after)) = operator(text) {
            let key = known.iter().find(|k| k.as_str().eq_ignore_ascii_case(name));
            let Some(key) = key else { return Err(unknown(name, text, known)) };
            let (values, rest) = match quoted(after) {
                Some((value, rest)) => (vec![value.trim().to_owned()], rest),
                None => {
                    let (word, rest) = split(after);
                    (word.split(',').map(str::to_owned).filter(|v| !v.is_empty()).collect(), rest)
                }
            };
            if values.is_empty() || values.iter().any(String::is_empty) {
                let message = format!("{}: needs a value, such as {}", key.as_str(), example(*key));
                return Err(refuse("request.search_value", message));
            }
            self.operators.push(Operator { key: *key, values, is_negated });
            return Ok(rest);
        }
        let (word, rest) = split(text);
        let stem = word.trim_end_matches('*');
        let is_prefix = stem.len() < word.len();
        if is_prefix
            && stem.is_ascii()
            && (1..3).contains(&stem.chars().filter(char::is_ascii_alphanumeric).count())
        {
            let message =
                format!("`{word}` would find nearly everything; give at least three letters before the *");
            return Err(refuse("request.search_prefix", message));
        }
        self.term(stem, is_prefix, is_negated);
        Ok(rest)
    }

    fn term(&mut self, text: &str, is_prefix: bool, is_negated: bool) {
        let list = if is_negated { &mut self.wanted.none } else { &mut self.wanted.all };
        let terms = Term::of(text, is_prefix);
        // Turned around, a phrase too long to be looked for whole is turned around by its beginning.
        let most = if is_negated { 1 } else { terms.len() };
        for term in terms.into_iter().take(most) {
            if !list.contains(&term) {
                list.push(term);
            }
        }
    }
}

/// What stands in quotes at the front, and what follows. A quotation that is never closed goes on to the end.
fn quoted(text: &str) -> Option<(&str, &str)> {
    const MARKS: [(char, char); 3] = [('"', '"'), ('“', '”'), ('„', '“')];
    let first = text.chars().next()?;
    let (open, close) = MARKS.into_iter().find(|(open, _)| *open == first)?;
    let inner = &text[open.len_utf8()..];
    Some(match inner.find(close) {
        Some(at) => (&inner[..at], &inner[at + close.len_utf8()..]),
        None => (inner, ""),
    })
}

fn split(text: &str) -> (&str, &str) {
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

/// Letters, a colon, and a value: a name and what follows the colon. Addresses of the web, times and hexadecimal
/// pairs (`aa:bb:cc`, `fe:80::`) are words.
fn operator(text: &str) -> Option<(&str, &str)> {
    let (word, _) = split(text);
    let (name, value) = word.split_once(':')?;
    let letters = !name.is_empty() && name.chars().all(char::is_alphabetic);
    let known = Key::ALL.iter().any(|k| k.as_str().eq_ignore_ascii_case(name));
    let first = value.chars().next()?;
    let begins =
        first.is_alphabetic() || matches!(first, '"' | '“' | '„') || (known && !matches!(first, '/' | ':'));
    if !letters || !begins || (!known && is_hex_pairs(word)) {
        return None;
    }
    Some((name, &text[name.len() + 1..]))
}

fn is_hex_pairs(word: &str) -> bool {
    word.split(':').all(|part| part.len() <= 4 && part.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn unknown(name: &str, text: &str, known: &[Key]) -> Error {
    let list: Vec<String> = known.iter().map(|k| format!("{}:", k.as_str())).collect();
    let hint = base::text::suggest(&name.to_lowercase(), known.iter().map(|k| k.as_str()))
        .map(|k| format!(" Did you mean {k}:?"))
        .unwrap_or_default();
    let (word, _) = split(text);
    refuse(
        "request.search_operator",
        format!(
            "{name}: is not an operator; there are {}.{hint} To look for the text itself, put it in quotes: \"{}\"",
            list.join(" "),
            word.replace('"', "")
        ),
    )
}

fn example(key: Key) -> &'static str {
    match key {
        Key::Status => "status:open",
        Key::Priority => "priority:high",
        Key::Assignee => "assignee:me",
        Key::Team => "team:\"Field service\"",
        Key::Tag => "tag:vip",
        Key::Channel => "channel:email",
        Key::Customer => "customer:\"Ada Byron\"",
        Key::Before => "before:2026-01-31",
        Key::After => "after:7d",
        Key::Is => "is:overdue",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(line: &str) -> String {
        let q = Query::parse(line, Key::ALL).unwrap_or_else(|e| panic!("{line}: {e}"));
        let term = |sign: &str, t: &Term| {
            format!("{sign}[{}{}]", t.words().join(" "), if t.is_prefix() { "*" } else { "" })
        };
        let mut out: Vec<String> = q.wanted.all.iter().map(|t| term("", t)).collect();
        out.extend(q.wanted.none.iter().map(|t| term("-", t)));
        out.extend(q.operators.iter().map(|o| {
            format!("{}{}={}", if o.is_negated { "-" } else { "" }, o.key.as_str(), o.values.join("|"))
        }));
        out.join(" ")
    }

    #[test]
    fn lines_are_read() {
        for (line, expected) in [
            ("Router kaputt", "[router] [kaputt]"),
            ("\"red light\" on", "[red light] [on]"),
            ("“rotes Licht”", "[rotes licht]"),
            ("inter* -modem", "[inter*] -[modem]"),
            ("-\"red light\" x", "[x] -[red light]"),
            ("\"never closed phrase", "[never closed phrase]"),
            ("don't wi-fi", "[don t] [wi fi]"),
            ("SUP-00042", "[sup-00042]"),
            ("a -- - b !!", "[a] [b]"),
            ("twice twice", "[twice]"),
            ("status:open", "status=open"),
            ("Status:new,open x", "[x] status=new|open"),
            ("-status:open -is:overdue", "-status=open -is=overdue"),
            (
                "customer:\"Ada Byron\" assignee:ben@example.org",
                "customer=Ada Byron assignee=ben@example.org",
            ),
            ("after:2026-01-31 before:7d", "after=2026-01-31 before=7d"),
            ("tag:\"two words\"x", "[x] tag=two words"),
            ("\"status:open\"", "[status open]"),
            // Not operators.
            ("http://example.org/a:b", "[http example org a b]"),
            ("https://x.example", "[https x example]"),
            ("aa:bb:cc:dd:ee:ff", "[aa bb cc dd ee ff]"),
            ("dead:beef::1", "[dead beef 1]"),
            ("12:30 uhr", "[12 30] [uhr]"),
            ("error: timeout", "[error] [timeout]"),
            ("status: open", "[status] [open]"),
            ("note:5", "[note 5]"),
            ("日本語", "[日本 本語]"),
        ] {
            assert_eq!(shown(line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (line, code, part) in [
            ("stauts:open", "request.search_operator", "Did you mean status:?"),
            ("subject:hello", "request.search_operator", "status: priority: assignee: team: tag: channel:"),
            ("-foo:bar", "request.search_operator", "in quotes: \"foo:bar\""),
            ("mailto:ada@example.org", "request.search_operator", "quotes"),
            ("status:\"\"", "request.search_value", "status:open"),
            ("status:,", "request.search_value", "status:open"),
            ("", "request.search_empty", "no word"),
            ("?! …", "request.search_empty", "no word"),
            ("ab*", "request.search_prefix", "three letters"),
        ] {
            let e = Query::parse(line, Key::ALL).expect_err(line);
            assert_eq!((e.code(), e.field_errors()[0].field.as_str()), (code, "q"), "{line}");
            assert!(e.message().contains(part), "{line}: {e}");
        }
        let long = "wort ".repeat(300);
        assert_eq!(Query::parse(&long, Key::ALL).unwrap_err().code(), "request.search_long");
        let many: String = (0..33).map(|n| format!("w{n} ")).collect();
        assert_eq!(Query::parse(&many, Key::ALL).unwrap_err().code(), "request.search_long");
        let e = Query::parse("assignee:me", Key::MINE).unwrap_err();
        assert!(e.message().contains("there are status: before: after:."), "{e}");
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in "\\PC{0,80}") {
            Query::parse(&line, Key::ALL).ok();
        }

        #[test]
        fn quotes_protect_any_operator(name in "[a-z]{1,8}", value in "[a-z]{1,8}") {
            let q = Query::parse(&format!("\"{name}:{value}\""), Key::ALL).unwrap();
            prop_assert!(q.operators.is_empty());
            prop_assert_eq!(q.wanted.all[0].words(), [name, value]);
        }
    }
}
