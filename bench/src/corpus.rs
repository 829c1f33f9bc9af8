//! What the data set says: two years of a provider's tickets, ten messages each, one ticket in fifty with twenty.
//!
//! Deterministic. The newest twentieth of the tickets is alive; the rest is closed, as in any desk that works.

use uuid::Uuid;

use crate::rows::{Batch, Column};

/// Customers of the data set.
pub const CUSTOMERS: usize = 5_000;
/// A word that one ticket in ten thousand has; every ticket has `router` somewhere.
pub const RARE: &str = "flibbertigibbet";
/// A word that every ticket has.
pub const COMMON: &str = "router";
/// A word that nearly every ticket of the data set has, and none that a run files: what is looked for by it lies behind all
/// that earlier runs filed.
pub const OF_OLD: &str = "cellar";

const WORDS: [&str; 40] = [
    "line",
    "modem",
    "invoice",
    "signal",
    "cable",
    "technician",
    "appointment",
    "speed",
    "evening",
    "contract",
    "router",
    "light",
    "red",
    "green",
    "amber",
    "restart",
    "firmware",
    "address",
    "payment",
    "refund",
    "upstream",
    "packet",
    "loss",
    "ping",
    "antenna",
    "socket",
    "wall",
    "cellar",
    "neighbour",
    "street",
    "cabinet",
    "storm",
    "outage",
    "monday",
    "since",
    "again",
    "slow",
    "telephone",
    "password",
    "portal",
];

/// A stream of numbers that is the same every time.
pub struct Dice(pub u64);
impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides
    }
}

/// An id that sorts by its moment (UUIDv7).
pub fn id(at_us: i64, kind: u8, n: u64) -> Uuid {
    let mut bytes = [0u8; 16];
    bytes[..6].copy_from_slice(&(at_us / 1000).to_be_bytes()[2..]);
    bytes[6] = 0x70 | (kind & 0x0f);
    bytes[7] = ((at_us % 1000) / 4) as u8;
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    Uuid::from_bytes(bytes)
}

fn sentence(dice: &mut Dice, words: usize) -> String {
    let mut out = String::from("The");
    for _ in 0..words {
        out.push(' ');
        out.push_str(WORDS[dice.roll(WORDS.len())]);
    }
    out.push('.');
    out
}

/// What tickets say that are filed while measuring: a dozen words each.
pub fn requests() -> impl Iterator<Item = String> {
    let mut dice = Dice(17);
    (0..500).map(move |_| {
        let mut words = || sentence(&mut dice, 12).replace(OF_OLD, "basement");
        let (subject, text) = (words(), words());
        serde_json::json!({ "subject": subject, "description": text, "category": "technical" }).to_string()
    })
}

/// Whom the data set speaks of.
pub struct Cast {
    pub tenant: Uuid,
    pub customers: Vec<Uuid>,
    pub agents: Vec<Uuid>,
    pub teams: Vec<Uuid>,
    /// Microseconds; the newest ticket is a minute older.
    pub now_us: i64,
}

pub fn customers(cast: &Cast) -> Batch {
    let n = cast.customers.len();
    let born = cast.now_us - 800 * 86_400_000_000;
    Batch {
        table: "customers",
        varies: vec![
            ("tenant_id", Column::Id(vec![Some(cast.tenant); n])),
            ("id", Column::Id(cast.customers.iter().copied().map(Some).collect())),
            ("email", Column::Text((0..n).map(|i| Some(format!("customer{i}@example.org"))).collect())),
            ("email_key", Column::Text((0..n).map(|i| Some(format!("customer{i}@example.org"))).collect())),
            ("name", Column::Text((0..n).map(|i| Some(format!("Customer {i}"))).collect())),
            ("created_at", Column::Time(vec![Some(born); n])),
            ("updated_at", Column::Time(vec![Some(born); n])),
        ],
        same: vec![("internal_notes", "''"), ("version", "1")],
    }
}

/// Tickets `from..to` of `size`, with everything that belongs to them.
pub fn tickets(cast: &Cast, from: usize, to: usize, size: usize) -> Vec<Batch> {
    let mut b = Rows::default();
    for n in from..to {
        one(cast, n, size, &mut b);
    }
    b.batches(cast.tenant)
}

