use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::{Error, Id, Kind};
use desk::tickets::{self, Ticket, TicketFilter, query};
use serde::Deserialize;

use super::views;
use crate::{
    http::{
        app::App,
        extract::{At, Params, Payload},
        failure::Outcome,
        page::{form, told},
        person::{AdminPage, Button, href},
    },
    kit::chrome::Tone,
};

const HOME: &str = "/admin/deleted-tickets";
const PAGE: u32 = 50;

pub fn routes() -> Router<App> {
    Router::new().route(HOME, get(list)).route("/admin/deleted-tickets/{id}/restore", post(restore))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Query {
    cursor: String,
}

async fn list(State(app): State<App>, who: AdminPage, Params(query): Params<Query>) -> Outcome {
    let cursor = (!query.cursor.is_empty()).then(|| query.cursor.parse()).transpose()?;
    let staff = who.caller.principal.staff().ok_or_else(|| Error::bug("an administrator is staff"))?;
    let (found, next) = app
        .read(who.scope(), move |read| {
            let filter = TicketFilter { deleted: true, limit: PAGE, cursor, ..TicketFilter::default() };
            let (found, more) = query::list(read, &staff, &filter)?;
            let next = found.last().filter(|_| more).map(|t| filter.sort.cursor_after(t).to_string());
            Ok((found, next))
        })
        .await?;
    let view = views::Deleted {
        tickets: found.into_iter().map(tombstone).collect(),
        retention_days: who.caller.tenant.settings.deleted_retention_days,
        next_href: next.map(|c| href(HOME, &[("cursor", &c)])),
    };
    who.show(&app, "tidying/deleted.html", view).await
}

fn tombstone(t: Ticket) -> views::Tombstone {
    views::Tombstone {
        id: t.id.to_string(),
        number: t.ticket_number,
        subject: t.subject,
        requester: t.user_email,
        deleted_at: t.deleted_at,
        deleted_by: t.updated_by,
    }
}

async fn restore(
    State(app): State<App>,
    who: AdminPage,
    At(id): At<Id<Ticket>>,
    payload: Payload,
) -> Outcome {
    let Button { .. } = form(&app, &who.caller, payload).await?;
    let staff = who.caller.principal.staff().ok_or_else(|| Error::bug("an administrator is staff"))?;
    match app.write(who.scope(), move |tx| tickets::restore(tx, &staff, id)).await {
        Ok(t) => who.done(format!("/desk/tickets/{}", t.id), "deleted-restored"),
        Err(error) if error.kind() == Kind::Conflict => Ok(told(HOME, Tone::Bad, error.plain_message())),
        Err(error) => Err(error.into()),
    }
}
