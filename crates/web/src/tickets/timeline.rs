//! Messages, notes and events in one order.

use base::Result;
use db::Read;
use desk::tickets::{self, Audit, Direction, Message, Ticket};
use identity::teams::Team;

use super::{pages::Names, views};
use crate::kit::words;

pub fn entries(
    read: &Read<'_>,
    t: &Ticket,
    names: &Names,
    teams: &[Team],
    zone: &str,
    locale: &str,
) -> Result<Vec<views::Entry>> {
    let messages = tickets::query::thread(read, t)?;
    let mut merged = std::collections::HashMap::new();
    if t.merged_count > 0 {
        for id in tickets::merged(read, t.id)? {
            merged.insert(id, tickets::query::get(read, id)?.ticket_number);
        }
    }
    let mut mails = mails_of(read, t, merged.keys().copied())?;
    let unread_from = messages.len().saturating_sub(t.unread_by_agent as usize);
    let mut out: Vec<(base::Timestamp, u8, views::Entry)> = Vec::new();
    for (i, m) in messages.into_iter().enumerate() {
        if i == unread_from && t.unread_by_agent > 0 && m.direction == Direction::Inbound {
            out.push((m.created_at, 0, views::Entry::UnreadMark { count: t.unread_by_agent }));
        }
        let mail = mails.remove(&m.id);
        let parts = if mail.is_some() { parts_of(&m.body) } else { Vec::new() };
        let kind = match (m.is_internal, m.direction) {
            (true, _) => "note",
            (false, Direction::Inbound) => "inbound",
            (false, Direction::Outbound) => "outbound",
        };
        let entry = views::Entry::Message(Box::new(views::Message {
            id: m.id.to_string(),
            kind: kind.into(),
            author_name: m.author.name,
            channel: (i == 0 && kind == "inbound").then(|| t.channel.to_string()),
            excerpt: excerpt(&m.body),
            body_html: m.body_html,
            parts,
            mail,
            attachments: m
                .attachments
                .into_iter()
                .map(|a| views::Attachment {
                    href: format!("/api/attachments/{}", a.id),
                    filename: a.filename,
                    size_bytes: a.size_bytes,
                })
                .collect(),
            delivery: (kind == "outbound" && m.delivery != "none").then_some(m.delivery),
            delivery_detail: None,
            created_at: m.created_at,
            addressed_to: merged.get(&m.ticket_id).cloned(),
            may_split: kind != "note" && m.ticket_id == t.id && m.id != t.first_message_id,
        }));
        out.push((m.created_at, 1, entry));
    }
    for a in tickets::query::audits(read, t.id)? {
        if matches!(a.event_type.as_str(), "message" | "note") {
            continue;
        }
        let text = sentence(&a, names, teams, zone, locale);
        out.push((
            a.created_at,
            2,
            views::Entry::Event(views::Event { id: a.id.to_string(), text, created_at: a.created_at }),
        ));
    }
    out.sort_by_key(|(at, rank, _)| (*at, *rank));
    Ok(out.into_iter().map(|(_, _, entry)| entry).collect())
}

/// How messages of a ticket, and of those merged into it, came by mail.
fn mails_of(
    read: &Read<'_>,
    t: &Ticket,
    merged: impl Iterator<Item = base::Id<Ticket>>,
) -> Result<std::collections::HashMap<base::Id<Message>, views::MessageMail>> {
    let mut out = std::collections::HashMap::new();
    for id in std::iter::once(t.id).chain(merged) {
        for m in desk::intake::query::of_ticket(read, id)? {
            let follows = match m.follows_id {
                Some(other) => {
                    let other = tickets::query::get(read, base::Id::from_uuid(other))?;
                    // Once merged, or gone, there is nothing to suggest.
                    (other.deleted_at.is_none()
                        && t.survivor_id.is_none()
                        && other.id != t.id
                        && other.survivor_id != Some(t.id))
                    .then(|| (other.id.to_string(), other.ticket_number))
                }
                None => None,
            };
            let view = views::MessageMail {
                from_email: m.from_email,
                reason: m.reason,
                standing: m.standing.to_string(),
                automated: m.automated,
                is_authentic: m.is_authentic,
                has_html: m.has_html,
                copied: m.copied,
                withheld: m.withheld,
                follows,
            };
            out.insert(m.message_id, view);
        }
    }
    Ok(out)
}

