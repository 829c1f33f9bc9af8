//! Keeping the desk tidy: colours of tags, senders who are not heard, deleted tickets that can still come back.

pub mod views;

mod blocked;
mod deleted;
mod tags;

use axum::Router;

use crate::http::app::App;

pub fn routes() -> Router<App> {
    Router::new().merge(blocked::routes()).merge(deleted::routes()).merge(tags::routes())
}
