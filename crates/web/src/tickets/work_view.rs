//! What a ticket's page shows besides the conversation: what was merged, related, put off, asked outside, to be done.

use base::{Result, Timestamp};
use db::Read;
use desk::tickets::{self, Ticket, checklist, participants, relations, tags, time_entries};
use identity::{Settings, Staff};
use serde::Serialize;

use crate::kit::{forms::Choice, words};

/// Forms, all `POST /desk/tickets/{id}/…`:
///
/// - `/merge`: `into` (number or id) · `/unmerge`: `ticket` (the merged one) · `/split`: `message_id, subject`
/// - `/snooze`: `until` (an instant, empty until a reply, `custom` with `until_local`) · `/unsnooze`
/// - `/forward` (multipart): `to, body, with_conversation?, attachments*` · `/spam`: `block_sender?` · `/delete`
/// - `/relate`: `kind, ticket` · `/unrelate`: `kind, other` · `/children`: `body, resolve?`
/// - `/copy`: `email, name` · `/uncopy`: `email` · `/step`: `text` · `/tick`: `item, done` · `/unstep`: `item`
/// - `/time`: `minutes, note` · `/untime`: `entry`
#[derive(Debug, Default, Serialize)]
pub struct Work {
    pub merged: Vec<Merged>,
    /// Other live tickets of the customer, to merge into.
    pub merge_targets: Vec<Choice>,
    pub relations: Vec<Related>,
    pub relation_kinds: Vec<Choice>,
    pub children_open: usize,
    pub participants: Vec<participants::Participant>,
    pub steps: Vec<checklist::ChecklistItem>,
    pub steps_done: usize,
    pub minutes_spent: u32,
    pub time: Vec<Entry>,
    pub forwards: Vec<Forwarded>,
    pub snooze: Option<Snoozed>,
    pub snooze_choices: Vec<Choice>,
    /// Whom an answer can go to, where a merged ticket is another customer's.
    pub answer_to: Vec<Choice>,
    /// Its tags with their colours.
    pub tags: Vec<tags::Tag>,
    pub may_delete: bool,
    /// What the customer thought of it.
    pub rating: Option<desk::csat::Answer>,
}

#[derive(Debug, Serialize)]
pub struct Merged {
    pub id: String,
    pub number: String,
    pub subject: String,
    pub requester: String,
}

#[derive(Debug, Serialize)]
pub struct Related {
    /// The word is `relation-<kind>`.
    pub kind: String,
    pub id: String,
    pub number: String,
    pub subject: String,
    pub status: String,
    pub may_remove: bool,
}

#[derive(Debug, Serialize)]
pub struct Entry {
    pub id: String,
    pub who: String,
    pub minutes: u32,
    pub note: String,
    pub may_remove: bool,
}

#[derive(Debug, Serialize)]
pub struct Forwarded {
    pub id: String,
    pub is_withdrawn: bool,
    pub to: String,
    pub at: Timestamp,
}

#[derive(Debug, Serialize)]
pub struct Snoozed {
    /// Absent: until somebody replies.
    pub until: Option<Timestamp>,
}

