//! What letters say by default, a file for each language. A kind that lacks words in one of them does not compile.

mod de;
mod en;
mod es;
mod fr;
mod pt;

use super::LetterKind;

/// The languages letters are written in, English first: it stands in where a reader's language is none of them.
pub const LANGUAGES: [&str; 5] = ["en", "es", "fr", "de", "pt"];

const ALL: [&Language; 5] = [&en::ENGLISH, &es::SPANISH, &fr::FRENCH, &de::GERMAN, &pt::PORTUGUESE];

/// A subject, and a body in Markdown; both minijinja.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    pub subject: &'static str,
    pub body: &'static str,
}

pub(super) struct Language {
    pub code: &'static str,
    text: fn(LetterKind) -> Text,
    /// The word for a priority by its rank, lowest first.
    priority: fn(usize) -> &'static str,
    /// Stands before the subject of a letter that somebody sends to themselves to see it.
    pub test: &'static str,
    pub sample_subject: &'static str,
    pub sample_body: &'static str,
}

/// The priorities of tickets as they are stored, lowest first.
const PRIORITIES: [&str; 4] = ["low", "normal", "high", "urgent"];

impl Language {
    pub fn text(&self, kind: LetterKind) -> Text {
        (self.text)(kind)
    }

    /// The word for a priority, where it is one.
    pub fn priority(&self, stored: &str) -> Option<&'static str> {
        PRIORITIES.iter().position(|p| *p == stored).map(self.priority)
    }
}

/// The language of a locale such as `de` or `pt-BR`; English for any other.
pub(super) fn language(locale: &str) -> &'static Language {
    let code = locale.split(['-', '_']).next().unwrap_or_default();
    ALL.into_iter().find(|l| l.code.eq_ignore_ascii_case(code)).unwrap_or(&en::ENGLISH)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What stands in braces, each once: `{{ link }}`, `{% if banner %}`.
    fn placeholders(text: &str) -> BTreeSet<String> {
        let parts = text.split('{').filter_map(|part| part.split_once('}'));
        let inner = parts.map(|(inner, _)| inner.trim_matches(['{', '%', ' ']));
        inner.filter(|inner| !inner.is_empty()).map(str::to_owned).collect()
    }

    /// A text without what stands in braces and without addresses.
    fn prose(text: &str) -> String {
        let mut out = String::new();
        for part in text.split('{') {
            out.push_str(part.rsplit_once('}').map_or(part, |(_, rest)| rest));
            out.push(' ');
        }
        out
    }

    #[test]
    fn the_languages_are_those_that_are_named() {
        assert_eq!(ALL.map(|l| l.code), LANGUAGES);
    }

    #[test]
    fn a_region_has_the_words_of_its_language_and_an_unknown_one_english() {
        for (locale, code) in [("de", "de"), ("pt-BR", "pt"), ("FR_ca", "fr"), ("ja", "en"), ("", "en")] {
            assert_eq!(language(locale).code, code, "{locale:?}");
        }
    }

    #[test]
    fn every_language_uses_the_placeholders_of_english() {
        for kind in LetterKind::ALL {
            let english = en::ENGLISH.text(kind);
            for language in ALL {
                let (text, of) = (language.text(kind), format!("{} {}", language.code, kind.as_str()));
                assert_eq!(placeholders(text.subject), placeholders(english.subject), "{of}");
                assert_eq!(placeholders(text.body), placeholders(english.body), "{of}");
                for mark in ["](", "\n- ", "\n---\n", "**"] {
                    let count = |body: &str| body.matches(mark).count();
                    assert_eq!(count(text.body), count(english.body), "{of}: {mark:?}");
                }
            }
        }
    }

    #[test]
    fn no_language_keeps_words_of_english() {
        let english = [
            "the",
            "your",
            "you",
            "we",
            "hello",
            "request",
            "answer",
            "answered",
            "here",
            "this",
            "has",
            "been",
            "received",
            "please",
            "sign",
            "password",
            "somebody",
            "and",
            "from",
            "with",
            "it",
            "of",
            "yours",
            "new",
            "needs",
            "attention",
            "open",
            "resolved",
            "address",
            "good",
            "bad",
            "letter",
            "priority",
            "topic",
        ];
        for language in ALL.into_iter().skip(1) {
            for kind in LetterKind::ALL {
                let text = language.text(kind);
                let said = prose(&format!("{}\n{}", text.subject, text.body)).to_lowercase();
                let left: Vec<&str> = said
                    .split(|c: char| !c.is_alphanumeric())
                    .filter(|word| english.contains(word))
                    // French has it too.
                    .filter(|word| !(language.code == "fr" && *word == "attention"))
                    .collect();
                assert!(left.is_empty(), "{} {}: {left:?}", language.code, kind.as_str());
                assert_ne!(text.body, en::ENGLISH.text(kind).body, "{} {}", language.code, kind.as_str());
            }
        }
    }

    #[test]
    fn signs_that_stand_after_a_space_in_french_stand_after_one_that_does_not_break() {
        for kind in LetterKind::ALL {
            let text = language("fr").text(kind);
            for part in [text.subject, text.body] {
                for sign in [" :", " ?", " ;", " !"] {
                    assert!(!part.contains(sign), "{}: {sign:?}", kind.as_str());
                }
                assert!(!part.contains('\''), "{}: an apostrophe is ’", kind.as_str());
            }
        }
    }

    #[test]
    fn subjects_keep_the_number_that_finds_the_thread() {
        for kind in LetterKind::ALL {
            for language in ALL {
                let text = language.text(kind);
                let is_of_a_ticket = text.body.contains("{{ ticket_number }}");
                assert_eq!(text.subject.contains("{{ ticket_number }}"), is_of_a_ticket, "{}", kind.as_str());
            }
        }
    }

    #[test]
    fn a_letter_to_an_unproved_address_repeats_none_of_the_senders_words() {
        for language in ALL {
            let text = language.text(LetterKind::TicketConfirmationUnverified);
            for word in ["{{ subject", "{{ body", "{{ name", "{{ requester"] {
                assert!(
                    !text.subject.contains(word) && !text.body.contains(word),
                    "{} {word}",
                    language.code
                );
            }
        }
    }

    #[test]
    fn priorities_are_said_in_the_language() {
        assert_eq!(language("de").priority("high"), Some("hoch"));
        assert_eq!(language("pt").priority("low"), Some("baixa"));
        assert_eq!(language("en").priority("something"), None);
    }
}
