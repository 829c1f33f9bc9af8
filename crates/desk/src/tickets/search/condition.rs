//! Operators as conditions on tickets. Names are looked up here; what is not known is refused with what would be.

use base::{Error, Id, Result, Timestamp};
use crm::{CustomerRecord, customers};
use db::{Read, ToValue as _, Value};
use identity::{Staff, User, teams, users};
use jiff::{SignedDuration, civil::Date, tz::TimeZone};
use uuid::Uuid;

use super::language::{Key, Operator, refuse};
use crate::tickets::{
    filter::{Assignee, Clause},
    model::{Channel, Priority, Status},
};

/// Customers one operator may stand for.
const CUSTOMERS_MAX: u32 = 100;

/// An operator, understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    is: Fact,
    is_negated: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Fact {
    Status(Vec<Status>),
    Priority(Vec<Priority>),
    Channel(Vec<Channel>),
    Assignee(Vec<Assignee>),
    Team(Vec<Uuid>),
    Tag(Vec<String>),
    Customer(Vec<Uuid>),
    /// From this instant on.
    Since(Timestamp),
    Until(Timestamp),
    /// Any of these conditions.
    Is(Vec<&'static str>, Option<Id<User>>),
}

/// The words of `is:`, with what each means on `tickets t`. `{me}` is who asks, `{now}` the moment.
const STATES: [(&str, &str); 7] = [
    ("open", "t.status in ('new', 'open', 'in_progress', 'pending_customer')"),
    ("overdue", "(t.due_at <= {now} and t.status in ('new', 'open', 'in_progress', 'pending_customer'))"),
    ("unread", "t.unread_by_agent > 0"),
    ("unassigned", "t.assigned_to is null"),
    ("mine", "t.assigned_to = {me}"),
    ("snoozed", "t.snoozed_at is not null"),
    ("spam", "t.close_reason = 'spam'"),
];

impl Condition {
    /// Understands an operator of staff.
    pub fn of_staff(read: &Read<'_>, staff: &Staff, operator: &Operator) -> Result<Self> {
        let values = &operator.values;
        let is = match operator.key {
            Key::Status => Fact::Status(words(Key::Status, values)?),
            Key::Priority => Fact::Priority(words(Key::Priority, values)?),
            Key::Channel => Fact::Channel(words(Key::Channel, values)?),
            Key::Tag => Fact::Tag(values.iter().map(|v| v.to_lowercase()).collect()),
            Key::Before => Fact::Until(instant(Key::Before, values, read.now())?),
            Key::After => Fact::Since(instant(Key::After, values, read.now())?),
            Key::Assignee => {
                let people = users::staff(read)?;
                Fact::Assignee(values.iter().map(|v| assignee(v, staff, &people)).collect::<Result<_>>()?)
            }
            Key::Team => {
                let all = teams::all(read)?;
                Fact::Team(values.iter().map(|v| team(v, &all)).collect::<Result<_>>()?)
            }
            Key::Customer => {
                let mut ids = Vec::new();
                for value in values {
                    ids.extend(customers_of(read, value)?);
                }
                Fact::Customer(ids)
            }
            Key::Is => Fact::Is(values.iter().map(|v| state(v)).collect::<Result<_>>()?, staff.user_id),
        };
        Ok(Self { is, is_negated: operator.is_negated })
    }

    /// Understands an operator of a customer, on the customer's view of tickets.
    pub fn of_customer(operator: &Operator, now: Timestamp) -> Result<Self> {
        let values = &operator.values;
        let is = match operator.key {
            Key::Status => Fact::Status(words(Key::Status, values)?),
            Key::Before => Fact::Until(instant(Key::Before, values, now)?),
            Key::After => Fact::Since(instant(Key::After, values, now)?),
            other => return Err(Error::bug(format!("{} is no operator of customers", other.as_str()))),
        };
        Ok(Self { is, is_negated: operator.is_negated })
    }

    /// Adds it to the `where` of a list on `t`.
    pub fn add<'a>(&'a self, c: &mut Clause<'a>, now: Timestamp) {
        let sql = self.sql(c, now);
        // `is not true` also holds where the condition is unknown: nobody's ticket is not Ada's.
        let turned = if self.is_negated { " is not true" } else { "" };
        c.text.push_str(&format!(" and ({sql}){turned}"));
    }

    fn sql<'a>(&'a self, c: &mut Clause<'a>, now: Timestamp) -> String {
        fn among<'a>(c: &mut Clause<'a>, column: &str, values: impl Iterator<Item = Value<'a>>) -> String {
            let list: Vec<String> = values.map(|v| c.bind(v)).collect();
            if list.is_empty() { "1 = 0".into() } else { format!("{column} in ({})", list.join(", ")) }
        }
        match &self.is {
            Fact::Status(list) => among(c, "t.status", list.iter().map(|v| v.to_value())),
            Fact::Priority(list) => among(c, "t.priority", list.iter().map(|v| v.to_value())),
            Fact::Channel(list) => among(c, "t.channel", list.iter().map(|v| v.to_value())),
            Fact::Team(list) => among(c, "t.team_id", list.iter().map(|v| v.to_value())),
            Fact::Customer(list) => among(c, "t.customer_id", list.iter().map(|v| v.to_value())),
            Fact::Tag(list) => {
                let tags = among(c, "g.tag", list.iter().map(|v| v.to_value()));
                format!(
                    "exists (select 1 from ticket_tags g where g.tenant_id = ?1 and g.ticket_id = t.id and {tags})"
                )
            }
            Fact::Assignee(list) => {
                let people = among(
                    c,
                    "t.assigned_to",
                    list.iter()
                        .filter_map(|a| if let Assignee::User(id) = a { Some(id.to_value()) } else { None }),
                );
                if list.contains(&Assignee::Nobody) {
                    format!("{people} or t.assigned_to is null")
                } else {
                    people
                }
            }
            Fact::Since(at) => format!("t.created_at >= {}", c.bind(Value::Time(*at))),
            Fact::Until(at) => format!("t.created_at < {}", c.bind(Value::Time(*at))),
            Fact::Is(states, me) => {
                let mut parts = Vec::with_capacity(states.len());
                for state in states {
                    let mut part = (*state).to_owned();
                    if part.contains("{now}") {
                        part = part.replace("{now}", &c.bind(Value::Time(now)));
                    }
                    if part.contains("{me}") {
                        let me = Value::Uuid(me.map_or(Uuid::nil(), Id::uuid));
                        part = part.replace("{me}", &c.bind(me));
                    }
                    parts.push(part);
                }
                parts.join(" or ")
            }
        }
    }
}

