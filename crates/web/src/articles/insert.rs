//! An article in an answer: found from the composer, put at the end of its draft as a link or as text. With JavaScript the
//! same page stands in a dialog and what is chosen goes where the caret is.

use axum::{
    Router,
    extract::State,
    response::{IntoResponse as _, Redirect},
    routing::{get, post},
};
use base::{Error, Id, Result};
use db::Read;
use desk::{
    Ticket,
    articles::{
        Visibility,
        portal::{self, Reach, Reader},
        search,
    },
    composing::drafts::{self, Written},
    tickets,
};
use serde::Deserialize;

use super::{pages::line, reader::Asking, views};
use crate::{
    composing::pages::keep_draft,
    help::pages::page_form,
    http::{
        app::App,
        extract::{At, Params, Payload, StaffCaller},
        failure::Outcome,
        page::{done, form},
        person::StaffPage,
    },
};

const MOST: usize = 8;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/desk/tickets/{id}/articles", get(choose).post(open))
        .route("/desk/tickets/{id}/articles/insert", post(insert))
}

#[derive(Deserialize)]
struct TicketAt {
    id: Id<Ticket>,
}

/// The button of the composer: what is typed is kept, then something is chosen.
async fn open(
    State(app): State<App>,
    who: StaffCaller,
    person: StaffPage,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome {
    find(&app, &person, at.id).await?;
    let form = page_form(&app, &who.caller, payload).await?;
    keep_draft(&app, &who, at.id, form).await?;
    Ok(Redirect::to(&format!("/desk/tickets/{}/articles", at.id)).into_response())
}

async fn find(app: &App, who: &StaffPage, id: Id<Ticket>) -> Result<Ticket> {
    let staff = who.staff.clone();
    app.read(who.scope(), move |read| tickets::query::get_for_staff(read, &staff, id)).await
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    q: String,
}

/// What the customer can read once they are signed in; drafts are no answer to anybody.
fn reader(asking: &Asking, who: &StaffPage) -> Reader {
    Reader { reach: Reach::Member, ..asking.reader(&who.caller) }
}

fn link(base: &str, page: &portal::Heading) -> String {
    // A bracket would end the link's text.
    let title = page.title.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]");
    format!("[{title}]({base}/help/articles/{})", page.slug)
}

fn rows(read: &Read<'_>, reader: &Reader, q: &str, base: &str) -> Result<Vec<views::Insertable>> {
    let results = if q.is_empty() {
        search::Results { headings: portal::all(read, reader)?, ..search::Results::default() }
    } else {
        search::search(read, reader, q)?
    };
    let shown: Vec<portal::Heading> = results.headings.iter().take(MOST).cloned().collect();
    search::marked(read, reader, &results, &shown)?
        .into_iter()
        .map(|f| {
            Ok(views::Insertable {
                link: link(base, &f.heading),
                text: portal::body(read, reader, &f.heading)?,
                for_members: f.heading.visibility == Visibility::SignedIn,
                name: f.heading.title,
                slug: f.heading.slug,
                title: f.title,
                snippet: f.snippet,
            })
        })
        .collect()
}

async fn choose(
    State(app): State<App>,
    who: StaffPage,
    asking: Asking,
    At(at): At<TicketAt>,
    Params(asked): Params<Asked>,
) -> Outcome {
    let ticket = find(&app, &who, at.id).await?;
    let (reader, q) = (reader(&asking, &who), line(&asked.q));
    let base = app.config().links.base(&who.caller.tenant);
    let view = app
        .read(who.scope(), move |read| {
            Ok(views::Insert {
                ticket_id: at.id.to_string(),
                ticket_number: ticket.ticket_number,
                rows: rows(read, &reader, &q, &base)?,
                q,
            })
        })
        .await?;
    who.show(&app, "articles/insert.html", view).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    slug: String,
    how: String,
}

async fn insert(
    State(app): State<App>,
    who: StaffPage,
    asking: Asking,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome {
    find(&app, &who, at.id).await?;
    let chosen: Chosen = form(&app, &who.caller, payload).await?;
    let (reader, staff) = (reader(&asking, &who), who.staff.clone());
    let base = app.config().links.base(&who.caller.tenant);
    app.write(who.scope(), move |tx| {
        let page = portal::page(tx, &reader, &chosen.slug)?;
        let text = match chosen.how.as_str() {
            "link" => link(&base, &page.heading),
            "text" => page.body,
            _ => return Err(Error::field("how", "article.how", "link or text")),
        };
        let draft = drafts::find(tx, &staff, at.id, None)?;
        let (kind, status) =
            draft.as_ref().map_or(("reply".to_owned(), None), |d| (d.kind.clone(), d.status));
        let body = match draft.as_ref().map_or("", |d| d.body.trim_end()) {
            "" => text,
            begun => format!("{begun}\n\n{text}"),
        };
        drafts::keep(tx, &staff, at.id, Written { kind, body, status }).map(|_| ())
    })
    .await?;
    Ok(done(&format!("/desk/tickets/{}#reply", at.id), "flash-inserted", who.look.locale()))
}
