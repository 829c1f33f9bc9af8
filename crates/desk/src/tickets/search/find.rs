//! The desk's search. Up to [`RANKED_MAX`] tickets are found by rank; of more, the newest come first.
//!
//! Whichever is fewer is looked at: the tickets that hold the words, or those that meet the conditions. Where both are
//! many, tickets are walked in their order and each is asked whether it holds the words.

use std::collections::{HashMap, HashSet};

use base::{Cursor, Error, Id, Result, Timestamp};
use db::{
    Read, Sql, Value,
    search::{Audience, Hit, RANKED_MAX, Wanted, across, find, newest},
};
use identity::Staff;
use serde::Serialize;
use uuid::Uuid;

use super::{
    condition::Condition,
    index::is_behind,
    language::{Key, Query},
    mark::{Marked, Words, marks, snippet},
};
use crate::tickets::{
    filter::{Order, Sort, TicketFilter, page_of},
    model::Ticket,
    query, store,
};

/// Tickets asked about at once, and in one request, while walking.
const WALK_STEP: u32 = 250;
const WALK_MAX: usize = 10_000;
/// Messages of one ticket that are looked through for a snippet, from the newest.
const SNIPPET_MESSAGES: u32 = 100;

/// In which order the hits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum SearchOrder {
    /// The ticket of that number, then what names a ticket, then what is in it; the newest first among equals.
    Relevance,
    /// There are too many to rank.
    Newest,
    /// As `order` says, or as lists are ordered when there are no words to rank by.
    Requested,
}

/// What is known of a search as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct Facts {
    pub order: SearchOrder,
    /// How many tickets are found; null when only walking all of them would tell, and on later pages.
    pub count: Option<u32>,
    /// There are more than `count`.
    pub count_is_capped: bool,
    /// False while tickets from before an upgrade or a restore are still being brought into the index.
    pub is_complete: bool,
}

/// One page of a search.
#[derive(Debug)]
pub struct Results {
    pub tickets: Vec<Ticket>,
    pub next: Option<Cursor>,
    pub facts: Facts,
    pub wanted: Wanted,
}

/// Codes of cursors; those of ordinary lists are below.
pub(super) const RANK_CODE: u8 = 64;
const NEWEST_CODE: u8 = 96;

db::statements! {
    BODIES = "select body from messages where tenant_id = ?1 and ticket_id = ?2 order by id desc limit ?3";
    // The survivor is found by what was said on those in its thread.
    BODIES_OF_THREAD = "with thread (id) as (select t.id from tickets t where t.tenant_id = ?1 and t.id = ?2
            union all select g.id from tickets g where g.tenant_id = ?1 and g.survivor_id = ?2)
        select m.body from thread cross join messages m where m.tenant_id = ?1 and m.ticket_id = thread.id order by m.id desc limit ?3";
}

/// The filter with its operators understood, and the words.
fn understood(read: &Read<'_>, staff: &Staff, filter: &TicketFilter) -> Result<(TicketFilter, Query)> {
    let query = Query::parse(filter.q.as_deref().unwrap_or_default(), Key::ALL)?;
    let conditions =
        query.operators.iter().map(|o| Condition::of_staff(read, staff, o)).collect::<Result<Vec<_>>>()?;
    // Words that are not to be there rank nothing.
    let by_relevance = filter.by_relevance && !query.wanted.all.is_empty();
    Ok((TicketFilter { q: None, conditions, by_relevance, ..filter.clone() }, query))
}

/// Only which tickets [`search`] finds, up to `filter.limit`, which may be as large as [`RANKED_MAX`]: for changes of
/// all of them.
pub fn ids(read: &Read<'_>, staff: &Staff, filter: &TicketFilter) -> Result<Vec<Id<Ticket>>> {
    let (mut filter, query) = understood(read, staff, filter)?;
    let (mut out, most) = (Vec::new(), filter.limit as usize);
    loop {
        let search = Search { read, staff, filter: &filter, wanted: &query.wanted, now: read.now() };
        let (ids, next, _) = search.run(None)?;
        out.extend(ids.into_iter().map(Id::from_uuid));
        // A walk stops to breathe.
        match next {
            Some(next) if out.len() < most => filter.cursor = Some(next),
            _ => {
                out.truncate(most);
                return Ok(out);
            }
        }
    }
}