fn bad_value(key: Key, value: &str, accepted: impl std::fmt::Display) -> Error {
    refuse("request.search_value", format!("{}:{value} is not known; {accepted}", key.as_str()))
}

fn words<T: std::str::FromStr<Err = Error>>(key: Key, values: &[String]) -> Result<Vec<T>> {
    let read = |v: &String| v.to_lowercase().parse().map_err(|e: Error| bad_value(key, v, e.plain_message()));
    values.iter().map(read).collect()
}

fn state(value: &str) -> Result<&'static str> {
    let found = STATES.iter().find(|(name, _)| name.eq_ignore_ascii_case(value));
    found.map(|(_, sql)| *sql).ok_or_else(|| {
        let names: Vec<&str> = STATES.iter().map(|(name, _)| *name).collect();
        bad_value(Key::Is, value, format!("one of {}", names.join(", ")))
    })
}

fn assignee(value: &str, staff: &Staff, people: &[User]) -> Result<Assignee> {
    if value.eq_ignore_ascii_case("none") {
        return Ok(Assignee::Nobody);
    }
    if value.eq_ignore_ascii_case("me") {
        let message = "assignee:me is for people; a key names one by e-mail";
        return staff.user_id.map(Assignee::User).ok_or_else(|| refuse("request.search_value", message));
    }
    let lower = value.to_lowercase();
    let by_address =
        people.iter().find(|u| u.email.as_str().to_lowercase() == lower || u.id.to_string() == lower);
    let named: Vec<&User> = people.iter().filter(|u| u.name.to_lowercase() == lower).collect();
    match (by_address, named.as_slice()) {
        (Some(user), _) => Ok(Assignee::User(user.id)),
        (None, [user]) => Ok(Assignee::User(user.id)),
        (None, []) => Err(bad_value(
            Key::Assignee,
            value,
            "expected me, none, or the name or e-mail of a member of staff, a name of several words in quotes",
        )),
        (None, several) => {
            let addresses: Vec<&str> = several.iter().map(|u| u.email.as_str()).collect();
            Err(refuse(
                "request.search_value",
                format!("several people are called {value}; name one by e-mail: {}", addresses.join(", ")),
            ))
        }
    }
}

