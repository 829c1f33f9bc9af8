use base::Timestamp;
use serde::Serialize;

use crate::kit::{
    forms::{Choice, Problem},
    lists::Pager,
};

/// `webhooks/list.html`, `GET /admin/webhooks`.
#[derive(Debug, Default, Serialize)]
pub struct List {
    pub webhooks: Vec<Row>,
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub id: String,
    pub name: String,
    pub url: String,
    pub topics: Vec<String>,
    /// `on, failing, off`.
    pub state: String,
}

/// `webhooks/form.html`, `GET|POST /admin/webhooks/new` and `/admin/webhooks/{id}/edit`. Fields `name, url, topics`
/// (as often as wanted) and, when it is changed, `version`.
#[derive(Debug, Default, Serialize)]
pub struct Form {
    pub id: Option<String>,
    pub version: i64,
    pub name: String,
    pub url: String,
    pub topics: Vec<Choice>,
    pub problems: Vec<Problem>,
}

/// `webhooks/webhook.html`, `GET /admin/webhooks/{id}`: how it stands and its deliveries. Buttons: `POST …/enable`,
/// `…/disable`, `…/test`, `…/rotate` and `…/delete` (both ask first), and `…/replay` with the field `hours`.
/// After making it and after a rotation the page is the answer, with `secret` set: the secret is shown once.
#[derive(Debug, Default, Serialize)]
pub struct Webhook {
    pub id: String,
    pub name: String,
    pub url: String,
    pub topics: Vec<String>,
    pub state: String,
    /// `by_hand, gone, failing` when it is off.
    pub reason: Option<String>,
    pub failing_since: Option<Timestamp>,
    pub previous_secret_until: Option<Timestamp>,
    pub secret: Option<String>,
    /// Key, whether it is shown now.
    pub states: Vec<(String, bool)>,
    pub deliveries: Vec<Delivery>,
    pub pager: Pager,
    /// Choices of `hours`.
    pub spans: Vec<Choice>,
}

#[derive(Debug, Default, Serialize)]
pub struct Delivery {
    pub id: String,
    pub topic: String,
    /// `pending, delivered, failed, cancelled`.
    pub state: String,
    pub status: Option<u32>,
    pub error: Option<String>,
    pub attempts: u32,
    pub created_at: Timestamp,
    pub next_attempt_at: Option<Timestamp>,
}

/// `webhooks/delivery.html`, `GET /admin/webhooks/{id}/deliveries/{delivery}`. `POST …/replay` delivers it once more.
#[derive(Debug, Default, Serialize)]
pub struct DeliveryPage {
    pub webhook_id: String,
    pub webhook_name: String,
    pub delivery: Delivery,
    pub message_id: String,
    pub body: String,
    pub log: Vec<Attempt>,
    pub can_replay: bool,
}

#[derive(Debug, Serialize)]
pub struct Attempt {
    pub number: u32,
    pub started_at: Timestamp,
    pub duration_ms: i64,
    pub status: Option<u32>,
    pub error: Option<String>,
    pub answer: String,
}