#[derive(Default)]
struct Rows {
    ids: Vec<Option<Uuid>>,
    numbers: Vec<Option<String>>,
    subjects: Vec<Option<String>>,
    texts: Vec<Option<String>>,
    statuses: Vec<Option<String>>,
    priorities: Vec<Option<i64>>,
    categories: Vec<Option<String>>,
    channels: Vec<Option<String>>,
    customers: Vec<Option<Uuid>>,
    emails: Vec<Option<String>>,
    assignees: Vec<Option<Uuid>>,
    teams: Vec<Option<Uuid>>,
    counts: Vec<Option<i64>>,
    public_counts: Vec<Option<i64>>,
    last: Vec<Option<i64>>,
    due: Vec<Option<i64>>,
    answered: Vec<Option<i64>>,
    resolved: Vec<Option<i64>>,
    closed: Vec<Option<i64>>,
    firsts: Vec<Option<Uuid>>,
    created: Vec<Option<i64>>,
    m_ids: Vec<Option<Uuid>>,
    m_tickets: Vec<Option<Uuid>>,
    m_directions: Vec<Option<String>>,
    m_internal: Vec<bool>,
    m_kinds: Vec<Option<String>>,
    m_authors: Vec<Option<Uuid>>,
    m_names: Vec<Option<String>>,
    m_bodies: Vec<Option<String>>,
    m_html: Vec<Option<String>>,
    m_at: Vec<Option<i64>>,
    a_ids: Vec<Option<Uuid>>,
    a_tickets: Vec<Option<Uuid>>,
    a_types: Vec<Option<String>>,
    a_from: Vec<Option<String>>,
    a_to: Vec<Option<String>>,
    a_public: Vec<bool>,
    a_at: Vec<Option<i64>>,
    t_tickets: Vec<Option<Uuid>>,
    t_tags: Vec<Option<String>>,
}

const MINUTE: i64 = 60_000_000;

fn one(cast: &Cast, n: usize, size: usize, b: &mut Rows) {
    let mut dice = Dice(n as u64 * 7919 + 13);
    let span = 730 * 1440 * MINUTE;
    let created = cast.now_us - MINUTE - span + span / size as i64 * n as i64;
    let ticket = id(created, 1, n as u64);
    let alive = n * 20 >= size * 19;
    let status = match (alive, dice.roll(10)) {
        (true, 0..2) => "new",
        (true, 2..5) => "open",
        (true, 5..7) => "in_progress",
        (true, 7..9) => "pending_customer",
        (true, _) => "resolved",
        (false, _) => "closed",
    };
    let customer = dice.roll(cast.customers.len());
    let agent = (status != "new").then(|| cast.agents[dice.roll(cast.agents.len())]);
    let priority = [1, 1, 1, 0, 2, 2, 1, 3][dice.roll(8)];
    let messages = match n % 50 {
        25 => 20,
        26 => 9,
        _ => 10,
    };
    // A thread is a day long, but nothing is said in the future.
    let step = (cast.now_us - created - MINUTE / 2).min(1440 * MINUTE) / messages;
    let mut public = 0;
    for m in 0..messages {
        let at = created + step * m;
        let internal = m % 4 == 3;
        let inbound = !internal && m % 2 == 0;
        public += i64::from(!internal);
        let mut body = sentence(&mut dice, 24 + m as usize % 3 * 8);
        if m == 0 && n % 10_000 == 4_321 {
            body.push_str(" We call it a ");
            body.push_str(RARE);
            body.push('.');
        }
        if m == 2 {
            body.push_str(" It is the router.");
        }
        b.m_ids.push(Some(id(at, 2, (n * 32) as u64 + m as u64)));
        b.m_tickets.push(Some(ticket));
        b.m_directions.push(Some(if inbound { "inbound" } else { "outbound" }.into()));
        b.m_internal.push(internal);
        b.m_kinds.push(Some(if inbound { "customer" } else { "agent" }.into()));
        b.m_authors.push(Some(if inbound {
            cast.customers[customer]
        } else {
            agent.unwrap_or(cast.agents[0])
        }));
        b.m_names.push(Some(if inbound { format!("Customer {customer}") } else { "Agent".into() }));
        b.m_html.push(Some(format!("<p>{body}</p>\n")));
        b.m_bodies.push(Some(body));
        b.m_at.push(Some(at));
    }
    let last = created + step * (messages - 1);
    let resolved = matches!(status, "resolved" | "closed").then_some(last);
    let mut line = |at: i64, k: u64, kind: &str, from: Option<&str>, to: Option<&str>, public: bool| {
        b.a_ids.push(Some(id(at, 3, (n * 8) as u64 + k)));
        b.a_tickets.push(Some(ticket));
        b.a_types.push(Some(kind.into()));
        b.a_from.push(from.map(Into::into));
        b.a_to.push(to.map(Into::into));
        b.a_public.push(public);
        b.a_at.push(Some(at));
    };
    line(created, 0, "created", None, Some("new"), true);
    if status != "new" {
        line(created + step, 1, "claimed", None, Some("Agent"), false);
        line(created + step, 2, "status_changed", Some("new"), Some("in_progress"), true);
    }
    if let Some(at) = resolved {
        line(at, 3, "status_changed", Some("in_progress"), Some("resolved"), true);
    }
    if n.is_multiple_of(7) {
        b.t_tickets.push(Some(ticket));
        b.t_tags.push(Some(["outage", "billing", "vip", "storm"][n % 4].into()));
    }
    let subject = format!("{} {} {}", WORDS[dice.roll(40)], WORDS[dice.roll(40)], WORDS[dice.roll(40)]);
    let (number, email) = (format!("SUP-{:05}", n + 1), format!("customer{customer}@example.org"));
    b.texts.push(Some(format!("{} {subject} {email}", number.to_lowercase())));
    b.ids.push(Some(ticket));
    b.numbers.push(Some(number));
    b.subjects.push(Some(subject));
    b.statuses.push(Some(status.into()));
    b.priorities.push(Some(priority));
    b.categories.push(Some(["technical", "billing", "account", "other"][n % 4].into()));
    b.channels.push(Some(["portal", "email", "phone"][n % 3].into()));
    b.customers.push(Some(cast.customers[customer]));
    b.emails.push(Some(email));
    b.assignees.push(agent);
    b.teams.push((!n.is_multiple_of(3)).then(|| cast.teams[n % cast.teams.len()]));
    b.counts.push(Some(messages));
    b.public_counts.push(Some(public));
    b.last.push(Some(last));
    b.due.push(Some(created + [48, 24, 4, 2][priority as usize] * 60 * MINUTE));
    b.answered.push((status != "new").then_some(created + step));
    b.resolved.push(resolved);
    b.closed.push((status == "closed").then_some(last));
    b.firsts.push(Some(id(created, 2, (n * 32) as u64)));
    b.created.push(Some(created));
}