fn team(value: &str, all: &[teams::Team]) -> Result<Uuid> {
    let lower = value.to_lowercase();
    let found = all.iter().find(|t| t.name.to_lowercase() == lower || t.id.to_string() == lower);
    found.map(|t| t.id.uuid()).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|t| t.name.as_str()).take(20).collect();
        let accepted = if names.is_empty() {
            "there are no teams".into()
        } else {
            format!("one of {}", names.join(", "))
        };
        bad_value(Key::Team, value, accepted)
    })
}

/// Whose address it is, or whose name, company or phone number holds it. Nobody is no mistake: then nothing is found.
fn customers_of(read: &Read<'_>, value: &str) -> Result<Vec<Uuid>> {
    if let Ok(id) = value.parse::<Id<CustomerRecord>>() {
        return Ok(vec![id.uuid()]);
    }
    if let Ok(email) = value.parse::<base::Email>() {
        return Ok(customers::find_by_email(read, &email)?.into_iter().map(|c| c.id.uuid()).collect());
    }
    let found = customers::search(read, value, None, CUSTOMERS_MAX + 1)?;
    if found.len() > CUSTOMERS_MAX as usize {
        let message =
            format!("more than {CUSTOMERS_MAX} customers match customer:{value}; give more of the name");
        return Err(refuse("request.search_value", message));
    }
    Ok(found.into_iter().map(|c| c.id.uuid()).collect())
}

/// A day (its first moment in UTC), an instant, or so long ago: `7d`, `12h`, `2w`.
fn instant(key: Key, values: &[String], now: Timestamp) -> Result<Timestamp> {
    let [value] = values else {
        return Err(refuse("request.search_value", format!("{}: takes one day", key.as_str())));
    };
    let ago = |text: &str| {
        let hours = match text.chars().last()?.to_ascii_lowercase() {
            'h' => 1,
            'd' => 24,
            'w' => 24 * 7,
            _ => return None,
        };
        let count: i64 = text[..text.len() - 1].parse().ok().filter(|n| (0..=100_000).contains(n))?;
        now.checked_sub(SignedDuration::from_hours(count * hours)).ok()
    };
    let day = |text: &str| text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp());
    value.parse::<Timestamp>().ok().or_else(|| day(value)).or_else(|| ago(value)).ok_or_else(|| {
        bad_value(key, value, "expected a day such as 2026-01-31, or so long ago, such as 7d, 12h or 2w")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_spans_are_read() {
        let now: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
        let at = |text: &str| instant(Key::After, &[text.to_owned()], now).map(|t| t.to_string());
        assert_eq!(at("2026-01-31").unwrap(), "2026-01-31T00:00:00Z");
        assert_eq!(at("7d").unwrap(), "2026-02-23T12:00:00Z");
        assert_eq!(at("12H").unwrap(), "2026-03-02T00:00:00Z");
        assert_eq!(at("2w").unwrap(), "2026-02-16T12:00:00Z");
        assert_eq!(at("2026-03-01T08:00:00Z").unwrap(), "2026-03-01T08:00:00Z");
        for bad in ["2026-13-01", "yesterday", "d", "-3d", "7", "ä", "99999999999d"] {
            let e = at(bad).unwrap_err();
            assert!(e.message().contains("2026-01-31"), "{bad}: {e}");
        }
    }
}