/// A mail's text in its pieces; what is quoted is folded, never cut.
fn parts_of(text: &str) -> Vec<views::Part> {
    use mail::inbound::PieceKind;
    let part = |piece: mail::inbound::Piece| views::Part {
        kind: match piece.kind {
            PieceKind::Said => "said",
            PieceKind::Quoted => "quoted",
            PieceKind::Signature => "signature",
        },
        html: mail::plain_to_html(&piece.text).as_str().to_owned(),
    };
    mail::inbound::fold(text).into_iter().map(part).filter(|p| !p.html.is_empty()).collect()
}

/// "Ben Okafor set the status to In progress".
fn sentence(a: &Audit, names: &Names, teams: &[Team], zone: &str, locale: &str) -> String {
    let to = a.to.as_deref().unwrap_or_default();
    let word = |prefix: &str| words::say(locale, &format!("{prefix}-{to}"));
    let person = || to.parse().ok().and_then(|id| names.of(Some(id))).unwrap_or_else(|| to.to_owned());
    let (key, to) = match a.event_type.as_str() {
        "created" => ("event-created", String::new()),
        "merged"
        | "merged_in"
        | "unmerged"
        | "unmerged_from"
        | "split"
        | "split_from"
        | "forwarded"
        | "forward_withdrawn"
        | "deleted"
        | "restored"
        | "woken"
        | "spam"
        | "blocked_sender"
        | "participant_added"
        | "participant_removed"
        | "participant_hidden"
        | "participant_shown"
        | "sender_admitted"
        | "checklist_added"
        | "checklist_done"
        | "checklist_undone"
        | "checklist_removed" => {
            let key = format!("event-{}", a.event_type.replace('_', "-"));
            return words::say_with(locale, &key, &[("actor", &a.actor.name), ("to", to)]);
        }
        "macro_applied" => {
            return words::say_with(locale, "event-macro", &[("actor", &a.actor.name), ("to", to)]);
        }
        "related" | "unrelated" => {
            let (kind, number) = to.split_once(' ').unwrap_or((to, ""));
            let kind = words::say(locale, &format!("relation-{kind}")).to_lowercase();
            let key = format!("event-{}", a.event_type);
            return words::say_with(
                locale,
                &key,
                &[("actor", &a.actor.name), ("to", &format!("{kind} {number}"))],
            );
        }
        "snoozed" => {
            let key = if to.is_empty() { "event-snoozed-reply" } else { "event-snoozed" };
            let until = to.parse::<base::Timestamp>().map_or_else(|_| to.to_owned(), |at| local(at, zone));
            return words::say_with(locale, key, &[("actor", &a.actor.name), ("to", &until)]);
        }
        "time_booked" => ("event-time", format!("{to} min")),
        "rated" => ("event-rated", to.to_owned()),
        "claimed" => ("event-claimed", String::new()),
        "assigned" => ("event-assigned", person()),
        "unassigned" => ("event-unassigned", String::new()),
        "priority_changed" => ("event-priority", word("priority")),
        "category_changed" => ("event-category", names.category(to)),
        "team_changed" => (
            "event-team",
            teams.iter().find(|t| t.id.to_string() == to).map_or_else(|| "–".into(), |t| t.name.clone()),
        ),
        "tags_changed" => ("event-tags", to.to_owned()),
        "escalated" => ("event-escalated", format!("L{to}")),
        "reopened" => ("event-reopened", String::new()),
        "status_changed" => match to {
            "resolved" => ("event-resolved", String::new()),
            "closed" => {
                let reason = a.metadata.get("close_reason").and_then(|r| r.as_str()).unwrap_or("solved");
                ("event-closed", words::say(locale, &format!("reason-{reason}")))
            }
            "archived" => ("event-archived", String::new()),
            _ => ("event-status", word("status")),
        },
        other => {
            let what = other.trim_end_matches("_changed").replace('_', " ");
            return words::say_with(locale, "event-other", &[("actor", &a.actor.name), ("what", &what)]);
        }
    };
    words::say_with(locale, key, &[("actor", &a.actor.name), ("to", &to)])
}

/// The first words of a text, in one line.
fn excerpt(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut cut: String = line.chars().take(240).collect();
    if cut.len() < line.len() {
        cut.push('…');
    }
    cut
}

/// A moment as its reader says it.
fn local(at: base::Timestamp, zone: &str) -> String {
    let tz = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    at.to_zoned(tz).strftime("%d %b %Y, %H:%M").to_string()
}
