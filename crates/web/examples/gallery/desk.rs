//! The queue and one ticket.

use base::{hours, minutes};
use desk::tickets::search::Mark;
use web::{
    composing::views::{Begun, CameIn, DraftFile, Held, Present},
    kit::{
        chrome::Chrome,
        lists::{Filter, FilterOption, Pager, SortLink},
    },
    queue::views::{Bar, Board, Card, Column, Line, List, Saved, Saving},
    tickets::{
        found::{Highlights, Searched},
        views::*,
    },
};

use crate::samples::{CATEGORIES, Page, agent, ago, choices, days_ago, now, text};

#[allow(clippy::too_many_arguments)]
pub fn row(
    n: u32,
    subject: &str,
    who: &str,
    priority: &str,
    status: &str,
    due_minutes: i64,
    activity: i64,
    assignee: &str,
) -> Row {
    let created = ago(activity + 90);
    let due = now().checked_add(minutes(due_minutes)).unwrap_or(now());
    let done = matches!(status, "resolved" | "closed").then(|| ago(activity));
    Row {
        id: n.to_string(),
        href: format!("/desk/tickets/{n}"),
        number: format!("SUP-{n:05}"),
        subject: subject.into(),
        requester_name: who.into(),
        requester_email: Some(format!("{}@example.com", who.split(' ').next().unwrap_or("x").to_lowercase())),
        category: if n.is_multiple_of(3) { "Billing".into() } else { "Technical".into() },
        priority: priority.into(),
        status: status.into(),
        sla: (due_minutes != 0).then(|| Sla::new(created, due, done, now())),
        last_activity_at: ago(activity),
        assignee: (!assignee.is_empty()).then(|| assignee.into()),
        unread: activity < 60,
        message_count: 3,
        draft: n == 609,
        highlights: None,
    }
}

pub fn rows() -> Vec<Row> {
    vec![
        row(
            612,
            "Internet down since Monday morning",
            "Ada Byron",
            "high",
            "in_progress",
            14,
            3,
            "Ben Okafor",
        ),
        row(611, "No connection after the storm, whole street", "Marek Łuczak", "urgent", "new", -26, 11, ""),
        row(610, "Where is my invoice for October?", "Ines Carvalho", "normal", "new", 60 * 20, 24, ""),
        row(609, "Upgrade to Fiber 1000", "Tomás Herrera", "low", "open", 60 * 44, 48, "Mia Lindqvist"),
        row(
            607,
            "Speed drops to 20 Mbit every evening, measured over two weeks with the official tool",
            "Grace Adeyemi",
            "normal",
            "pending_customer",
            60 * 9,
            140,
            "Ben Okafor",
        ),
        row(603, "Charged twice", "Oliver Brandt", "high", "in_progress", 60 * 2, 190, "Mia Lindqvist"),
        row(599, "Moving house on 1 December", "Yuki Tanaka", "normal", "open", 60 * 3, 320, ""),
        row(
            598,
            "Router keeps restarting",
            "Fatima Zahra El Amrani",
            "normal",
            "pending_customer",
            60 * 11,
            410,
            "Ben Okafor",
        ),
        row(594, "Cancel my contract", "Lars Nygård", "low", "open", 60 * 30, 640, "Noor de Vries"),
        row(590, "TV box shows error 4012", "Priya Raman", "normal", "resolved", 60 * 2, 900, "Ben Okafor"),
        row(
            588,
            "Invoice for October charged twice",
            "Ada Byron",
            "normal",
            "closed",
            60 * 2,
            1560,
            "Mia Lindqvist",
        ),
    ]
}

fn filter(label: &str, value: Option<&str>, options: &[&str]) -> Filter {
    Filter {
        label: label.into(),
        value: value.map(Into::into),
        clear_href: "/desk".into(),
        options: options
            .iter()
            .map(|o| FilterOption { label: (*o).into(), href: "/desk?x".into(), selected: value == Some(o) })
            .collect(),
    }
}

