//! Canned replies and macros.

use web::{
    composing::views::DraftFile,
    kit::forms::{Choice, Problem},
    macros::views::{Edit, List, Preview, Row},
};

use crate::samples::{CATEGORIES, Page, agent, ago, choices, text};

fn row(name: &str, about: &str, shared: Option<&str>, owner: Option<&str>, uses: u32) -> Row {
    Row {
        href: "/desk/macros/1".into(),
        name: name.into(),
        about: about.into(),
        shared: shared.map(Into::into),
        owner: owner.map(Into::into),
        uses,
        last_used_at: (uses > 0).then(|| ago(i64::from(uses))),
    }
}

fn edit(tab: &str) -> Edit {
    Edit {
        tab: tab.into(),
        id: text("1"),
        title: "Outage: known, engineers at work".into(),
        name: "Outage: known, engineers at work".into(),
        body: "Hello {{customer.first_name}},\n\nwe know of the outage in your street and are at work on it.\n\n{{agent.first_name}}".into(),
        files: vec![DraftFile { id: "f1".into(), filename: "outage-map.png".into(), size_bytes: 182_003 }],
        sharing: choices(&[("personal", "Only me"), ("1", "First line"), ("all", "Everybody")], "1"),
        text_kind: "reply".into(),
        statuses: choices(&[("", "leave it"), ("pending_customer", "Waiting for customer")], "pending_customer"),
        reasons: choices(&[("solved", "Solved"), ("duplicate", "Duplicate")], "solved"),
        priorities: choices(&[("", "leave it"), ("high", "High")], "high"),
        categories: std::iter::once(Choice::new("", "leave it", true)).chain(choices(CATEGORIES, "")).collect(),
        assignees: choices(&[("", "leave it"), ("me", "whoever applies it")], "me"),
        teams: choices(&[("", "leave it"), ("1", "First line")], ""),
        add_tags: "outage".into(),
        remove_tags: String::new(),
        may_change: true,
        placeholders: vec!["{{ticket.number}}".into(), "{{customer.name}}".into(), "{{customer.first_name}}".into()],
        preview: Some(Preview { html: "<p>Hello Ada,</p><p>we know of the outage in your street and are at work on it.</p><p>Ben</p>".into(), number: text("SUP-00612") }),
        problems: vec![],
    }
}

pub fn pages() -> Vec<Page> {
    let macros = List {
        tab: "macros".into(),
        rows: vec![
            row(
                "Outage: known, engineers at work",
                "Answers · Waiting for customer · High · +outage",
                Some("First line"),
                None,
                41,
            ),
            row("Close as duplicate", "Closed · +duplicate", Some("Everybody"), Some("Mia Lindqvist"), 7),
            row("Mine, and hurry", "me · Urgent", None, None, 0),
        ],
    };
    let canned = List {
        tab: "canned".into(),
        rows: vec![row(
            "Restart the box",
            "Hello {{customer.first_name}}, please unplug the box for one minute.",
            Some("Everybody"),
            None,
            128,
        )],
    };
    let wrong = Edit {
        body: "Hello {{customer.nme}}".into(),
        problems: vec![Problem::new("body", "there is no {{customer.nme}}; did you mean {{customer.name}}?")],
        preview: None,
        files: vec![],
        ..edit("canned")
    };
    let at = |path: &str| agent(path, "");
    vec![
        Page::new("macros", "canned_replies/list.html", at("/desk/macros"), macros),
        Page::new("macro", "canned_replies/form.html", at("/desk/macros/1"), edit("macros")),
        Page::new("canned-replies", "canned_replies/list.html", at("/desk/canned-replies"), canned),
        Page::new(
            "canned-empty",
            "canned_replies/list.html",
            at("/desk/canned-replies"),
            List { tab: "canned".into(), rows: vec![] },
        ),
        Page::new("canned-reply", "canned_replies/form.html", at("/desk/canned-replies/1"), wrong),
    ]
}