/// Whether the line can be understood; the error says what is wrong with it.
pub fn check(read: &Read<'_>, staff: &Staff, filter: &TicketFilter) -> Result<()> {
    understood(read, staff, filter).map(drop)
}

/// Staff look for tickets with `filter.q`; its other parts hold too.
pub fn search(read: &Read<'_>, staff: &Staff, filter: &TicketFilter) -> Result<Results> {
    let (filter, query) = understood(read, staff, filter)?;
    let search = Search { read, staff, filter: &filter, wanted: &query.wanted, now: read.now() };
    let (ids, next, facts) = search.run(query_number(&query.wanted))?;
    let tickets = search.tickets(&ids)?;
    let facts = Facts { is_complete: !is_behind(read)?, ..facts };
    Ok(Results { tickets, next, facts, wanted: query.wanted })
}

/// The subject with its hits, and the piece of the best message of its thread, with what was merged into it.
pub fn highlights(read: &Read<'_>, ticket: &Ticket, wanted: &Wanted) -> Result<(Marked, Option<Marked>)> {
    let mut words = Words::default();
    let bodies = if ticket.merged_count > 0 { &BODIES_OF_THREAD } else { &BODIES };
    read.for_each(bodies, db::params![ticket.id, SNIPPET_MESSAGES], |row| Ok(words.take(row.get(0)?)))?;
    Ok((marks(&ticket.subject, wanted), snippet(words.bodies(), wanted)))
}

/// The one word that may be a ticket's number.
fn query_number(wanted: &Wanted) -> Option<String> {
    let [term] = wanted.all.as_slice() else { return None };
    let [word] = term.words() else { return None };
    match word.parse::<u64>() {
        Ok(number) if !term.is_prefix() => Some(format!("SUP-{number:05}")),
        _ => word.contains('-').then(|| word.to_uppercase()),
    }
}

struct Search<'r, 'c> {
    read: &'r Read<'c>,
    staff: &'r Staff,
    /// Without words and with conditions.
    filter: &'r TicketFilter,
    wanted: &'r Wanted,
    now: Timestamp,
}

type Page = (Vec<Uuid>, Option<Cursor>, Facts);

fn facts(order: SearchOrder, count: Option<usize>) -> Facts {
    let count = count.map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    Facts { order, count, count_is_capped: false, is_complete: true }
}

impl Search<'_, '_> {
    fn limit(&self) -> usize {
        self.filter.limit as usize
    }

    fn run(&self, number: Option<String>) -> Result<Page> {
        if self.wanted.is_empty() {
            return self.listed();
        }
        // What is merged or deleted is not listed in the index; beyond that an open list has no condition.
        let is_open = self.clause().text == TicketFilter::default().clause(self.now).text;
        match &self.filter.cursor {
            // Anybody can write a cursor: this walk looks at no condition, so it is for lists that have none.
            Some(cursor) if cursor.order == NEWEST_CODE && is_open && self.filter.by_relevance => {
                return self.newest(cursor.value);
            }
            Some(cursor) if cursor.order == NEWEST_CODE => return Err(other_order()),
            // The walk of a search by rank goes by creation.
            Some(cursor) if self.filter.by_relevance && cursor.order < RANK_CODE => {
                return self.walked(NEWEST);
            }
            _ => {}
        }
        if let Some(hits) = find(self.read, self.wanted, Audience::Staff)? {
            let hits =
                if is_open && self.filter.by_relevance { Known::All(hits) } else { self.passing(hits)? };
            return self.ranked(hits, number);
        }
        if !is_open {
            let ids = self.filtered(RANKED_MAX + 1)?;
            if ids.len() <= RANKED_MAX {
                let hits = across(self.read, self.wanted, Audience::Staff, &ids)?;
                let hits = self.passing(hits)?;
                return self.ranked(hits, number);
            }
        }
        let page = match (self.filter.by_relevance, is_open) {
            (true, true) => self.newest(i64::MAX)?,
            (true, false) => self.walked(NEWEST)?,
            (false, _) => self.walked(self.filter.sort)?,
        };
        let count = (is_open && self.filter.cursor.is_none()).then_some(10_000);
        Ok((page.0, page.1, Facts { count, count_is_capped: true, ..page.2 }))
    }