impl Rows {
    fn batches(self, tenant: Uuid) -> Vec<Batch> {
        let tenants = |n: usize| ("tenant_id", Column::Id(vec![Some(tenant); n]));
        let (n, m, a, t) = (self.ids.len(), self.m_ids.len(), self.a_ids.len(), self.t_tickets.len());
        let took = self
            .resolved
            .iter()
            .zip(&self.created)
            .map(|(r, c)| r.map(|r| (r - c.unwrap_or(r)) / MINUTE))
            .collect();
        let tickets = Batch {
            table: "tickets",
            varies: vec![
                tenants(n),
                ("id", Column::Id(self.ids)),
                ("ticket_number", Column::Text(self.numbers)),
                ("subject", Column::Text(self.subjects)),
                ("search_text", Column::Text(self.texts)),
                ("status", Column::Text(self.statuses.clone())),
                ("public_status", Column::Text(self.statuses)),
                ("priority", Column::Int(self.priorities)),
                ("category", Column::Text(self.categories)),
                ("channel", Column::Text(self.channels)),
                ("customer_id", Column::Id(self.customers)),
                ("user_email", Column::Text(self.emails)),
                ("assigned_to", Column::Id(self.assignees)),
                ("team_id", Column::Id(self.teams)),
                ("message_count", Column::Int(self.counts)),
                ("public_message_count", Column::Int(self.public_counts)),
                ("last_message_at", Column::Time(self.last.clone())),
                ("due_at", Column::Time(self.due)),
                ("first_response_at", Column::Time(self.answered)),
                ("resolution_time_minutes", Column::Int(took)),
                ("resolved_at", Column::Time(self.resolved)),
                ("closed_at", Column::Time(self.closed)),
                ("first_message_id", Column::Id(self.firsts)),
                ("public_updated_at", Column::Time(self.last.clone())),
                ("created_at", Column::Time(self.created)),
                ("updated_at", Column::Time(self.last)),
            ],
            same: vec![
                ("ticket_type", "'general_inquiry'"),
                ("origin_type", "'customer'"),
                ("target_type", "'tenant'"),
                ("unread_by_agent", "0"),
                ("unread_by_customer", "0"),
                ("reminder_count", "0"),
                ("escalation_level", "0"),
                ("ai_auto_resolved", "false"),
                ("context", "'{}'"),
                ("version", "4"),
                ("public_version", "3"),
                ("created_by_kind", "'customer'"),
                ("created_by", "'Customer'"),
                ("updated_by", "'Agent'"),
            ],
        };
        let messages = Batch {
            table: "messages",
            varies: vec![
                tenants(m),
                ("id", Column::Id(self.m_ids)),
                ("ticket_id", Column::Id(self.m_tickets)),
                ("direction", Column::Text(self.m_directions)),
                ("is_internal", Column::Bool(self.m_internal)),
                ("author_kind", Column::Text(self.m_kinds)),
                ("author_id", Column::Id(self.m_authors)),
                ("author_name", Column::Text(self.m_names)),
                ("body", Column::Text(self.m_bodies)),
                ("body_html", Column::Text(self.m_html)),
                ("created_at", Column::Time(self.m_at)),
            ],
            same: vec![("delivery", "'none'")],
        };
        let audits = Batch {
            table: "ticket_audits",
            varies: vec![
                tenants(a),
                ("id", Column::Id(self.a_ids)),
                ("ticket_id", Column::Id(self.a_tickets)),
                ("event_type", Column::Text(self.a_types)),
                ("from_value", Column::Text(self.a_from)),
                ("to_value", Column::Text(self.a_to)),
                ("is_public", Column::Bool(self.a_public)),
                ("created_at", Column::Time(self.a_at)),
            ],
            same: vec![("metadata", "'{}'"), ("actor_kind", "'agent'"), ("actor_name", "'Agent'")],
        };
        let tags = Batch {
            table: "ticket_tags",
            varies: vec![
                tenants(t),
                ("ticket_id", Column::Id(self.t_tickets)),
                ("tag", Column::Text(self.t_tags)),
            ],
            same: vec![],
        };
        vec![tickets, messages, audits, tags]
    }
}
