//! What the queue's templates are given. Keys (status, priority, …) are wire names; templates put words to them.

use serde::Serialize;

use crate::{
    kit::{
        forms::Choice,
        lists::{Filter, Pager, SortLink},
    },
    tickets::{found::Searched, views::Row},
};

/// `queue/list.html`, `GET /desk`. The view's words (title, empty state) go by `view_key`:
/// `inbox, mine, unassigned, overdue, waiting, snoozed, resolved, all, search`; a saved view's by `saved`.
#[derive(Debug, Default, Serialize)]
pub struct List {
    pub view_key: String,
    pub saved: Option<Saved>,
    /// What was typed to search by.
    pub q: String,
    pub filters: Vec<Filter>,
    /// Where nothing is filtered; none when nothing is.
    pub unfiltered_href: Option<String>,
    /// Columns that can be ordered by, keys `priority, due_at, last_message_at`; others are plain.
    pub sorts: Vec<SortLink>,
    pub tickets: Vec<Line>,
    pub pager: Pager,
    /// Only of a search.
    pub searched: Option<Searched>,
    /// None for who may not change many tickets at once.
    pub bar: Option<Bar>,
    pub saving: Saving,
    pub board_href: String,
}

/// A saved view, as its page offers it. Forms: `POST /desk/views/{id}`: `name, sharing, filter.*`;
/// `POST /desk/views/{id}/delete`.
#[derive(Debug, Serialize)]
pub struct Saved {
    pub id: String,
    pub name: String,
    pub may_change: bool,
    /// Other filters than the saved ones are set: they can be kept.
    pub is_changed: bool,
    /// `personal`, a team's id, `all`.
    pub sharing: Vec<Choice>,
    /// What the view would ask for if it were kept as it is shown.
    pub query: Vec<(String, String)>,
}

/// `POST /desk/views`: `name, sharing, filter.*, back`.
#[derive(Debug, Default, Serialize)]
pub struct Saving {
    /// Something is filtered, so there is something to save.
    pub is_offered: bool,
    pub sharing: Vec<Choice>,
    pub query: Vec<(String, String)>,
    pub back: String,
}

/// The bar of the selection, `POST /desk/bulk`: `ids*` or `all=true` with `filter.*`, and what to change:
/// `status, close_reason, priority, assigned_to, team_id, add_tags, remove_tags, merge_into, tell_customer`, or `macro` alone;
/// besides `back, idempotency_key`.
#[derive(Debug, Default, Serialize)]
pub struct Bar {
    pub statuses: Vec<Choice>,
    pub priorities: Vec<Choice>,
    pub assignees: Vec<Choice>,
    /// Empty when the tenant has no teams.
    pub teams: Vec<Choice>,
    /// Each is applied alone.
    pub macros: Vec<Choice>,
    /// The list as `filter.*`, for all that match; `view` among them.
    pub query: Vec<(String, String)>,
    /// How many match when they are more than this page shows: `147`, `999+`; empty when nobody knows.
    pub all: Option<String>,
    pub back: String,
    pub idempotency_key: String,
}

/// `queue/board.html`, `GET /desk/board`. Form of each card: `POST /desk/board/{id}`: `status, version, back`. Form for a
/// new ticket: `POST /desk/tickets/new`: `email, subject, body, idempotency_key`.
#[derive(Debug, Default, Serialize)]
pub struct Board {
    pub filters: Vec<Filter>,
    pub unfiltered_href: Option<String>,
    pub columns: Vec<Column>,
    pub list_href: String,
    pub back: String,
    pub may_create: bool,
    pub idempotency_key: String,
}

#[derive(Debug, Default, Serialize)]
pub struct Column {
    pub status: String,
    /// How many there are; 1000 stands for more than 999.
    pub count: u32,
    /// The list of those that are not shown; none when all are.
    pub more_href: Option<String>,
    pub cards: Vec<Card>,
}

#[derive(Debug, Serialize)]
pub struct Card {
    pub ticket: Row,
    pub version: i64,
    pub tags: Vec<desk::tickets::tags::Tag>,
    /// The other columns it may go to.
    pub moves: Vec<String>,
}

/// A row of the list.
#[derive(Debug, Serialize)]
pub struct Line {
    #[serde(flatten)]
    pub ticket: Row,
    pub tags: Vec<desk::tickets::tags::Tag>,
}
