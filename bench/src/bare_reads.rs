//! The first limit of the reads: the rows a page is made of, by plain statements on a driver's connection of each
//! caller's own. No room, no mapping to types, no rules: every column is fetched and looked at.

use std::{
    hint::black_box,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use db::Location;
use uuid::Uuid;

use crate::{data::Sample, rows};

#[derive(Clone, Copy)]
pub enum Read {
    First,
    Deep,
    Ticket,
    Counters,
}

/// Statements with `$n` for values and `{ids}` where a list of ids goes.
struct Text {
    list: &'static str,
    deep: &'static str,
    ticket: &'static str,
}

const TEXT: Text = Text {
    list: "select t.*, m.body from tickets t join messages m on m.tenant_id = t.tenant_id and m.id = t.first_message_id
        where t.tenant_id = $1 and t.survivor_id is null and t.deleted_at is null
        order by t.last_message_at desc, t.id desc limit 51",
    deep: "select t.*, m.body from tickets t join messages m on m.tenant_id = t.tenant_id and m.id = t.first_message_id
        where t.tenant_id = $1 and t.survivor_id is null and t.deleted_at is null and (t.last_message_at, t.id) < ($2, $3)
        order by t.last_message_at desc, t.id desc limit 51",
    ticket: "select t.*, m.body from tickets t join messages m on m.tenant_id = t.tenant_id and m.id = t.first_message_id
        where t.tenant_id = $1 and t.id = $2",
};
/// What belongs to the tickets of a list.
const BESIDE: [&str; 3] = [
    "select ticket_id, tag from ticket_tags where tenant_id = $1 and ticket_id in ({ids}) order by ticket_id, tag",
    "select ticket_id, user_id from ticket_watchers where tenant_id = $1 and ticket_id in ({ids}) order by ticket_id",
    "select ticket_id, kind, linked_id, label from ticket_links where tenant_id = $1 and ticket_id in ({ids}) order by ticket_id",
];
/// What one ticket's answer holds besides. The last five find nothing in the data set; the product has to look, too.
const THREAD: [&str; 8] = [
    "select * from messages where tenant_id = $1 and ticket_id = $2 order by id",
    "select * from attachments where tenant_id = $1 and ticket_id = $2 order by id",
    "select * from ticket_audits where tenant_id = $1 and ticket_id = $2 order by id",
    "select r.*, t.* from ticket_relations r join tickets t on t.tenant_id = r.tenant_id and t.id = r.to_id
        where r.tenant_id = $1 and r.from_id = $2",
    "select r.*, t.* from ticket_relations r join tickets t on t.tenant_id = r.tenant_id and t.id = r.from_id
        where r.tenant_id = $1 and r.to_id = $2",
    "select * from ticket_participants where tenant_id = $1 and ticket_id = $2 order by created_at, email",
    "select * from checklist_items where tenant_id = $1 and ticket_id = $2 order by position, id",
    "select * from surveys where tenant_id = $1 and ticket_id = $2 and answered_at is not null",
];

/// What the numbers beside the views are made of: sums, and what time alone makes overdue, capped.
const COUNTERS: [&str; 2] = [
    "select status, is_snoozed, assigned_to, team_id, cast(sum(count) as bigint) from ticket_counts where tenant_id = $1
        group by status, is_snoozed, assigned_to, team_id",
    "select count(*) from (select 1 as one from tickets t where t.tenant_id = $1 and t.due_at <= $2
        and t.status in ('new', 'open', 'in_progress', 'pending_customer') and t.snoozed_at is null
        and t.survivor_id is null and t.deleted_at is null order by t.due_at limit 1000) as counted",
];

