//! Mail channels over HTTP: their API and their pages.
//!
//! | file | what it holds |
//! |---|---|
//! | `api`, `pages` | channels |
//! | `mailbox_pages` | a mailbox with a password |
//! | `connect_pages` | a mailbox that somebody signs in to at its provider, and coming back from there |
//! | `outgoing_pages`, `outgoing_api` | the mail server its letters leave through |
//! | `sent_pages` | its folder of sent mail |
//! | `provider_pages`, `providers_api` | who a business is at its providers |

pub mod api;
mod connect_pages;
mod mailbox_pages;
mod outgoing_api;
mod outgoing_pages;
pub mod pages;
mod provider_pages;
mod providers_api;
mod sent_pages;
pub mod views;

pub(crate) use api::routes;
