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
    tickets::around::Around,
};

const MOST: usize = 8;
/// What an article is for where nothing else is said.
const REPLY: &str = "reply";

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
    around: Around,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome {
    find(&app, &person, at.id).await?;
    let form = page_form(&app, &who.caller, payload).await?;
    let kind = form.get("kind").unwrap_or(REPLY).to_owned();
    keep_draft(&app, &who, at.id, form).await?;
    let from = around.suffix();
    let and = if from.is_empty() { '?' } else { '&' };
    Ok(Redirect::to(&format!("/desk/tickets/{}/articles{from}{and}kind={kind}", at.id)).into_response())
}

/// The ticket's page again, with the draft of this kind.
fn ticket_href(id: Id<Ticket>, around: &Around, kind: &str) -> String {
    let from = around.suffix();
    let and = if from.is_empty() { '?' } else { '&' };
    format!("/desk/tickets/{id}{from}{and}write={kind}#reply")
}

async fn find(app: &App, who: &StaffPage, id: Id<Ticket>) -> Result<Ticket> {
    let staff = who.staff.clone();
    app.read(who.scope(), move |read| tickets::query::get_for_staff(read, &staff, id)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    q: String,
    /// Of the draft it is for.
    kind: String,
    /// The list the ticket stands in, see [`Around`].
    #[serde(rename = "from")]
    _from: Option<String>,
}

impl Default for Asked {
    fn default() -> Self {
        Self { q: String::new(), kind: REPLY.into(), _from: None }
    }
}

fn check_kind(kind: String) -> Result<String> {
    if ["reply", "note"].contains(&&*kind) {
        Ok(kind)
    } else {
        Err(Error::field("kind", "draft.kind", "reply or note"))
    }
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
    around: Around,
    At(at): At<TicketAt>,
    Params(asked): Params<Asked>,
) -> Outcome {
    let ticket = find(&app, &who, at.id).await?;
    let kind = check_kind(asked.kind)?;
    let (reader, q) = (reader(&asking, &who), line(&asked.q));
    let base = app.config().links.base(&who.caller.tenant);
    let view = app
        .read(who.scope(), move |read| {
            Ok(views::Insert {
                ticket_id: at.id.to_string(),
                ticket_number: ticket.ticket_number,
                back_href: ticket_href(at.id, &around, &kind),
                from: around.from(),
                kind,
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
    #[serde(default = "reply")]
    kind: String,
    #[serde(default)]
    from: Option<String>,
}

fn reply() -> String {
    REPLY.into()
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
    let kind = check_kind(chosen.kind)?;
    let to = ticket_href(at.id, &Around::beside(chosen.from.as_deref()), &kind);
    let (reader, staff) = (reader(&asking, &who), who.staff.clone());
    let base = app.config().links.base(&who.caller.tenant);
    app.write(who.scope(), move |tx| {
        let page = portal::page(tx, &reader, &chosen.slug)?;
        let text = match chosen.how.as_str() {
            "link" => link(&base, &page.heading),
            "text" => page.body,
            _ => return Err(Error::field("how", "article.how", "link or text")),
        };
        let draft = drafts::find(tx, &staff, at.id, Some(&kind))?;
        let status = draft.as_ref().and_then(|d| d.status);
        let body = match draft.as_ref().map_or("", |d| d.body.trim_end()) {
            "" => text,
            begun => format!("{begun}\n\n{text}"),
        };
        drafts::keep(tx, &staff, at.id, Written { kind, body, status }).map(|_| ())
    })
    .await?;
    Ok(done(&to, "flash-inserted", who.look.locale()))
}
