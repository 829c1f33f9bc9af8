//! The customer's search: over their own tickets as the portal shows them, by what they can read.
//!
//! The tickets come from `portal_tickets`; the words are asked of the columns that hold no note. So neither a hit nor a
//! count nor the order can tell of one, which a test holds this to.

use std::collections::HashMap;

use base::{Cursor, Result, Timestamp};
use db::{
    Read, Sql, ToValue as _,
    search::{Audience, Hit, Wanted, across},
};
use uuid::Uuid;

use super::{
    condition::Condition,
    find::{Facts, RANK_CODE, SearchOrder, other_order},
    index::is_behind,
    language::{Key, Query},
    mark::{Marked, Words, marks, snippet},
};
use crate::tickets::{
    filter::{Clause, Order, Sort},
    model::Status,
    portal::{self, PortalTicket, Viewer},
};

/// What a customer asks for.
#[derive(Clone, Debug)]
pub struct MyFilter {
    pub q: String,
    pub status: Vec<Status>,
    /// None: by relevance.
    pub sort: Option<Sort>,
    pub cursor: Option<Cursor>,
    /// 1 to 100.
    pub limit: u32,
}

/// One page of a customer's search.
#[derive(Debug)]
pub struct MyResults {
    pub tickets: Vec<PortalTicket>,
    pub next: Option<Cursor>,
    pub facts: Facts,
    pub wanted: Wanted,
}

/// Customers look for tickets of theirs.
pub fn search(read: &Read<'_>, viewer: &Viewer, filter: &MyFilter) -> Result<MyResults> {
    let query = Query::parse(&filter.q, Key::MINE)?;
    let conditions =
        query.operators.iter().map(|o| Condition::of_customer(o, read.now())).collect::<Result<Vec<_>>>()?;
    let own = own(read, viewer, filter, &conditions)?;
    let ids: Vec<Uuid> = own.iter().map(|(id, _)| *id).collect();
    let by_rank = filter.sort.is_none() && !query.wanted.all.is_empty();
    let hits: HashMap<Uuid, Hit> = if query.wanted.is_empty() {
        ids.iter().map(|id| (*id, Hit { ticket: *id, no: 0, in_head: false })).collect()
    } else {
        across(read, &query.wanted, Audience::Customer, &ids)?.into_iter().map(|h| (h.ticket, h)).collect()
    };
    let sort = filter.sort.unwrap_or_default();
    let code = sort.cursor_of(0, Uuid::nil()).order;
    let mut keys: Vec<(u8, i64, Uuid)> = own
        .iter()
        .filter_map(|(id, value)| hits.get(id).map(|h| (h, *value)))
        .map(|(h, value)| (if by_rank { RANK_CODE + u8::from(!h.in_head) } else { code }, value, h.ticket))
        .collect();
    let compare = |a: &(u8, i64, Uuid), b: &(u8, i64, Uuid)| {
        let values = (a.1, a.2).cmp(&(b.1, b.2));
        a.0.cmp(&b.0).then(if sort.descending { values.reverse() } else { values })
    };
    keys.sort_unstable_by(compare);
    let start = match &filter.cursor {
        None => 0,
        Some(c) if if by_rank { c.order >= RANK_CODE } else { c.order == code } => {
            keys.partition_point(|k| compare(k, &(c.order, c.value, c.id)).is_le())
        }
        Some(_) => return Err(other_order()),
    };
    let page: Vec<_> = keys[start..].iter().take(filter.limit as usize).copied().collect();
    let more = keys.len() > start + page.len();
    let next = page.last().filter(|_| more).map(|(order, value, id)| Cursor {
        order: *order,
        value: *value,
        id: *id,
    });
    let count = filter.cursor.is_none().then(|| u32::try_from(keys.len()).unwrap_or(u32::MAX));
    let facts = Facts {
        order: if by_rank { SearchOrder::Relevance } else { SearchOrder::Requested },
        count,
        count_is_capped: false,
        is_complete: !is_behind(read)?,
    };
    let page: Vec<Uuid> = page.into_iter().map(|k| k.2).collect();
    Ok(MyResults { tickets: portal::by_ids(read, viewer, &page)?, next, facts, wanted: query.wanted })
}

/// Their tickets that meet the conditions, with each one's value in the order.
fn own(
    read: &Read<'_>,
    viewer: &Viewer,
    filter: &MyFilter,
    conditions: &[Condition],
) -> Result<Vec<(Uuid, i64)>> {
    let mut c = Clause::tenant("t");
    viewer.restrict(&mut c);
    if !filter.status.is_empty() {
        let list: Vec<String> = filter.status.iter().map(|s| c.bind(s.to_value())).collect();
        c.text.push_str(&format!(" and t.status in ({})", list.join(", ")));
    }
    conditions.iter().for_each(|condition| condition.add(&mut c, read.now()));
    let sort = filter.sort.unwrap_or_default();
    let text = format!("select t.id, t.{} from portal_tickets t where {}", sort.column(), c.text);
    read.query_all(&Sql::built(text), &c.values, |row| {
        let value = match sort.by {
            Order::Priority => row.get(1)?,
            _ => row.get::<Timestamp>(1)?.as_microsecond(),
        };
        Ok((row.get(0)?, value))
    })
}

/// The subject with its hits, and the piece of the best message that was not among staff.
pub fn highlights(
    read: &Read<'_>,
    ticket: &PortalTicket,
    wanted: &Wanted,
) -> Result<(Marked, Option<Marked>)> {
    let mut words = Words::default();
    portal::newest_bodies(read, ticket, |body| words.take(body))?;
    Ok((marks(&ticket.subject, wanted), snippet(words.bodies(), wanted)))
}
