//! What a list of tickets is asked for, and the SQL it becomes. Columns come from enums; values are bound.

use base::{Cursor, Error, Id, Result, Timestamp};
use crm::CustomerRecord;
use db::{ToValue, Value};
use identity::{User, teams::Team};
use uuid::Uuid;

use super::model::*;

/// How a list is ordered. `-` in the query means descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    CreatedAt,
    LastMessageAt,
    Priority,
    DueAt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub by: Order,
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self { by: Order::LastMessageAt, descending: true }
    }
}

impl Sort {
    pub fn parse(text: &str) -> Result<Self> {
        let (descending, name) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let by = match name {
            "created_at" => Order::CreatedAt,
            "last_message_at" => Order::LastMessageAt,
            "priority" => Order::Priority,
            "due_at" | "sla_due_at" => Order::DueAt,
            _ => {
                let message =
                    "one of created_at, last_message_at, priority, due_at, with - in front for descending";
                return Err(Error::field("order", "order.unknown", message));
            }
        };
        Ok(Self { by, descending })
    }
    pub fn column(self) -> &'static str {
        match self.by {
            Order::CreatedAt => "created_at",
            Order::LastMessageAt => "last_message_at",
            Order::Priority => "priority",
            Order::DueAt => "due_at",
        }
    }
    fn code(self) -> u8 {
        let by = match self.by {
            Order::CreatedAt => 0,
            Order::LastMessageAt => 1,
            Order::Priority => 2,
            Order::DueAt => 3,
        };
        by * 2 + u8::from(self.descending)
    }
    /// Where a list in this order goes on after the row with this sort value and id.
    pub fn cursor_of(self, value: i64, id: Uuid) -> Cursor {
        Cursor { value, id, order: self.code() }
    }
    pub fn cursor_after(self, t: &Ticket) -> Cursor {
        let value = match self.by {
            Order::CreatedAt => t.created_at.as_microsecond(),
            Order::LastMessageAt => t.last_message_at.as_microsecond(),
            Order::Priority => t.priority.rank(),
            Order::DueAt => t.due_at.as_microsecond(),
        };
        self.cursor_of(value, t.id.uuid())
    }
}

/// Whose tickets: anybody's, nobody's, or some people's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assignee {
    Nobody,
    User(Id<User>),
}

/// Every filter of a list; empty means "any".
#[derive(Clone, Debug, Default)]
pub struct TicketFilter {
    pub status: Vec<Status>,
    pub priority: Vec<Priority>,
    pub category: Vec<String>,
    pub ticket_type: Vec<TicketType>,
    pub channel: Vec<Channel>,
    pub assigned_to: Vec<Assignee>,
    pub team: Vec<Id<Team>>,
    pub customer: Vec<Id<CustomerRecord>>,
    pub user: Vec<Id<User>>,
    pub order_id: Vec<Uuid>,
    pub tag: Vec<String>,
    /// `kind:id`
    pub link: Vec<(String, String)>,
    pub created_at: Range,
    pub last_message_at: Range,
    pub due_at: Range,
    pub sla_overdue: bool,
    /// Put off, or not; absent means both.
    pub snoozed: Option<bool>,
    /// Tombstones instead of tickets.
    pub deleted: bool,
    /// What was typed to search by; a list does not look at it, [`super::search::search`] does.
    pub q: Option<String>,
    /// With `q`: no order was asked for.
    pub by_relevance: bool,
    /// The operators in `q`, understood.
    pub conditions: Vec<super::search::Condition>,
    pub sort: Sort,
    pub cursor: Option<Cursor>,
    /// 1 to 100.
    pub limit: u32,
}

/// After (exclusive) and before (exclusive).
#[derive(Clone, Copy, Debug, Default)]
pub struct Range {
    pub after: Option<Timestamp>,
    pub before: Option<Timestamp>,
}

/// A `where` clause being put together, with its values. `?1` is the tenant.
pub struct Clause<'a> {
    pub text: String,
    pub values: Vec<Value<'a>>,
}

impl<'a> Clause<'a> {
    pub fn tenant(table: &str) -> Self {
        Self { text: format!("{table}.tenant_id = ?1"), values: Vec::new() }
    }
    pub fn bind(&mut self, value: Value<'a>) -> String {
        self.values.push(value);
        format!("?{}", self.values.len() + 1)
    }
    fn any_of(&mut self, column: &str, values: impl IntoIterator<Item = Value<'a>>) {
        let list: Vec<String> = values.into_iter().map(|v| self.bind(v)).collect();
        match list.as_slice() {
            [] => {}
            [one] => self.text.push_str(&format!(" and {column} = {one}")),
            several => self.text.push_str(&format!(" and {column} in ({})", several.join(", "))),
        }
    }
    fn range(&mut self, column: &str, range: Range) {
        if let Some(after) = range.after {
            let p = self.bind(Value::Time(after));
            self.text.push_str(&format!(" and {column} > {p}"));
        }
        if let Some(before) = range.before {
            let p = self.bind(Value::Time(before));
            self.text.push_str(&format!(" and {column} < {p}"));
        }
    }
    pub fn and(&mut self, condition: &str, value: Value<'a>) {
        let p = self.bind(value);
        self.text.push_str(&format!(" and {}", condition.replace("{}", &p)));
    }
}