fn list(view: &str, tickets: Vec<Row>) -> List {
    let sort = |key: &str, direction: Option<&str>| SortLink {
        key: key.into(),
        label: key.into(),
        href: format!("/desk?order={key}"),
        direction: direction.map(Into::into),
    };
    List {
        view_key: view.into(),
        filters: vec![
            filter("Status", None, &["New", "Open", "In progress"]),
            filter("Priority", Some("High"), &["Low", "Normal", "High", "Urgent"]),
            filter("Category", None, &["Technical", "Billing"]),
            filter("Assignee", None, &["Me", "Nobody", "Mia Lindqvist"]),
            filter("Channel", None, &["Portal", "E-mail", "Phone"]),
        ],
        sorts: vec![
            sort("priority", None),
            sort("due_at", None),
            sort("last_message_at", Some("descending")),
        ],
        pager: Pager {
            next_href: (!tickets.is_empty()).then(|| "/desk?cursor=x".into()),
            total: Some(12),
            first_href: None,
        },
        tickets: tickets.into_iter().map(line).collect(),
        bar: Some(bar()),
        board_href: "/desk/board".into(),
        ..List::default()
    }
}

fn line(ticket: Row) -> Line {
    let tag = |tag: &str, colour: &str| desk::tickets::tags::Tag { tag: tag.into(), colour: colour.into() };
    let tags = match ticket.number.as_bytes().last() {
        Some(b'1' | b'2') => vec![tag("outage", "red"), tag("millbrook", "grey")],
        _ => Vec::new(),
    };
    Line { ticket, tags }
}

fn bar() -> Bar {
    Bar {
        statuses: choices(STATUSES, ""),
        priorities: choices(PRIORITIES, ""),
        assignees: choices(PEOPLE, ""),
        teams: choices(&[("1", "Field service")], ""),
        macros: choices(&[("3", "Outage: known, engineers at work")], ""),
        query: vec![("view".into(), "inbox".into())],
        all: Some("999+".into()),
        back: "/desk".into(),
        idempotency_key: "k".into(),
    }
}

const SHARING: &[(&str, &str)] =
    &[("personal", "Only me"), ("1", "Team Field service"), ("all", "Everybody")];

/// A saved view with another filter on top of it: it can be kept as it is shown, or saved as a new one.
fn saved_view() -> List {
    let query = vec![("tag".to_owned(), "outage".to_owned()), ("priority".to_owned(), "high".to_owned())];
    List {
        saved: Some(Saved {
            id: "7".into(),
            name: "Outages in the north".into(),
            may_change: true,
            is_changed: true,
            sharing: choices(SHARING, "1"),
            query: query.clone(),
        }),
        unfiltered_href: Some("/desk?view=7".into()),
        saving: Saving {
            is_offered: true,
            sharing: choices(SHARING, "personal"),
            query,
            back: "/desk?view=7".into(),
        },
        ..list("7", rows())
    }
}

fn board() -> Board {
    let column = |status: &str, count: u32| Column {
        status: status.into(),
        count,
        more_href: (count > 5).then(|| "/desk?view=all".into()),
        cards: rows()
            .into_iter()
            .filter(|r| r.status == status)
            .map(|ticket| {
                let Line { ticket, tags } = line(ticket);
                Card { ticket, version: 3, tags, moves: vec!["open".into(), "resolved".into()] }
            })
            .collect(),
    };
    Board {
        filters: vec![filter("Team", Some("Field service"), &["Field service", "Billing"])],
        unfiltered_href: Some("/desk/board".into()),
        columns: vec![
            column("new", 2),
            column("open", 1_000),
            column("in_progress", 2),
            column("pending_customer", 2),
            column("resolved", 0),
        ],
        list_href: "/desk?view=all".into(),
        back: "/desk/board".into(),
        may_create: true,
        idempotency_key: "k".into(),
    }
}

