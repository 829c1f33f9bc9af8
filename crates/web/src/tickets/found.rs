//! What a search answers besides tickets: what was found in them, and what is known of the search as a whole.

use base::{Error, Result};
use db::Read;
use desk::tickets::{
    Ticket, portal,
    search::{self, Facts, Mark, Marked, SearchOrder},
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::kit::words;

/// One page of a list that can be searched.
#[derive(Serialize, JsonSchema)]
pub struct FoundPage<T> {
    pub items: Vec<Found<T>>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Option<String>,
    /// Only with `q`.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
}

/// A ticket, and with `q` where it holds what was looked for.
#[derive(Serialize, JsonSchema)]
pub struct Found<T> {
    #[serde(flatten)]
    pub ticket: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub highlights: Option<Highlights>,
}

impl<T> Found<T> {
    pub fn plain(ticket: T) -> Self {
        Self { ticket, highlights: None }
    }
}

/// Texts in pieces; put together they are the text. They are text, not HTML.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Highlights {
    pub subject: Vec<Mark>,
    /// Of the message that holds most of what was looked for; null when none holds any.
    pub snippet: Option<Vec<Mark>>,
}

impl From<(Marked, Option<Marked>)> for Highlights {
    fn from((subject, snippet): (Marked, Option<Marked>)) -> Self {
        Self { subject, snippet }
    }
}

/// Highlights of a page of staff's.
pub fn of_staff(read: &Read<'_>, found: &search::Results) -> Result<Vec<Highlights>> {
    let of = |t: &Ticket| search::highlights(read, t, &found.wanted).map(Highlights::from);
    found.tickets.iter().map(of).collect()
}

/// Highlights of a page of a customer's.
pub fn of_customer(read: &Read<'_>, found: &search::mine::MyResults) -> Result<Vec<Highlights>> {
    let of =
        |t: &portal::PortalTicket| search::mine::highlights(read, t, &found.wanted).map(Highlights::from);
    found.tickets.iter().map(of).collect()
}

/// What a page says about its search.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Searched {
    /// `12`, `10,000+`; empty when nobody knows.
    pub count: String,
    /// There were too many to rank: the newest come first.
    pub is_newest_first: bool,
    /// Older tickets are still being brought into the index.
    pub is_incomplete: bool,
    /// Why the line could not be understood.
    pub problem: Option<String>,
}

impl Searched {
    pub fn of(facts: &Facts, locale: &str) -> Self {
        let count = facts.count.map(|n| {
            let number = grouped(n, &words::say(locale, "thousands-separator"));
            if facts.count_is_capped { format!("{number}+") } else { number }
        });
        Self {
            count: count.unwrap_or_default(),
            is_newest_first: facts.order == SearchOrder::Newest,
            is_incomplete: !facts.is_complete,
            problem: None,
        }
    }

    /// The error of a line that was not understood; any other error goes on.
    pub fn refused(error: Error) -> Result<Self> {
        if error.code().starts_with("request.search_") {
            return Ok(Self { problem: Some(error.plain_message().to_owned()), ..Self::default() });
        }
        Err(error)
    }
}

fn grouped(n: u32, separator: &str) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push_str(separator);
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands_are_parted() {
        assert_eq!(super::grouped(10_000, ","), "10,000");
        assert_eq!(super::grouped(999, ","), "999");
        assert_eq!(super::grouped(1_234_567, "."), "1.234.567");
    }
}
