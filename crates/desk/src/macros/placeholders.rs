//! Placeholders: `{{ticket.number}}` in a text that is kept becomes the ticket's number where the text is used.

use base::{Error, Result};
use db::Read;
use identity::{Staff, tenants};

use crate::tickets::Ticket;

/// The placeholders there are.
pub const KNOWN: [&str; 8] = [
    "ticket.number",
    "ticket.subject",
    "ticket.category",
    "customer.name",
    "customer.first_name",
    "agent.name",
    "agent.first_name",
    "tenant.name",
];

/// A piece of a text.
enum Piece<'a> {
    Plain(&'a str),
    /// What stands between the braces, without spaces around it; and all of it as it is written.
    Name(&'a str, &'a str),
    /// Braces that are not closed on their line.
    Open(&'a str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find("{{") {
        if at > 0 {
            out.push(Piece::Plain(&rest[..at]));
        }
        let after = &rest[at + 2..];
        let line = after.find('\n').map_or(after, |end| &after[..end]);
        match line.find("}}") {
            Some(end) => {
                out.push(Piece::Name(after[..end].trim(), &rest[at..at + end + 4]));
                rest = &after[end + 2..];
            }
            None => {
                out.push(Piece::Open(&rest[at..at + 2]));
                rest = after;
            }
        }
    }
    if !rest.is_empty() {
        out.push(Piece::Plain(rest));
    }
    out
}

fn list() -> String {
    KNOWN.map(|name| format!("{{{{{name}}}}}")).join(", ")
}

/// Refuses a text that names a placeholder nobody knows, naming it and those there are.
///
/// # Errors
/// `placeholder.unknown`, `placeholder.open`.
pub fn check(field: &'static str, text: &str) -> Result<()> {
    for piece in pieces(text) {
        match piece {
            Piece::Name(name, _) if !KNOWN.contains(&name) => {
                let near = base::text::suggest(name, KNOWN)
                    .map(|s| format!("; did you mean {{{{{s}}}}}"))
                    .unwrap_or_default();
                let message = format!("there is no {{{{{name}}}}}{near}. Known: {}", list());
                return Err(Error::field(field, "placeholder.unknown", message));
            }
            Piece::Open(_) => {
                let message = format!("{{{{ is not closed by }}}} on its line. Known: {}", list());
                return Err(Error::field(field, "placeholder.open", message));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What placeholders stand for on one ticket.
#[derive(Clone, Debug, Default)]
pub struct Values(Vec<(&'static str, String)>);

impl Values {
    pub fn new(pairs: Vec<(&'static str, String)>) -> Self {
        Self(pairs)
    }
}

/// What they stand for when this member of staff writes on this ticket.
pub fn values(read: &Read<'_>, staff: &Staff, ticket: &Ticket) -> Result<Values> {
    let first = |name: &str| name.split_whitespace().next().unwrap_or_default().to_owned();
    let customer = crm::customers::get(read, ticket.customer_id)?.name;
    let category = crate::categories::all(read)?
        .into_iter()
        .find(|c| c.slug == ticket.category)
        .map_or_else(|| ticket.category.clone(), |c| c.name);
    let agent = staff.actor.name.clone();
    Ok(Values(vec![
        ("ticket.number", ticket.ticket_number.clone()),
        ("ticket.subject", ticket.subject.clone()),
        ("ticket.category", category),
        ("customer.first_name", first(&customer)),
        ("customer.name", customer),
        ("agent.first_name", first(&agent)),
        ("agent.name", agent),
        ("tenant.name", tenants::get(read, read.tenant()?)?.name),
    ]))
}

/// The text with values in the place of their names, for somebody to read and go on writing. Whatever has no value stays as
/// it is written: filling never fails.
pub fn fill(text: &str, values: &Values) -> String {
    put(text, values, |word| word)
}

/// The same for a text that goes out as it is: values are text, and nothing in them is Markdown.
pub fn fill_markdown(text: &str, values: &Values) -> String {
    put(text, values, |word| mail::plain_to_markdown(word.trim()))
}

fn put(text: &str, values: &Values, written_as: impl Fn(String) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Plain(text) | Piece::Open(text) => out.push_str(text),
            Piece::Name(name, written) => match values.0.iter().find(|(n, _)| *n == name) {
                // A value is a word in a line, whatever its owner wrote.
                Some((_, value)) => {
                    let word = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                    out.push_str(&written_as(word));
                }
                None => out.push_str(written),
            },
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ada() -> Values {
        Values::new(vec![
            ("customer.first_name", "Ada".into()),
            ("ticket.subject", "a\nb {{agent.name}}".into()),
        ])
    }

    #[test]
    fn names_become_values_and_values_are_not_read_again() {
        assert_eq!(fill("Hello {{ customer.first_name }}!", &ada()), "Hello Ada!");
        assert_eq!(fill("{{ticket.subject}}", &ada()), "a b {{agent.name}}");
        assert_eq!(fill("{{ open\n}} {{x.y}}", &ada()), "{{ open\n}} {{x.y}}");
    }

    #[test]
    fn values_in_markdown_are_shown_as_they_are() {
        let evil = "[Open](https://evil.example) *now* <b>x</b>\n# y";
        let values =
            Values::new(vec![("ticket.subject", evil.into()), ("customer.name", "1. Ada_B_".into())]);
        let filled = fill_markdown("{{customer.name}}: **{{ticket.subject}}**", &values);
        let html = mail::markdown::to_html(&filled).to_string();
        assert!(html.contains("[Open](<a href=\"https://evil.example\""), "{html}");
        assert!(
            html.contains(">https://evil.example</a>) *now* &lt;b&gt;x&lt;/b&gt; # y</strong>"),
            "{html}"
        );
        assert!(html.contains("1. Ada_B_: <strong>") && !html.contains("<li>"), "{html}");
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = check("body", "Hi {{customer.nme}}").unwrap_err();
        assert_eq!(error.field_errors()[0].field, "body");
        assert!(
            error.message().contains("{{customer.nme}}") && error.message().contains("{{ticket.number}}"),
            "{error}"
        );
        assert_eq!(check("body", "a {{customer.name}\nb").unwrap_err().code(), "placeholder.open");
        assert!(check("body", "{ {} } }} {{ tenant.name }}").is_ok());
    }

    proptest! {
        #[test]
        fn filling_never_fails_and_what_was_checked_leaves_no_braces(text in "(\\PC|\\{\\{|\\}\\}|customer\\.name|\n){0,60}") {
            let all = Values::new(KNOWN.iter().map(|name| (*name, "v".to_owned())).collect());
            let filled = fill(&text, &all);
            if check("body", &text).is_ok() {
                prop_assert!(!filled.contains("{{"), "{filled}");
            }
            prop_assert_eq!(fill(&text, &Values::default()), text);
        }
    }
}
