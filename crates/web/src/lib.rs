//! Pages over HTTP. One folder per feature; what they share is in [`kit`].
//!
//! `views.rs` of a feature holds what its templates are given: plain data, no database types. The doc comment of
//! each view names its template, its address, and the fields of the forms on it, which is the contract of the
//! handlers that read them. Every form carries `csrf`; it is not repeated there.

pub mod account;
pub mod admin;
pub mod api_keys;
pub mod articles;
pub mod audit;
pub mod auth;
pub mod bulk;
pub mod categories;
pub mod channels;
pub mod composing;
pub mod customers;
pub mod docs;
pub mod errors;
pub mod help;
pub mod http;
pub mod intake;
pub mod jobs;
pub mod kit;
pub mod letters;
pub mod live;
pub mod macros;
pub mod notifications;
pub mod outbox;
pub mod queue;
pub mod reports;
pub mod rules;
pub mod saved_views;
pub mod settings;
pub mod teams;
pub mod tenants;
pub mod tickets;
pub mod tidying;
pub mod users;
pub mod webhooks;

pub use http::{
    app::{App, WebConfig},
    server::service,
};

/// Every page behind the layer that identifies callers.
pub(crate) fn pages() -> axum::Router<App> {
    axum::Router::new()
        .merge(auth::pages::routes())
        .merge(help::pages::routes())
        .merge(tickets::pages::routes())
        .merge(live::routes())
        .merge(account::pages::routes())
        .merge(account::preferences::routes())
        .merge(api_keys::pages::routes())
        .merge(articles::page_routes())
        .merge(audit::pages::routes())
        .merge(bulk::pages::routes())
        .merge(categories::pages::routes())
        .merge(channels::pages::routes())
        .merge(customers::pages::routes())
        .merge(intake::pages::routes())
        .merge(jobs::pages::routes())
        .merge(letters::pages::routes())
        .merge(macros::pages::routes())
        .merge(notifications::pages::routes())
        .merge(outbox::pages::routes())
        .merge(queue::routes())
        .merge(account::away::routes())
        .merge(reports::pages::routes())
        .merge(rules::pages::routes())
        .merge(saved_views::pages::routes())
        .merge(settings::pages::routes())
        .merge(teams::pages::routes())
        .merge(tenants::pages::routes())
        .merge(tidying::routes())
        .merge(users::pages::routes())
        .merge(webhooks::pages::routes())
}

/// The page of an empty installation, which belongs to no tenant yet.
pub(crate) fn first_run() -> axum::Router<App> {
    auth::first_run::routes()
}
