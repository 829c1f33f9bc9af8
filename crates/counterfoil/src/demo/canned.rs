//! What the desk of an internet provider keeps to say and do again, and an answer that was begun.

use base::{Result, hours, minutes};
use db::Tx;
use desk::{
    composing::drafts::{self, Written},
    macros::{self, Assign, Kind, MacroChanges, NewMacro, Sharing, TextKind},
    tickets::{self, CloseReason, Priority, Status, TicketFilter},
};
use identity::Staff;

use super::month::Month;

/// Name and text.
const CANNED: [(&str, &str); 8] = [
    (
        "Restart the box",
        "Hello {{customer.first_name}},\n\nplease unplug the box for **one minute** and plug it in again. It needs about three minutes until the light is green.\n\nDoes that help?\n\n{{agent.first_name}}",
    ),
    (
        "Where the invoices are",
        "Hello {{customer.first_name}},\n\nyour invoices are under *Account*, *Invoices*. Each can be downloaded as a PDF.\n\n{{agent.first_name}}, {{tenant.name}}",
    ),
    (
        "Speed test, the right way",
        "Could you measure once more with a cable, with nothing else running, and send us a picture of the result?\n\n1. Plug the computer into the box.\n2. Switch WLAN off.\n3. Measure three times.",
    ),
    (
        "Technician: two dates",
        "We would send somebody between 8 and 12, or between 13 and 17. Which suits you better?",
    ),
    (
        "Moving house",
        "Thank you for telling us early, {{customer.first_name}}. We need the new address, the date of the move, and the number on the socket in the new flat if there is one.",
    ),
    (
        "Sorry for the wait",
        "Hello {{customer.first_name}},\n\nthank you for your patience with {{ticket.number}}. You were right to ask again, and I am sorry that it took so long.",
    ),
    (
        "Direct debit came back",
        "Your bank returned the last debit. Nothing is switched off. Please look whether the account number is still right; we try again in five days.",
    ),
    (
        "Router of your own",
        "A router of your own is welcome. You find the data for it under *Account*, *Connection*.",
    ),
];

fn changes(build: impl FnOnce(&mut MacroChanges)) -> MacroChanges {
    let mut changes = MacroChanges::default();
    build(&mut changes);
    changes
}

/// Keeps them, as the administrator for everybody and one as Ben's own; then uses some, and begins an answer.
pub fn keep(tx: &mut Tx<'_>, month: &Month<'_>) -> Result<()> {
    let staff: Vec<Staff> = month.cast.staff.iter().map(|c| c.staff.clone()).collect();
    let (Some(admin), Some(ben)) = (staff.iter().find(|s| s.is_admin()).cloned(), staff.get(1).cloned())
    else {
        return Ok(());
    };
    let at = month.now - hours(24 * 20);
    let blank = |kind: Kind, name: &str, body: &str| NewMacro {
        kind,
        name: name.into(),
        text_kind: Some(TextKind::Reply),
        body: body.into(),
        changes: MacroChanges::default(),
        sharing: Sharing::Everybody,
        files: Vec::new(),
    };
    let whole = [
        (
            "Outage: known, at work",
            "Hello {{customer.first_name}},\n\nwe know of the outage in your street and are at work on it. You need not do anything; we write again when it is over.\n\n{{agent.first_name}}",
            changes(|c| {
                c.status = Some(Status::PendingCustomer);
                c.priority = Some(Priority::High);
                c.add_tags = vec!["outage".into()];
            }),
        ),
        (
            "Solved on the phone",
            "Thank you for the call, {{customer.first_name}}. As we said, {{ticket.number}} is solved; just answer here should it come back.",
            changes(|c| {
                c.status = Some(Status::Resolved);
                c.assigned_to = Some(Assign::Me);
            }),
        ),
        (
            "Close as duplicate",
            "",
            changes(|c| {
                c.status = Some(Status::Closed);
                c.close_reason = Some(CloseReason::Duplicate);
                c.add_tags = vec!["duplicate".into()];
            }),
        ),
        (
            "Take it, it is urgent",
            "",
            changes(|c| {
                c.assigned_to = Some(Assign::Me);
                c.priority = Some(Priority::Urgent);
            }),
        ),
    ];
    tx.as_of(admin.actor.clone(), at, |tx| {
        for (name, body) in CANNED {
            macros::save(tx, &admin, blank(Kind::CannedReply, name, body))?;
        }
        for (name, body, changes) in whole {
            macros::save(tx, &admin, NewMacro { changes, ..blank(Kind::Macro, name, body) })?;
        }
        Ok(())
    })?;
    tx.as_of(ben.actor.clone(), at, |tx| {
        let own = NewMacro {
            sharing: Sharing::Personal,
            ..blank(Kind::CannedReply, "My signature", "Kind regards\n\n{{agent.name}}\n{{tenant.name}}")
        };
        let own = macros::save(tx, &ben, own)?;
        let inbox = TicketFilter { status: Status::LIVE.to_vec(), limit: 12, ..TicketFilter::default() };
        let (live, _) = tickets::query::list(tx, &ben, &inbox)?;
        let known = macros::visible(tx, &ben, Kind::CannedReply)?;
        for (n, ticket) in live.iter().enumerate() {
            let used = if n % 4 == 3 { own.id } else { known[n * n % known.len()].id };
            macros::insert(tx, &ben, used, ticket.id)?;
        }
        Ok(())
    })?;
    let mine = TicketFilter {
        status: vec![Status::InProgress],
        assigned_to: vec![tickets::Assignee::User(month.cast.staff[1].id)],
        limit: 1,
        ..TicketFilter::default()
    };
    let Some(ticket) = tickets::query::list(tx, &ben, &mine)?.0.into_iter().next() else { return Ok(()) };
    tx.as_of(ben.actor.clone(), month.now - minutes(25), |tx| {
        let body = "Thank you for the picture. I have asked the line team to measure from the cabinet;\n\n"
            .to_owned();
        let written = Written { kind: "reply".into(), body, status: Some(Status::PendingCustomer) };
        drafts::keep(tx, &ben, ticket.id, written).map(|_| ())
    })
}
