//! `GET /desk`.

use axum::{extract::State, http::StatusCode};
use base::{Id, Result};
use db::Read;
use desk::tickets::{self, Ticket, tags};
use identity::Staff;

use super::{
    asked::Asked,
    bar,
    filters::{self, Offers},
    views::{Line, List, Saving},
};
use crate::{
    http::{
        app::App,
        extract::{Params, StaffCaller},
        failure::Outcome,
        page::{Look, page_with},
    },
    kit::lists::Pager,
    tickets::{
        around,
        found::{self, Searched},
        pages::{marked, rows},
        views::Row,
    },
};

/// Tickets on a page.
const PAGE: u32 = 50;

pub async fn show(
    State(app): State<App>,
    look: Look,
    who: StaffCaller,
    Params(asked): Params<Asked>,
) -> Outcome {
    let (staff, locale) = (who.staff.clone(), look.locale().to_owned());
    let view = app.read(who.caller.scope(), move |read| view(read, &staff, &asked, &locale)).await?;
    let refused = view.searched.as_ref().is_some_and(|s| s.problem.is_some());
    let code = if refused { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    page_with(&app, &look, "queue/list.html", view, code).await
}

/// What of the list is shown, and what is known of the rest.
#[derive(Default)]
struct Shown {
    lines: Vec<Line>,
    next: Option<String>,
    total: Option<u32>,
    searched: Option<Searched>,
}

fn view(read: &Read<'_>, staff: &Staff, asked: &Asked, locale: &str) -> Result<List> {
    let saved = asked.saved(read, staff)?;
    let offers = Offers::read(read)?;
    let shown = shown(read, staff, asked, &offers, locale)?;
    let of_saved = |name: &str| saved.as_ref().and_then(|v| v.query.get(name).cloned());
    // All that match, when they are more than can be ticked here. The number is the one on top of the page.
    let is_more = shown.next.is_some() || shown.total.is_some_and(|n| n as usize > shown.lines.len());
    let counted = shown.total.map(|n| if n > 999 { "999+".to_owned() } else { n.to_string() });
    let counted = counted.or_else(|| shown.searched.as_ref().map(|s| s.count.clone())).unwrap_or_default();
    let all = is_more.then_some(counted);
    let is_refused = shown.searched.as_ref().is_some_and(|s| s.problem.is_some());
    Ok(List {
        view_key: if shown.searched.is_some() && saved.is_none() {
            "search".into()
        } else {
            asked.view_key().to_owned()
        },
        q: asked.q.clone().unwrap_or_default(),
        filters: filters::chips("/desk", asked, of_saved, &offers, locale, true),
        unfiltered_href: (!asked.set().is_empty())
            .then(|| Asked { view: asked.view.clone(), ..Asked::default() }.href("/desk", "", None)),
        sorts: filters::sorts(asked, of_saved("order").as_deref(), locale),
        pager: Pager {
            first_href: asked.cursor.as_ref().map(|_| asked.href("/desk", "", None)),
            next_href: shown.next.map(|c| asked.href("/desk", "cursor", Some(&c))),
            total: shown.total,
        },
        bar: bar::bar(read, staff, asked, &offers, all, locale)?,
        // What is not understood is nothing to keep.
        saving: if is_refused {
            Saving::default()
        } else {
            bar::saving(staff, saved.as_ref(), asked, &offers, locale)
        },
        saved: saved.as_ref().map(|v| bar::saved(staff, v, asked, &offers, locale)),
        board_href: board_href(asked),
        tickets: shown.lines,
        searched: shown.searched,
    })
}

/// The same filters on the board, which has a column for each status.
fn board_href(asked: &Asked) -> String {
    Asked { view: None, status: None, q: None, order: None, cursor: None, ..asked.clone() }.href(
        "/desk/board",
        "",
        None,
    )
}

fn shown(read: &Read<'_>, staff: &Staff, asked: &Asked, offers: &Offers, locale: &str) -> Result<Shown> {
    let filter = match asked.filter(read, staff, PAGE) {
        Ok(filter) => filter,
        // Words of a search that cannot be understood are explained on the page; other nonsense is a plain error.
        Err(error) if asked.q.is_some() => {
            return Ok(Shown { searched: Some(Searched::refused(error)?), ..Shown::default() });
        }
        Err(error) => return Err(error),
    };
    if filter.q.is_some() {
        let found = match tickets::search::search(read, staff, &filter) {
            Ok(found) => found,
            Err(error) => return Ok(Shown { searched: Some(Searched::refused(error)?), ..Shown::default() }),
        };
        let mut list = marked(read, staff, rows(read, &found.tickets, &offers.names)?)?;
        for (row, highlights) in list.iter_mut().zip(found::of_staff(read, &found)?) {
            row.highlights = Some(highlights);
        }
        beside(&mut list, asked);
        return Ok(Shown {
            lines: lines(read, &found.tickets, list)?,
            next: found.next.map(|c| c.to_string()),
            total: None,
            searched: Some(Searched::of(&found.facts, locale)),
        });
    }
    let (found, more) = tickets::query::list(read, staff, &filter)?;
    let next = found.last().filter(|_| more).map(|t| filter.sort.cursor_after(t).to_string());
    let total = match filter.cursor {
        None => Some(tickets::query::count(read, staff, &filter, 999)?),
        Some(_) => None,
    };
    let mut list = marked(read, staff, rows(read, &found, &offers.names)?)?;
    beside(&mut list, asked);
    Ok(Shown { lines: lines(read, &found, list)?, next, total, searched: None })
}

/// A ticket opened from here has this list beside it.
fn beside(rows: &mut [Row], asked: &Asked) {
    let from = around::from_list(asked);
    for row in rows {
        row.href.push_str(&from);
    }
}

fn lines(read: &Read<'_>, found: &[Ticket], rows: Vec<Row>) -> Result<Vec<Line>> {
    let ids: Vec<Id<Ticket>> = found.iter().map(|t| t.id).collect();
    let mut tags = tags::of(read, &ids)?;
    Ok(found
        .iter()
        .zip(rows)
        .map(|(t, ticket)| Line { ticket, tags: tags.remove(&t.id).unwrap_or_default() })
        .collect())
}
