//! Handlers of the notices page.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use desk::intake::waiting;
use notices::inbox;

use super::views;
use crate::{
    http::{
        app::App,
        extract::Payload,
        failure::Outcome,
        page::form,
        person::{Button, StaffPage},
    },
    kit::lists::Pager,
};

const HOME: &str = "/desk/notifications";
/// Older ones are of no use: the tickets themselves say how they stand.
const MOST: u32 = 100;

pub fn routes() -> Router<App> {
    Router::new().route(HOME, get(list)).route("/desk/notifications/read-all", post(read_all))
}

async fn list(State(app): State<App>, who: StaffPage) -> Outcome {
    let (user, is_admin) = (who.user.id, who.user.role.is_admin());
    let notices = app.read(who.scope(), move |read| inbox::latest(read, user, MOST)).await?;
    let view = views::List {
        any_unread: notices.iter().any(|n| n.read_at.is_none()),
        notices: notices
            .into_iter()
            .map(|n| views::Notice {
                id: n.id.to_string(),
                href: match (n.ticket_id, n.kind.as_str()) {
                    (Some(ticket), _) => format!("/desk/tickets/{ticket}"),
                    (None, "tickets_new") => "/desk?view=unassigned".into(),
                    (None, "webhook_off") => "/admin/webhooks".into(),
                    (None, waiting::TOLD_OF_QUARANTINE) if is_admin => {
                        "/admin/mails?state=quarantined".into()
                    }
                    (None, waiting::TOLD_OF_FAILED) if is_admin => "/admin/mails?state=failed".into(),
                    (None, _) => "/desk".into(),
                },
                title: n.title,
                text: None,
                unread: n.read_at.is_none(),
                created_at: n.created_at,
            })
            .collect(),
        pager: Pager::default(),
    };
    who.show(&app, "notifications/list.html", view).await
}

async fn read_all(State(app): State<App>, who: StaffPage, payload: Payload) -> Outcome {
    let Button { .. } = form(&app, &who.caller, payload).await?;
    let user = who.user.id;
    app.write(who.scope(), move |tx| inbox::mark_all_read(tx, user)).await?;
    who.done(HOME, "notices-are-read")
}