    fn clause(&self) -> crate::tickets::filter::Clause<'_> {
        let mut clause = self.filter.clause(self.now);
        query::only_visible(&mut clause, self.staff);
        clause
    }

    /// Conditions alone: an ordinary list.
    fn listed(&self) -> Result<Page> {
        let (found, more) = query::list(self.read, self.staff, self.filter)?;
        let next = found.last().filter(|_| more).map(|t| self.filter.sort.cursor_after(t));
        let cap = u32::try_from(RANKED_MAX).unwrap_or(u32::MAX);
        let mut facts = facts(SearchOrder::Requested, None);
        if self.filter.cursor.is_none() {
            let count = query::count(self.read, self.staff, self.filter, cap)?;
            (facts.count, facts.count_is_capped) = (Some(count.min(cap)), count > cap);
        }
        Ok((found.into_iter().map(|t| t.id.uuid()).collect(), next, facts))
    }

    /// Tickets that meet the conditions, up to so many.
    fn filtered(&self, most: usize) -> Result<Vec<Uuid>> {
        let mut clause = self.clause();
        let limit = clause.bind(Value::Int(i64::try_from(most).unwrap_or(i64::MAX)));
        let text = format!("select t.id from tickets t where {} limit {limit}", clause.text);
        self.read.query_all(&Sql::built(text), &clause.values, |row| row.get(0))
    }

    /// The hits that meet the conditions, each with its value in the order that was asked for.
    fn passing(&self, hits: Vec<Hit>) -> Result<Known> {
        let mut values: HashMap<Uuid, i64> = HashMap::with_capacity(hits.len());
        for batch in hits.chunks(500) {
            let mut clause = self.clause();
            let size = if batch.len() <= 50 { 50 } else { 500 };
            let padded = batch.iter().chain(std::iter::repeat(&batch[batch.len() - 1])).take(size);
            let ids: Vec<String> = padded.map(|h| clause.bind(Value::Uuid(h.ticket))).collect();
            let column = self.filter.sort.column();
            let text = format!(
                "select t.id, t.{column} from tickets t where {} and t.id in ({})",
                clause.text,
                ids.join(", ")
            );
            self.read.for_each(&Sql::built(text), &clause.values, |row| {
                let value = match self.filter.sort.by {
                    Order::Priority => row.get(1)?,
                    _ => row.get::<Timestamp>(1)?.as_microsecond(),
                };
                values.insert(row.get(0)?, value);
                Ok(true)
            })?;
        }
        Ok(Known::Some(hits.into_iter().filter_map(|h| values.get(&h.ticket).map(|v| (h, *v))).collect()))
    }

    /// All hits are known: by rank, or in the order that was asked for.
    fn ranked(&self, hits: Known, number: Option<String>) -> Result<Page> {
        let numbered = match number {
            Some(number) => match store::find_by_number(self.read, &number)? {
                Some(id) => store::find(self.read, id)?.map(|t| t.head().uuid()),
                None => None,
            },
            None => None,
        };
        let tier = |h: &Hit| if Some(h.ticket) == numbered { 0 } else { 1 + u8::from(!h.in_head) };
        let sort = self.filter.sort;
        // (order's code, value to fall by, ticket): what a cursor holds.
        let mut keys: Vec<(u8, i64, Uuid)> = match (self.filter.by_relevance, hits) {
            (true, Known::All(hits)) => hits.iter().map(|h| (RANK_CODE + tier(h), h.no, h.ticket)).collect(),
            (true, Known::Some(hits)) => {
                hits.iter().map(|(h, _)| (RANK_CODE + tier(h), h.no, h.ticket)).collect()
            }
            (false, Known::All(_)) => return Err(Error::bug("hits without the values they are ordered by")),
            (false, Known::Some(hits)) => {
                hits.iter().map(|(h, v)| (sort.cursor_of(*v, h.ticket).order, *v, h.ticket)).collect()
            }
        };
        let falls = self.filter.by_relevance || sort.descending;
        let compare = |a: &(u8, i64, Uuid), b: &(u8, i64, Uuid)| {
            let values = (a.1, a.2).cmp(&(b.1, b.2));
            a.0.cmp(&b.0).then(if falls { values.reverse() } else { values })
        };
        keys.sort_unstable_by(compare);
        let (order, count) = (self.order(SearchOrder::Relevance), keys.len());
        let start = match &self.filter.cursor {
            None => 0,
            Some(cursor) => {
                let is_ours = if self.filter.by_relevance {
                    cursor.order >= RANK_CODE
                } else {
                    cursor.order == sort.cursor_of(0, Uuid::nil()).order
                };
                if !is_ours {
                    return Err(other_order());
                }
                keys.partition_point(|k| compare(k, &(cursor.order, cursor.value, cursor.id)).is_le())
            }
        };
        let page: Vec<_> = keys[start..].iter().take(self.limit()).copied().collect();
        let more = keys.len() > start + page.len();
        let next = page.last().filter(|_| more).map(|(order, value, id)| Cursor {
            order: *order,
            value: *value,
            id: *id,
        });
        let count = self.filter.cursor.is_none().then_some(count);
        Ok((page.into_iter().map(|k| k.2).collect(), next, facts(order, count)))
    }

    fn order(&self, by_rank: SearchOrder) -> SearchOrder {
        if self.filter.by_relevance { by_rank } else { SearchOrder::Requested }
    }

    /// Straight from the index, newest tickets first.
    fn newest(&self, below: i64) -> Result<Page> {
        let (hits, next) = newest(self.read, self.wanted, below, self.limit())?;
        let next = next.map(|value| Cursor { order: NEWEST_CODE, value, id: Uuid::nil() });
        Ok((hits.into_iter().map(|h| h.ticket).collect(), next, facts(SearchOrder::Newest, None)))
    }

    /// Along the tickets that meet the conditions. After so many a page may be short; its cursor goes on.
    fn walked(&self, sort: Sort) -> Result<Page> {
        let (mut page, mut seen) = (Vec::new(), 0);
        let mut cursor = self.filter.cursor.clone();
        let order = self.order(SearchOrder::Newest);
        loop {
            let mut clause = self.clause();
            page_of(&mut clause, "t", sort, cursor.as_ref(), WALK_STEP)?;
            let text = format!("select t.id, t.{} from tickets t where {}", sort.column(), clause.text);
            let step = self.read.query_all(&Sql::built(text), &clause.values, |row| {
                let value = match sort.by {
                    Order::Priority => row.get(1)?,
                    _ => row.get::<Timestamp>(1)?.as_microsecond(),
                };
                Ok((row.get::<Uuid>(0)?, value))
            })?;
            let ids: Vec<Uuid> = step.iter().map(|(id, _)| *id).collect();
            let hits: HashSet<Uuid> = across(self.read, self.wanted, Audience::Staff, &ids)?
                .into_iter()
                .map(|h| h.ticket)
                .collect();
            seen += step.len();
            for (id, value) in &step {
                cursor = Some(sort.cursor_of(*value, *id));
                if hits.contains(id) {
                    page.push(*id);
                    if page.len() == self.limit() {
                        return Ok((page, cursor, facts(order, None)));
                    }
                }
            }
            if step.len() < WALK_STEP as usize {
                return Ok((page, None, facts(order, None)));
            }
            if seen >= WALK_MAX {
                return Ok((page, cursor, facts(order, None)));
            }
        }
    }

    /// Whole tickets in the order of their ids.
    fn tickets(&self, ids: &[Uuid]) -> Result<Vec<Ticket>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let among = db::dialect::placeholders(2, ids.len());
        let text = format!(
            "select {} from tickets t join messages m on m.tenant_id = t.tenant_id and m.id = t.first_message_id
             where t.tenant_id = ?1 and t.id in {among}",
            store::COLUMNS
        );
        let values: Vec<Value<'_>> = ids.iter().map(|id| Value::Uuid(*id)).collect();
        let mut found: HashMap<Uuid, Ticket> = self
            .read
            .query_all(&Sql::built(text), &values, store::map)?
            .into_iter()
            .map(|t| (t.id.uuid(), t))
            .collect();
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }
}

const NEWEST: Sort = Sort { by: Order::CreatedAt, descending: true };

/// Hits as the index gave them, or those that meet the conditions with their value in the list's order.
enum Known {
    All(Vec<Hit>),
    Some(Vec<(Hit, i64)>),
}

pub(super) fn other_order() -> Error {
    Error::field(
        "cursor",
        "cursor.other_order",
        "this cursor belongs to a list in another order; start over without it",
    )
}