/// The same list as a search's answer: with hits, and with what is said when it is not all that was asked for.
fn searched(is_newest_first: bool, problem: Option<&str>) -> List {
    let piece = |text: &str, is_hit| Mark { text: text.into(), is_hit };
    let mut rows = if problem.is_some() { Vec::new() } else { rows() };
    for row in &mut rows {
        let subject = row.subject.clone();
        let (before, after) = subject.split_once(' ').unwrap_or(("", ""));
        row.highlights = Some(Highlights {
            subject: vec![piece(before, true), piece(&format!(" {after}"), false)],
            snippet: Some(vec![
                piece("… since the storm the ", false),
                piece("red light", true),
                piece(" <b>blinks</b> & nothing else does …", false),
            ]),
        });
    }
    let about = Searched {
        count: if is_newest_first { "10,000+".into() } else { "12".into() },
        is_newest_first,
        is_incomplete: is_newest_first,
        problem: problem.map(Into::into),
    };
    List { searched: Some(about), ..list("search", rows) }
}

const PEOPLE: &[(&str, &str)] = &[("2", "Ben Okafor"), ("3", "Mia Lindqvist"), ("4", "Noor de Vries")];
const STATUSES: &[(&str, &str)] =
    &[("in_progress", "In progress"), ("open", "Open"), ("pending_customer", "Waiting for customer")];
const PRIORITIES: &[(&str, &str)] =
    &[("low", "Low"), ("normal", "Normal"), ("high", "High"), ("urgent", "Urgent")];

fn message(id: &str, kind: &str, name: &str, html: &str, minutes: i64) -> Message {
    Message {
        addressed_to: None,
        may_split: kind != "note",
        id: id.into(),
        kind: kind.into(),
        author_name: name.into(),
        channel: (kind == "inbound").then(|| "portal".into()),
        body_html: html.into(),
        excerpt: String::new(),
        parts: Vec::new(),
        mail: None,
        attachments: vec![],
        delivery: (kind == "outbound").then(|| "sent".into()),
        delivery_detail: None,
        created_at: ago(minutes),
    }
}
fn event(id: &str, words: &str, minutes: i64) -> Entry {
    Entry::Event(Event { id: id.into(), text: words.into(), created_at: ago(minutes) })
}

fn timeline() -> Vec<Entry> {
    let mut first = message(
        "1",
        "inbound",
        "Ada Byron",
        "<p>Since Monday at about 7 the internet is gone. The light on the box is <strong>red</strong>. I restarted it twice.</p>",
        1800,
    );
    first.attachments.push(Attachment {
        filename: "box-red-light.jpg".into(),
        size_bytes: 1_842_113,
        href: "/api/attachments/1".into(),
    });
    let mut last =
        message("4", "inbound", "Ada Byron", "<p>It does. I pushed it in again, still red.</p>", 3);
    last.channel = text("email");
    let part = |kind, html: &str| web::tickets::views::Part { kind, html: html.into() };
    last.parts = vec![
        part("said", "<p>It does. I pushed it in again, still red.</p>"),
        part("quoted", "<p>&gt; Could you tell me whether the cable to the wall sits firmly?</p>"),
    ];
    last.mail = Some(web::tickets::views::MessageMail {
        from_email: "ada@byron.example".into(),
        reason: "it came to a reply address we gave away for this ticket, and its sender takes part in it"
            .into(),
        standing: "joined".into(),
        automated: None,
        is_authentic: true,
        has_html: false,
        copied: vec!["charles@engine.example".into()],
        withheld: vec![],
        follows: None,
    });
    vec![
        Entry::Message(Box::new(first)),
        event("e1", "Ben Okafor claimed it", 320),
        Entry::Message(Box::new(message(
            "2",
            "outbound",
            "Ben Okafor",
            "<p>Hello Ada,</p><p>thank you for the photo. A red light means the box sees no signal from the street. I have asked the line team to measure it.</p><p>Could you tell me whether the cable to the wall sits firmly?</p>",
            300,
        ))),
        event("e2", "Ben Okafor set the priority to High", 298),
        Entry::Message(Box::new(message(
            "3",
            "note",
            "Mia Lindqvist",
            "<p>Port 14 on cabinet LS-203 lost light at 06:52 on Monday. Three neighbours too: <em>probably the splitter</em>.</p>",
            120,
        ))),
        Entry::UnreadMark { count: 1 },
        Entry::Message(Box::new(last)),
    ]
}

