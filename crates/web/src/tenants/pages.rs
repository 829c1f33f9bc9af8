//! Handlers of the tenants page.

use axum::{Router, extract::State, routing::get};
use base::{Error, Role};

use super::views;
use crate::http::{app::App, failure::Outcome, person::AdminPage};

pub fn routes() -> Router<App> {
    Router::new().route("/admin/tenants", get(list))
}

async fn list(State(app): State<App>, who: AdminPage) -> Outcome {
    if who.user.role != Role::SuperAdmin {
        return Err(Error::forbidden(
            "role.super_admin_only",
            "only a super admin sees the other businesses",
        )
        .into());
    }
    let row = |t: &identity::TenantRecord| views::TenantRow {
        slug: t.slug.clone(),
        name: t.name.clone(),
        host: t.host.clone(),
        created_at: t.created_at,
    };
    let view = views::List { tenants: app.tenants().await?.iter().map(row).collect() };
    who.show(&app, "tenants/list.html", view).await
}
