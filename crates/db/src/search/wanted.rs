//! What is looked for, and how each engine is asked for it.

use super::{
    document::{LONG_WORD, OVERLAP, Segment},
    tokenize::tokenize,
};

/// Who looks: staff find everything, customers what they can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    Staff,
    Customer,
}

/// A word, the words of a phrase, or the beginning of the last of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Term {
    words: Vec<String>,
    is_prefix: bool,
}

/// All of these and none of those, anywhere in the ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Wanted {
    pub all: Vec<Term>,
    pub none: Vec<Term>,
}

impl Term {
    /// The terms of a piece of text: what the tokenizer makes several words of has to stand together, and what is
    /// longer than a phrase can be has to stand together stretch by stretch. Empty when there is no word in it.
    pub fn of(text: &str, is_prefix: bool) -> Vec<Self> {
        let mut tokens = tokenize(text);
        let mut is_prefix = is_prefix;
        if let Some(last) = tokens.last() {
            if last.is_tail {
                // The run may go on where it is found.
                tokens.pop();
            } else if last.text.chars().count() == 1 && last.text.chars().all(|c| c as u32 >= 0x3005) {
                // One such character alone begins a pair.
                is_prefix = true;
            }
        }
        let words: Vec<String> = tokens.into_iter().map(|t| t.text).collect();
        let mut out = Vec::new();
        let mut start = 0;
        while start < words.len() {
            let end = (start + OVERLAP).min(words.len());
            let is_last = end == words.len();
            out.push(Self { words: words[start..end].to_vec(), is_prefix: is_prefix && is_last });
            if is_last {
                break;
            }
            start += OVERLAP / 2;
        }
        out
    }

    pub fn words(&self) -> &[String] {
        &self.words
    }
    pub fn is_prefix(&self) -> bool {
        self.is_prefix
    }

    /// Whether these words begin with this term.
    pub fn begins(&self, words: &[&str]) -> bool {
        let Some((last, before)) = self.words.split_last() else { return false };
        words.len() >= self.words.len()
            && before.iter().zip(words).all(|(a, b)| a == b)
            && if self.is_prefix {
                words[before.len()].starts_with(last)
            } else {
                words[before.len()] == last
            }
    }

    fn is_in(&self, column: &[Option<String>]) -> bool {
        let none = "~";
        let words: Vec<&str> = column.iter().map(|w| w.as_deref().unwrap_or(none)).collect();
        (0..words.len()).any(|at| self.begins(&words[at..]))
    }

    fn fts5(&self, columns: &str) -> String {
        format!("{columns}\"{}\"{}", self.words.join(" "), if self.is_prefix { " *" } else { "" })
    }

    fn tsquery(&self, weights: &str) -> String {
        let last = self.words.len().saturating_sub(1);
        let word = |(i, w): (usize, &String)| {
            let star = if self.is_prefix && i == last { "*" } else { "" };
            let colon = if star.is_empty() && weights.is_empty() { "" } else { ":" };
            format!("'{w}'{colon}{star}{weights}")
        };
        format!("({})", self.words.iter().enumerate().map(word).collect::<Vec<_>>().join(" <-> "))
    }
}

/// Where in a row it has to stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    Anywhere(Audience),
    Head,
}

impl Where {
    fn columns(self) -> &'static str {
        match self {
            Self::Anywhere(Audience::Staff) => "",
            Self::Anywhere(Audience::Customer) => "{head said} : ",
            Self::Head => "head : ",
        }
    }
    fn weights(self) -> &'static str {
        match self {
            Self::Anywhere(Audience::Staff) => "",
            Self::Anywhere(Audience::Customer) => "AB",
            Self::Head => "A",
        }
    }
}

impl Wanted {
    pub fn is_empty(&self) -> bool {
        self.all.is_empty() && self.none.is_empty()
    }

    /// Without a tenant there must be something else to look for.
    pub(super) fn fts5(&self, tenant: Option<&str>, place: Where) -> String {
        let mut all: Vec<String> = self.all.iter().map(|t| t.fts5(place.columns())).collect();
        all.extend(tenant.map(|t| format!("\"{t}\"")));
        let all = all.join(" AND ");
        if self.none.is_empty() {
            return all;
        }
        let none: Vec<String> = self.none.iter().map(|t| t.fts5(place.columns())).collect();
        format!("({all}) NOT ({})", none.join(" OR "))
    }