fn ticket() -> Ticket {
    Ticket {
        id: "612".into(),
        version: "7".into(),
        number: "SUP-00612".into(),
        subject: "Internet down since Monday morning".into(),
        status: "in_progress".into(),
        priority: "high".into(),
        created_at: ago(1800),
        assignee: text("Ben Okafor"),
        escalated_to: text("Mia Lindqvist"),
        escalation_level: 1,
        close_reason: None,
        resolution_notes: None,
        sla: Some(Sla::new(ago(226), now().checked_add(minutes(14)).unwrap_or(now()), None, now())),
        first_response_at: Some(ago(300)),
        back_href: "/desk".into(),
        from: String::new(),
        list: rows(),
        statuses: choices(STATUSES, "in_progress"),
        priorities: choices(PRIORITIES, "high"),
        assignees: choices(PEOPLE, "2"),
        categories: choices(CATEGORIES, "technical"),
        teams: choices(&[("1", "First line"), ("2", "Field")], "1"),
        escalation_targets: choices(PEOPLE, "3"),
        may: May {
            claim: true,
            change: true,
            resolve: true,
            close: true,
            reopen: false,
            archive: false,
            escalate: true,
        },
        timeline: timeline(),
        composer: Composer {
            begun: Begun { kind: "reply".into(), ..Default::default() },
            then: choices(
                &[
                    ("", "leave the status"),
                    ("pending_customer", "wait for customer"),
                    ("resolved", "resolve"),
                ],
                "",
            ),
            can_reply: true,
            to: "ada@example.com".into(),
            attachment_limit_bytes: 25_000_000,
            idempotency_key: "k".into(),
            canned: choices(&[("1", "Restart the box"), ("2", "Where to find the invoice")], ""),
            macros: choices(&[("3", "Outage: known, engineers at work")], ""),
            present: vec![Present { name: "Mia Lindqvist".into(), doing: "writing".into() }],
            ..Default::default()
        },
        requester: Requester {
            customer_href: text("/desk/customers/1"),
            name: "Ada Byron".into(),
            email: text("ada@example.com"),
            verified: true,
            phone: text("+44 113 496 0199"),
            company: None,
            since: Some(days_ago(800)),
            facts: vec![
                ("Plan".into(), "Fiber 500".into()),
                ("Address".into(), "12 Harrogate Road, Leeds LS7 3NZ".into()),
            ],
            notes: vec!["Works nights: call after 15:00.".into()],
            other_tickets: rows().into_iter().skip(9).collect(),
        },
        tags: vec!["outage".into(), "ls-203".into()],
        watchers: vec!["Mia Lindqvist".into()],
        is_watching: false,
        links: vec![Link { kind: "cabinet".into(), label: "LS-203".into(), href: None }],
        origin: Origin {
            channel: "portal".into(),
            ticket_type: "outage_report".into(),
            order_id: None,
            context: text("{\n  \"browser\": \"Firefox 146\",\n  \"page\": \"/help/contact\"\n}"),
        },
        work: Default::default(),
        problems: vec![],
    }
}

fn new() -> New {
    New {
        categories: choices(CATEGORIES, "technical"),
        priorities: choices(PRIORITIES, "normal"),
        types: choices(
            &[("general_inquiry", "General inquiry"), ("outage_report", "Outage report")],
            "general_inquiry",
        ),
        assign_to_me: true,
        attachment_limit_bytes: 25_000_000,
        idempotency_key: "k".into(),
        ..Default::default()
    }
}

