//! The queue: the list of tickets with its views, filters and selection, and the same tickets as a board.
//!
//! Rule: what is shown is in the address. A view, the filters on top of it, the order and where the list goes on; so a
//! list can be kept, shared and gone back to.

pub mod views;

pub mod asked;
mod bar;
mod board;
mod filters;
mod list;
mod palette;

use axum::{
    Router,
    routing::{get, post},
};

use crate::http::app::App;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/desk", get(list::show))
        .route("/desk/board", get(board::show))
        .route("/desk/board/{id}", post(board::move_to))
        .route("/desk/find", get(palette::find))
}