impl Range {
    /// This range, or another where this one lets everything through.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if self.after.is_none() && self.before.is_none() { other } else { self }
    }
}

impl TicketFilter {
    /// The condition on `tickets t`, without the cursor.
    pub fn clause(&self, now: Timestamp) -> Clause<'_> {
        let mut c = Clause::tenant("t");
        c.any_of("t.status", self.status.iter().map(ToValue::to_value));
        c.any_of("t.priority", self.priority.iter().map(ToValue::to_value));
        c.any_of("t.category", self.category.iter().map(ToValue::to_value));
        c.any_of("t.ticket_type", self.ticket_type.iter().map(ToValue::to_value));
        c.any_of("t.channel", self.channel.iter().map(ToValue::to_value));
        c.any_of("t.team_id", self.team.iter().map(ToValue::to_value));
        c.any_of("t.customer_id", self.customer.iter().map(ToValue::to_value));
        c.any_of("t.user_id", self.user.iter().map(ToValue::to_value));
        c.any_of("t.order_id", self.order_id.iter().map(ToValue::to_value));
        self.assignees(&mut c);
        for tag in &self.tag {
            c.and("exists (select 1 from ticket_tags g where g.tenant_id = ?1 and g.ticket_id = t.id and g.tag = {})", tag.to_value());
        }
        for (kind, id) in &self.link {
            let kind = c.bind(kind.to_value());
            let id = c.bind(id.to_value());
            c.text.push_str(&format!(
                " and exists (select 1 from ticket_links l where l.tenant_id = ?1 and l.ticket_id = t.id and l.kind = {kind} and l.linked_id = {id})"
            ));
        }
        c.range("t.created_at", self.created_at);
        c.range("t.last_message_at", self.last_message_at);
        c.range("t.due_at", self.due_at);
        if self.sla_overdue {
            c.and(
                "t.due_at <= {} and t.status in ('new', 'open', 'in_progress', 'pending_customer')",
                Value::Time(now),
            );
        }
        match self.snoozed {
            Some(true) => c.text.push_str(" and t.snoozed_at is not null"),
            Some(false) => c.text.push_str(" and t.snoozed_at is null"),
            None => {}
        }
        // What was merged is in its survivor; what was deleted is nowhere.
        c.text.push_str(if self.deleted {
            " and t.deleted_at is not null"
        } else {
            " and t.survivor_id is null and t.deleted_at is null"
        });
        self.conditions.iter().for_each(|condition| condition.add(&mut c, now));
        c
    }

    fn assignees<'a>(&'a self, c: &mut Clause<'a>) {
        let users: Vec<Value<'a>> = self
            .assigned_to
            .iter()
            .filter_map(|a| if let Assignee::User(id) = a { Some(id.to_value()) } else { None })
            .collect();
        let nobody = self.assigned_to.contains(&Assignee::Nobody);
        match (nobody, users.is_empty()) {
            (false, _) => c.any_of("t.assigned_to", users),
            (true, true) => c.text.push_str(" and t.assigned_to is null"),
            (true, false) => {
                let list: Vec<String> = users.into_iter().map(|v| c.bind(v)).collect();
                c.text.push_str(&format!(
                    " and (t.assigned_to is null or t.assigned_to in ({}))",
                    list.join(", ")
                ));
            }
        }
    }
}

/// Adds cursor, order and limit to a list on a table or view with `id` and the order's column.
pub fn page_of(
    clause: &mut Clause<'_>,
    table: &str,
    sort: Sort,
    cursor: Option<&Cursor>,
    limit: u32,
) -> Result<()> {
    let (column, direction, than) = (
        sort.column(),
        if sort.descending { "desc" } else { "asc" },
        if sort.descending { "<" } else { ">" },
    );
    if let Some(cursor) = cursor {
        if cursor.order != sort.code() {
            return Err(Error::field(
                "cursor",
                "cursor.other_order",
                "this cursor belongs to a list in another order; start over without it",
            ));
        }
        let value = match sort.by {
            Order::Priority => Value::Int(cursor.value),
            _ => Value::Time(
                Timestamp::from_microsecond(cursor.value)
                    .map_err(|_| Error::field("cursor", "cursor.malformed", "start over without it"))?,
            ),
        };
        let value = clause.bind(value);
        let id = clause.bind(Value::Uuid(cursor.id));
        clause.text.push_str(&format!(" and ({table}.{column}, {table}.id) {than} ({value}, {id})"));
    }
    let limit = clause.bind(Value::Int(i64::from(limit)));
    clause
        .text
        .push_str(&format!(" order by {table}.{column} {direction}, {table}.id {direction} limit {limit}"));
    Ok(())
}