#[allow(clippy::too_many_arguments)]
pub fn work(
    read: &Read<'_>,
    staff: &Staff,
    settings: &Settings,
    t: &Ticket,
    others: &[Ticket],
    own_tags: &[String],
    zone: &str,
    locale: &str,
) -> Result<Work> {
    let say = |word: &str| words::say(locale, word);
    let related = relations::seen_by(read, staff, t.id)?;
    let steps = checklist::of(read, t.id)?;
    let customer = crm::customers::get(read, t.customer_id)?;
    let mut merged = Vec::new();
    let mut answer_to = Vec::new();
    let mut known = vec![t.customer_id];
    for id in tickets::merged(read, t.id)? {
        let m = tickets::query::get(read, id)?;
        let requester = crm::customers::get(read, m.customer_id)?.name;
        if !known.contains(&m.customer_id) {
            known.push(m.customer_id);
            answer_to.push(Choice::new(
                m.id.to_string(),
                format!("{requester} ({})", m.ticket_number),
                false,
            ));
        }
        merged.push(Merged { id: id.to_string(), number: m.ticket_number, subject: m.subject, requester });
    }
    if !answer_to.is_empty() {
        answer_to.insert(0, Choice::new("", format!("{} ({})", customer.name, t.ticket_number), true));
    }
    let target = |o: &&Ticket| o.status.is_live() && o.check_may_change(staff, settings).is_ok();
    let coloured = tags::coloured(read)?;
    Ok(Work {
        merged,
        merge_targets: others
            .iter()
            .filter(target)
            .map(|o| {
                Choice::new(o.ticket_number.clone(), format!("{} {}", o.ticket_number, o.subject), false)
            })
            .collect(),
        children_open: related
            .iter()
            .filter(|r| r.kind == relations::Kind::ParentOf && r.status.is_live())
            .count(),
        relations: related
            .into_iter()
            .map(|r| Related {
                kind: r.kind.as_str().into(),
                id: r.ticket_id.to_string(),
                number: r.ticket_number,
                subject: r.subject,
                status: r.status.to_string(),
                may_remove: relations::Kind::SETTABLE.contains(&r.kind),
            })
            .collect(),
        relation_kinds: relations::Kind::SETTABLE
            .iter()
            .map(|k| Choice::new(k.as_str(), say(&format!("relation-{}", k.as_str())), false))
            .collect(),
        participants: participants::of(read, t.id)?,
        steps_done: steps.iter().filter(|s| s.done_at.is_some()).count(),
        steps,
        minutes_spent: t.minutes_spent,
        time: time_entries::of(read, t.id)?
            .into_iter()
            .map(|e| Entry {
                id: e.id.to_string(),
                may_remove: staff.is_admin() || staff.is_user(e.user_id),
                who: e.user_name,
                minutes: e.minutes,
                note: e.note,
            })
            .collect(),
        forwards: tickets::forwarded(read, t.id)?
            .into_iter()
            .map(|f| Forwarded {
                id: f.id.to_string(),
                is_withdrawn: f.revoked_at.is_some(),
                to: f.to_email,
                at: f.created_at,
            })
            .collect(),
        snooze: t.snoozed_at.map(|_| Snoozed { until: t.snoozed_until }),
        snooze_choices: snooze_choices(read.now(), zone, locale),
        answer_to,
        tags: own_tags
            .iter()
            .map(|tag| tags::Tag {
                colour: coloured
                    .iter()
                    .find(|c| c.tag == *tag)
                    .map_or_else(|| "grey".into(), |c| c.colour.clone()),
                tag: tag.clone(),
            })
            .collect(),
        may_delete: staff.is_admin() && t.merged_count == 0,
        rating: desk::csat::query::of_ticket(read, t.id)?,
    })
}

/// The times somebody would name: later today, tomorrow morning, Monday morning, in a week, and "until a reply".
fn snooze_choices(now: Timestamp, zone: &str, locale: &str) -> Vec<Choice> {
    let tz = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let here = now.to_zoned(tz);
    let morning = |days: i64| {
        let day = here.date().checked_add(jiff::Span::new().days(days)).ok()?;
        day.at(9, 0, 0, 0).to_zoned(here.time_zone().clone()).ok().map(|z| z.timestamp())
    };
    // At least one whole day ahead: on a Monday, the next one.
    let to_monday = 7 - i64::from(here.weekday().to_monday_zero_offset());
    let at = [
        ("snooze-later", Some(now + base::hours(3))),
        ("snooze-tomorrow", morning(1)),
        ("snooze-monday", morning(to_monday)),
        ("snooze-week", morning(7)),
    ];
    let mut out: Vec<Choice> = at
        .into_iter()
        .filter_map(|(word, at)| {
            at.map(|at| Choice::new(at.to_string(), words::say(locale, word), word == "snooze-tomorrow"))
        })
        .collect();
    out.push(Choice::new("", words::say(locale, "snooze-reply"), false));
    out.push(Choice::new("custom", words::say(locale, "snooze-custom"), false));
    out
}