    pub(super) fn tsquery(&self, tenant: &str, place: Where) -> String {
        let mut parts = vec![format!("'{tenant}'")];
        parts.extend(self.all.iter().map(|t| t.tsquery(place.weights())));
        parts.extend(self.none.iter().map(|t| format!("!{}", t.tsquery(place.weights()))));
        parts.join(" & ")
    }

    /// Rows that hold one of the terms, of tickets that have several rows.
    pub(super) fn long_fts5(term: &Term, tenant: &str, place: Where) -> String {
        format!("{} AND \"{LONG_WORD}\" AND \"{tenant}\"", term.fts5(place.columns()))
    }
    pub(super) fn long_tsquery(term: &Term, tenant: &str, place: Where) -> String {
        format!("'{tenant}' & '{LONG_WORD}' & {}", term.tsquery(place.weights()))
    }

    /// Rows that hold any of what must not be.
    pub(super) fn any_unwanted_fts5(&self, place: Where) -> String {
        self.none.iter().map(|t| t.fts5(place.columns())).collect::<Vec<_>>().join(" OR ")
    }
    pub(super) fn any_unwanted_tsquery(&self, place: Where) -> String {
        self.none.iter().map(|t| t.tsquery(place.weights())).collect::<Vec<_>>().join(" | ")
    }

    /// Whether a ticket is found, by looking at its words one after the other: what the engines are held to. Which row a
    /// word stands in is of no account.
    pub fn is_met_by(&self, segments: &[Segment], audience: Audience) -> bool {
        let holds = |segment: &Segment, term: &Term| {
            term.is_in(&segment.head)
                || term.is_in(&segment.said)
                || (audience == Audience::Staff && term.is_in(&segment.noted))
        };
        self.all.iter().all(|t| segments.iter().any(|s| holds(s, t)))
            && !segments.iter().any(|s| self.none.iter().any(|t| holds(s, t)))
    }

    /// Whether all of it stands in what names the ticket.
    pub fn is_met_by_head(&self, segments: &[Segment]) -> bool {
        segments.first().is_some_and(|s| self.all.iter().all(|t| t.is_in(&s.head)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(all: &[&str], none: &[&str]) -> Wanted {
        let terms = |list: &[&str]| {
            list.iter().flat_map(|t| Term::of(t.trim_end_matches('*'), t.ends_with('*'))).collect()
        };
        Wanted { all: terms(all), none: terms(none) }
    }

    #[test]
    fn each_engine_is_asked_in_its_own_language() {
        let w = wanted(&["Kein Netz", "inter*"], &["Müll"]);
        let (all, head) = (Where::Anywhere(Audience::Staff), Where::Head);
        assert_eq!(w.fts5(Some("~t"), all), r#"("kein netz" AND "inter" * AND "~t") NOT ("mull")"#);
        assert_eq!(w.fts5(None, all), r#"("kein netz" AND "inter" *) NOT ("mull")"#);
        assert_eq!(w.tsquery("~t", all), "'~t' & ('kein' <-> 'netz') & ('inter':*) & !('mull')");
        assert_eq!(
            w.fts5(Some("~t"), head),
            r#"(head : "kein netz" AND head : "inter" * AND "~t") NOT (head : "mull")"#
        );
        let mine = Where::Anywhere(Audience::Customer);
        assert_eq!(w.tsquery("~t", mine), "'~t' & ('kein':AB <-> 'netz':AB) & ('inter':*AB) & !('mull':AB)");
        assert_eq!(wanted(&[], &["x"]).fts5(Some("~t"), all), r#"("~t") NOT ("x")"#);
    }

    #[test]
    fn text_becomes_terms() {
        assert!(Term::of("!?", false).is_empty());
        assert_eq!(Term::of("don't", false)[0].words(), ["don", "t"]);
        assert_eq!(Term::of("日本語", false)[0].words(), ["日本", "本語"]);
        let one = &Term::of("日", false)[0];
        assert!(one.is_prefix() && one.words() == ["日"]);
        let long: String = (0..40).map(|n| format!("w{n} ")).collect();
        let terms = Term::of(&long, true);
        assert!(terms.iter().all(|t| t.words().len() <= OVERLAP));
        assert!(terms.last().unwrap().is_prefix() && !terms[0].is_prefix());
        assert_eq!(terms.last().unwrap().words().last().unwrap(), "w39");
    }
}
