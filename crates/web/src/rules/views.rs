use base::Timestamp;
use serde::Serialize;

use crate::kit::{
    forms::{Choice, Problem},
    lists::Pager,
};

/// A rule in words.
#[derive(Debug, Default, Clone, Serialize)]
pub struct Sentence {
    pub when: String,
    pub all: Vec<String>,
    pub any: Vec<String>,
    pub then: Vec<String>,
}

/// `rules/list.html`, `GET /admin/rules`. Buttons of a row: `POST …/{id}/enable`, `…/disable`, `…/up`, `…/down`.
#[derive(Debug, Default, Serialize)]
pub struct List {
    pub rules: Vec<Row>,
}

#[derive(Debug, Default, Serialize)]
pub struct Row {
    pub id: String,
    pub name: String,
    pub sentence: Sentence,
    pub enabled: bool,
    pub last_fired_at: Option<Timestamp>,
    /// 1000 stands for more than 999.
    pub fired_count: u32,
    pub is_first: bool,
    pub is_last: bool,
}

/// `rules/form.html`, `GET|POST /admin/rules/new` and `/admin/rules/{id}/edit`.
///
/// Fields: `name, version, enabled, kind` (`event`, `time`), `events` (as often as wanted), `anchor, amount, unit, side,
/// status`; of each row `all[0].field, all[0].op, all[0].value` (as often as wanted), the same with `any`, and
/// `actions[0].action, actions[0].value`. `do` says what the button means: `save`, `try`, `refresh`, `add_all`, `add_any`,
/// `add_action` (of the kind chosen in `new_all`, `new_any`, `new_action`) or `remove all[0]`. All but `save` answer with
/// the form as it is then.
#[derive(Debug, Default, Serialize)]
pub struct Form {
    pub id: Option<String>,
    pub version: i64,
    pub name: String,
    pub enabled: bool,
    pub kind: String,
    pub events: Vec<Choice>,
    pub anchors: Vec<Choice>,
    pub amount: String,
    pub units: Vec<Choice>,
    pub sides: Vec<Choice>,
    pub statuses: Vec<Choice>,
    pub groups: Vec<Group>,
    pub actions: Vec<Part>,
    pub new_actions: Vec<Choice>,
    pub days: Vec<Choice>,
    pub problems: Vec<Problem>,
    /// What it would do, when that was asked.
    pub tried: Option<Tried>,
}

#[derive(Debug, Default, Serialize)]
pub struct Group {
    /// `all` or `any`.
    pub key: String,
    pub conditions: Vec<Part>,
    /// Fields a condition can be added about.
    pub fields: Vec<Choice>,
}

/// A row: a condition or an action.
#[derive(Debug, Default, Serialize)]
pub struct Part {
    /// `all[0]`, `actions[2]`.
    pub at: String,
    /// Wire word of the field or action.
    pub word: String,
    pub label: String,
    pub ops: Vec<Choice>,
    /// `chips` (several of `choices`), `select` (one), `text`, `number`, `markdown` or `nothing`.
    pub control: String,
    pub choices: Vec<Choice>,
    pub value: String,
    pub hint: String,
}

/// What a rule would do.
#[derive(Debug, Default, Serialize)]
pub struct Tried {
    pub looked_at: u32,
    pub matched: u32,
    pub is_capped: bool,
    pub items: Vec<Would>,
    pub pager: Pager,
}

#[derive(Debug, Default, Serialize)]
pub struct Would {
    pub href: String,
    pub number: String,
    pub subject: String,
    pub created_at: Timestamp,
    pub matches: bool,
    pub conditions: Vec<Looked>,
    pub actions: Vec<String>,
}

/// A condition with what was there.
#[derive(Debug, Default, Serialize)]
pub struct Looked {
    pub holds: bool,
    pub text: String,
    /// What it was; none where that is not kept.
    pub actual: Option<String>,
}

/// `rules/rule.html`, `GET /admin/rules/{id}`: what it does and what it did. Buttons as in the list, and `…/delete`.
#[derive(Debug, Default, Serialize)]
pub struct Rule {
    pub id: String,
    pub name: String,
    pub sentence: Sentence,
    pub enabled: bool,
    pub active_since: Option<Timestamp>,
    pub last_fired_at: Option<Timestamp>,
    pub fired_count: u32,
    /// Key, whether it is shown now.
    pub outcomes: Vec<(String, bool)>,
    pub runs: Vec<Run>,
    pub pager: Pager,
}

#[derive(Debug, Default, Serialize)]
pub struct Run {
    pub rule_href: String,
    pub rule_name: String,
    pub ticket_href: String,
    pub ticket_number: String,
    /// `fired, not_fired, stopped, failed`.
    pub outcome: String,
    pub reason: Option<String>,
    pub started_by: String,
    pub conditions: Vec<Looked>,
    pub actions: Vec<String>,
    pub created_at: Timestamp,
}

/// `rules/dry_run.html`, `GET /admin/rules/{id}/dry-run?days=30` or `?ticket=SUP-00042`.
#[derive(Debug, Default, Serialize)]
pub struct DryRun {
    pub id: String,
    pub name: String,
    pub sentence: Sentence,
    pub days: Vec<Choice>,
    pub ticket: String,
    pub tried: Option<Tried>,
    pub problems: Vec<Problem>,
}

/// `rules/ticket.html`, `GET /desk/tickets/{id}/rules`.
#[derive(Debug, Default, Serialize)]
pub struct TicketRuns {
    pub id: String,
    pub number: String,
    pub subject: String,
    /// Whether rules lead somewhere for this reader.
    pub is_admin: bool,
    pub runs: Vec<Run>,
    pub pager: Pager,
}
