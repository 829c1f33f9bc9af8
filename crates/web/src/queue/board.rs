//! `GET /desk/board`: the same tickets in a column for each status; a card is moved by dragging, by key, or by its form.

use axum::extract::State;
use base::{Id, Kind, Result, Role};
use db::Read;
use desk::tickets::{self, Assignee, Status, Ticket, TicketFilter, TicketPatch, counts, tags};
use identity::Staff;
use serde::Deserialize;

use super::{
    asked::Asked,
    filters::{self, Offers},
    views::{Board, Card, Column},
};
use crate::{
    help::pages::{form_key, page_form},
    http::{
        app::App,
        extract::{At, Params, Payload, StaffCaller},
        failure::Outcome,
        page::{Look, done, local, page, told},
    },
    kit::chrome::Tone,
    tickets::{around, pages::rows},
};

/// The columns, in the order work goes. What is closed is in the list.
const COLUMNS: [Status; 5] =
    [Status::New, Status::Open, Status::InProgress, Status::PendingCustomer, Status::Resolved];
/// Cards of a column; the rest is a list.
const CARDS: u32 = 30;

pub async fn show(
    State(app): State<App>,
    look: Look,
    who: StaffCaller,
    Params(asked): Params<Asked>,
) -> Outcome {
    let locale = look.locale().to_owned();
    // The columns are the view.
    let asked = Asked { view: Some("all".into()), status: None, order: None, cursor: None, q: None, ..asked };
    let view = app.read(who.caller.scope(), move |read| view(read, &who, &asked, &locale)).await?;
    page(&app, &look, "queue/board.html", view).await
}

fn view(read: &Read<'_>, who: &StaffCaller, asked: &Asked, locale: &str) -> Result<Board> {
    let staff = &who.staff;
    let offers = Offers::read(read)?;
    let filter = TicketFilter { snoozed: Some(false), ..asked.filter(read, staff, CARDS)? };
    let own = Asked { view: None, ..asked.clone() };
    let columns = COLUMNS
        .iter()
        .map(|status| column(read, who, asked, &filter, *status, &offers))
        .collect::<Result<Vec<Column>>>()?;
    Ok(Board {
        filters: filters::chips("/desk/board", &own, |_| None, &offers, locale, false),
        unfiltered_href: (!own.set().is_empty()).then(|| "/desk/board".to_owned()),
        columns,
        list_href: asked.href("/desk", "", None),
        back: own.href("/desk/board", "", None),
        may_create: staff.role != Role::Technician && !staff.read_only,
        idempotency_key: form_key(),
    })
}

fn column(
    read: &Read<'_>,
    who: &StaffCaller,
    asked: &Asked,
    filter: &TicketFilter,
    status: Status,
    offers: &Offers,
) -> Result<Column> {
    let (staff, settings) = (&who.staff, &who.caller.tenant.settings);
    let filter = TicketFilter { status: vec![status], ..filter.clone() };
    let (found, more) = tickets::query::list(read, staff, &filter)?;
    let ids: Vec<Id<Ticket>> = found.iter().map(|t| t.id).collect();
    let mut tags = tags::of(read, &ids)?;
    let mut rows = rows(read, &found, &offers.names)?;
    let from = around::from_board(&Asked { view: None, ..asked.clone() });
    for row in &mut rows {
        row.href.push_str(&from);
    }
    let cards = found
        .iter()
        .zip(rows)
        .map(|(t, ticket)| Card {
            ticket,
            version: t.version,
            tags: tags.remove(&t.id).unwrap_or_default(),
            moves: if t.check_may_change(staff, settings).is_ok() { moves(t.status) } else { Vec::new() },
        })
        .collect();
    let list = Asked { view: Some("all".into()), ..asked.clone() };
    Ok(Column {
        status: status.to_string(),
        count: if more {
            count(read, staff, &filter, status)?
        } else {
            u32::try_from(found.len()).unwrap_or(0)
        },
        more_href: more.then(|| list.href("/desk", "status", Some(status.as_str()))),
        cards,
    })
}

fn moves(from: Status) -> Vec<String> {
    let to = COLUMNS.iter().filter(|to| from.moves().contains(to));
    to.map(ToString::to_string).collect()
}

/// By the counters where they know it, else by index up to a cap.
fn count(read: &Read<'_>, staff: &Staff, filter: &TicketFilter, status: Status) -> Result<u32> {
    let plain = filter.priority.is_empty()
        && filter.category.is_empty()
        && filter.channel.is_empty()
        && filter.tag.is_empty()
        && staff.role.sees_all_tickets();
    if !plain {
        return tickets::query::count(read, staff, filter, 999);
    }
    let wanted = |assigned: Option<_>| {
        filter.assigned_to.is_empty()
            || filter.assigned_to.iter().any(|a| match a {
                Assignee::Nobody => assigned.is_none(),
                Assignee::User(id) => assigned == Some(*id),
            })
    };
    let sums = counts::sums(read)?;
    let sum: i64 = sums
        .into_iter()
        .filter(|(b, _)| b.status == status && !b.is_snoozed && wanted(b.assigned_to))
        .filter(|(b, _)| filter.team.is_empty() || b.team_id.is_some_and(|t| filter.team.contains(&t)))
        .map(|(_, n)| n)
        .sum();
    Ok(u32::try_from(sum).unwrap_or(0))
}

#[derive(Deserialize)]
pub struct CardAt {
    id: Id<Ticket>,
}

/// A card goes to another column.
pub async fn move_to(
    State(app): State<App>,
    look: Look,
    who: StaffCaller,
    At(at): At<CardAt>,
    payload: Payload,
) -> Outcome {
    let form = page_form(&app, &who.caller, payload).await?;
    let back = local(form.get("back"), "/desk/board");
    let patch = (|| -> Result<TicketPatch> {
        let status =
            form.get("status").unwrap_or_default().parse::<Status>().map_err(|e| e.on_field("status"))?;
        Ok(TicketPatch {
            status: Some(status),
            expected_version: crate::tickets::ticket_page::version(&form)?,
            ..TicketPatch::default()
        })
    })();
    let (settings, staff) = (who.caller.tenant.settings.clone(), who.staff.clone());
    let moved = match patch {
        Ok(patch) => {
            app.write(who.caller.scope(), move |tx| tickets::change(tx, &settings, &staff, at.id, patch))
                .await
        }
        Err(error) => Err(error),
    };
    match moved {
        Ok(_) => Ok(done(&back, "flash-saved", look.locale())),
        Err(error)
            if matches!(error.kind(), Kind::Invalid | Kind::Conflict | Kind::Stale | Kind::Forbidden) =>
        {
            Ok(told(&back, Tone::Bad, error.plain_message()))
        }
        Err(error) => Err(error.into()),
    }
}