pub fn pages() -> Vec<Page> {
    let moved = Composer {
        begun: Begun {
            kind: "note".into(),
            body: "Splitter replaced at 10:40.".into(),
            files: vec![DraftFile {
                id: "f1".into(),
                filename: "measurement.pdf".into(),
                size_bytes: 48_211,
            }],
            saved_at: Some(ago(2)),
            is_old: false,
        },
        aside: Some(Begun {
            kind: "reply".into(),
            body: "Good morning Ada,".into(),
            saved_at: Some(ago(3)),
            ..Default::default()
        }),
        came_in: vec![
            CameIn {
                who: text("Ada Byron"),
                text: "It is green again!".into(),
                is_note: false,
                created_at: ago(1),
            },
            CameIn {
                who: None,
                text: "Mia Lindqvist set the priority to Low".into(),
                is_note: false,
                created_at: ago(1),
            },
        ],
        ..ticket().composer
    };
    let solved = Ticket {
        status: "closed".into(),
        close_reason: text("solved"),
        resolution_notes: text("Splitter in cabinet LS-203 replaced."),
        may: May { reopen: true, archive: true, ..May::default() },
        composer: moved,
        sla: Some(Sla::new(ago(226), ago(20), Some(now().checked_sub(hours(1)).unwrap_or(now())), now())),
        ..ticket()
    };
    let held = Ticket {
        composer: Composer {
            held: vec![Held {
                id: "h".into(),
                name: "Ben Okafor".into(),
                is_mine: true,
                body_html: "<p>The splitter is replaced; please look whether the light is green.</p>".into(),
                files: vec!["measurement.pdf".into()],
                status: text("pending_customer"),
                release_at: now(),
            }],
            preview_html: text("<p>Meanwhile, <strong>one more</strong> thing.</p>"),
            ..ticket().composer
        },
        ..ticket()
    };
    vec![
        Page::new("desk-ticket-held", "tickets/ticket.html", agent("/desk/tickets/612", "inbox"), held),
        Page::new("desk", "queue/list.html", agent("/desk", "inbox"), list("inbox", rows())),
        Page::new(
            "desk-banner",
            "queue/list.html",
            Chrome { banner: text("Outage in Leeds West until about 14:00"), ..agent("/desk", "inbox") },
            list("inbox", rows()),
        ),
        Page::new("desk-search", "queue/list.html", agent("/desk?q=red", "all"), searched(false, None)),
        Page::new("desk-search-many", "queue/list.html", agent("/desk?q=red", "all"), searched(true, None)),
        Page::new(
            "desk-search-problem",
            "queue/list.html",
            agent("/desk?q=stauts:open", "all"),
            searched(
                false,
                Some("stauts: is not an operator; there are status: priority:. Did you mean status:?"),
            ),
        ),
        Page::new("desk-saved-view", "queue/list.html", agent("/desk?view=7", "7"), saved_view()),
        Page::new("desk-board", "queue/board.html", agent("/desk/board", "all"), board()),
        Page::new("desk-empty", "queue/list.html", agent("/desk?view=mine", "mine"), list("mine", vec![])),
        Page::new("desk-ticket", "tickets/ticket.html", agent("/desk/tickets/612", "inbox"), ticket()),
        Page::new("desk-ticket-closed", "tickets/ticket.html", agent("/desk/tickets/612", "all"), solved),
        Page::new("desk-bulk", "bulk/bulk.html", agent("/desk/bulk/1", ""), bulk()),
        Page::new("desk-new", "tickets/new.html", agent("/desk/tickets/new", ""), new()),
        Page::new("desk-call", "tickets/call.html", agent("/desk/calls/new", ""), new()),
    ]
}

fn bulk() -> web::bulk::pages::Progress {
    web::bulk::pages::Progress {
        id: "1".into(),
        status: "done".into(),
        total: 640,
        done: 638,
        failed: 2,
        restored: 0,
        at_work: false,
        may_undo: true,
        problems: vec![web::bulk::pages::Line {
            href: "/desk/tickets/612".into(),
            number: "SUP-00612".into(),
            reason: "the ticket is assigned to somebody else; its assignee or an admin may change it".into(),
        }],
    }
}