/// How often a second `callers` threads read that, each on a connection of its own.
pub fn reads(location: &Location, sample: &Sample, what: Read, callers: usize, time: Duration) -> f64 {
    let done = AtomicUsize::new(0);
    let begin = Instant::now() + time / 5;
    let end = begin + time;
    std::thread::scope(|scope| {
        for _ in 0..callers {
            scope.spawn(|| {
                let mut read = caller(location, sample, what);
                while Instant::now() < end {
                    let begun = Instant::now();
                    read();
                    if begun >= begin {
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    done.load(Ordering::Relaxed) as f64 / time.as_secs_f64()
}

fn with_ids(text: &str, first: usize, count: usize) -> String {
    let ids: Vec<String> = (first..first + count).map(|n| format!("${n}")).collect();
    text.replace("{ids}", &ids.join(", "))
}

fn caller<'a>(location: &'a Location, sample: &'a Sample, what: Read) -> Box<dyn FnMut() + 'a> {
    match location {
        Location::Sqlite(path) => {
            let c = rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
                .expect("the database opens");
            // As the product does: statements keep their plans.
            let keep = rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG;
            c.set_db_config(keep, true).expect("statements keep their plans");
            c.set_prepared_statement_cache_capacity(64);
            Box::new(move || sqlite(&c, sample, what))
        }
        Location::Postgres(url) => {
            let mut c = rows::client(url.reveal(), sample.tenant.uuid());
            let mut known = std::collections::HashMap::new();
            Box::new(move || postgres_read(&mut c, &mut known, sample, what))
        }
    }
}

fn now_us() -> i64 {
    base::Clock::now(&base::SystemClock).as_microsecond()
}

fn sqlite(c: &rusqlite::Connection, s: &Sample, what: Read) {
    use rusqlite::types::Value;
    let blob = |id: Uuid| Value::Blob(id.as_bytes().to_vec());
    let tenant = || blob(s.tenant.uuid());
    // The id is the second column.
    let all = |text: &str, values: Vec<Value>| -> Vec<Uuid> {
        let text = text.replace('$', "?");
        let mut statement = c.prepare_cached(&text).expect("a statement");
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(values)).expect("rows");
        let mut ids = Vec::new();
        while let Some(row) = rows.next().expect("a row") {
            for n in 0..columns {
                black_box(row.get_ref(n).expect("a column"));
            }
            if let Ok(bytes) = row.get_ref(1).map(|v| v.as_blob().map(Uuid::from_slice))
                && let Ok(Ok(id)) = bytes
            {
                ids.push(id);
            }
        }
        ids
    };
    c.execute_batch("begin").expect("begin");
    let ids = match what {
        Read::Counters => {
            all(COUNTERS[0], vec![tenant()]);
            all(COUNTERS[1], vec![tenant(), Value::Integer(now_us())]);
            Vec::new()
        }
        Read::First => all(TEXT.list, vec![tenant()]),
        Read::Deep => all(TEXT.deep, vec![tenant(), Value::Integer(s.middle.0), blob(s.middle.1)]),
        Read::Ticket => all(TEXT.ticket, vec![tenant(), blob(s.long)]),
    };
    for text in BESIDE.iter().filter(|_| !ids.is_empty()) {
        let values = std::iter::once(tenant()).chain(ids.iter().copied().map(blob)).collect();
        all(&with_ids(text, 2, ids.len()), values);
    }
    if matches!(what, Read::Ticket) {
        for text in THREAD {
            all(text, vec![tenant(), blob(s.long)]);
        }
    }
    c.execute_batch("commit").expect("commit");
}

fn postgres_read(
    c: &mut postgres::Client,
    known: &mut std::collections::HashMap<String, postgres::Statement>,
    s: &Sample,
    what: Read,
) {
    use postgres::types::ToSql;
    let tenant = s.tenant.uuid();
    let at = jiff::Timestamp::from_microsecond(s.middle.0).expect("an instant");
    let mut all =
        |c: &mut postgres::Client, text: &str, values: &[&(dyn ToSql + Sync)]| -> Vec<postgres::Row> {
            let statement =
                known.entry(text.to_owned()).or_insert_with(|| c.prepare(text).expect("a statement")).clone();
            let rows = c.query(&statement, values).expect("rows");
            black_box(rows.iter().map(postgres::Row::len).sum::<usize>());
            rows
        };
    let found = match what {
        Read::Counters => {
            let now = jiff::Timestamp::from_microsecond(now_us()).expect("an instant");
            all(c, COUNTERS[0], &[&tenant]);
            all(c, COUNTERS[1], &[&tenant, &now]);
            Vec::new()
        }
        Read::First => all(c, TEXT.list, &[&tenant]),
        Read::Deep => all(c, TEXT.deep, &[&tenant, &at, &s.middle.1]),
        Read::Ticket => all(c, TEXT.ticket, &[&tenant, &s.long]),
    };
    let ids: Vec<Uuid> = found.iter().map(|r| r.get("id")).collect();
    for text in BESIDE.iter().filter(|_| !ids.is_empty()) {
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&tenant];
        values.extend(ids.iter().map(|id| id as &(dyn ToSql + Sync)));
        all(c, &with_ids(text, 2, ids.len()), &values);
    }
    if matches!(what, Read::Ticket) {
        for text in THREAD {
            all(c, text, &[&tenant, &s.long]);
        }
    }
}
